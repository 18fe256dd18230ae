/** When a gate is closed, and by which number. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baselineChecks, budgetChecks, objectivesOf } from '#src/cli/gate/judge.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { bucketIndex, HISTOGRAM_BUCKETS, type SparseCounts, sparseCounts } from '#src/lib/histogram.ts';
import { sampleRoute, sampleSlo, sampleVersion } from '../../../support/readings/status.ts';

const CALM = sampleSlo({ alerts: sampleSlo().alerts.map((alert) => ({ ...alert, isFiring: false })) });
const COMPARISON = { tolerance: 0.1, badNeeded: sloTools.badNeeded };
const STARTED = '2026-01-01T00:00:00.000Z';

describe('a budget', () => {
  const stateOf = (changes: Partial<typeof CALM>, least = 0) => budgetChecks([{ ...CALM, ...changes }], least)[0];

  it('that is left opens the gate', () => {
    assert.deepEqual(stateOf({}), {
      about: 'budget',
      state: 'pass',
      sentence: 'availability of route checkout: 50 % of the budget is left',
    });
  });

  it('that is less than asked for, frozen or burning closes it', () => {
    assert.match(stateOf({}, 0.51)?.sentence ?? '', /50 % of the budget is left, less than 51 %/);
    assert.equal(stateOf({}, 0.5)?.state, 'pass');
    assert.equal(stateOf({ policy: { kind: 'frozen', sentence: 'it is frozen' } })?.state, 'fail');
    assert.equal(stateOf({ policy: { kind: 'slow', sentence: 'it is slow' } })?.state, 'pass');
    assert.match(stateOf(sampleSlo())?.sentence ?? '', /a page fires, burning above 6x over 6h and 30m/);
  });

  it('of nothing is not known', () => {
    assert.equal(stateOf({ remainingRatio: null })?.state, 'no-data');
  });

  it('is asked of a route and the services that it leads to', () => {
    const slos = (['checkout', 'other'] as const).flatMap((name) => [
      sampleSlo({ name }),
      sampleSlo({ scope: 'service', name: `${name}-service` }),
      sampleSlo({ scope: 'gateway', name: 'business' }),
    ]);
    const routes = [sampleRoute({ versions: [sampleVersion({ service: 'checkout-service' })] })];
    assert.equal(objectivesOf({ slos, routes }, []).length, 6);
    assert.deepEqual(
      objectivesOf({ slos, routes }, ['checkout']).map(({ name }) => name),
      ['checkout', 'checkout-service'],
    );
  });
});

/** Counts of so many requests of a latency each. */
function counted(...groups: readonly (readonly [requests: number, ms: number])[]): SparseCounts {
  const counts = new Float64Array(HISTOGRAM_BUCKETS);
  for (const [requests, ms] of groups) counts[bucketIndex(ms)] = (counts[bucketIndex(ms)] ?? 0) + requests;
  return sparseCounts(counts, 0);
}

describe('a baseline', () => {
  const before = { name: 'checkout', requests: 10_000, bad: 10, p99Ms: 100, latencies: counted([10_000, 100]) };
  const compare = (now: Parameters<typeof sampleRoute>[0], startedAt = STARTED) =>
    baselineChecks(
      { startedAt: STARTED, routes: [sampleRoute(now)], latencies: [] },
      { format: 1, startedAt, routes: [before] },
      COMPARISON,
    );

  it('is compared with what came since, in the same process', () => {
    // 1.21 expected of 1000: 5 are beyond chance (P >= 5: 0.9 %).
    const [errors] = compare({ requests: 11_000, bad: 14, p99Ms: 100 });
    assert.equal(errors?.sentence, 'errors of route checkout: 4 bad of 1000, 10 of 10000 before');
    assert.equal(errors.state, 'pass');
    const [more] = compare({ requests: 11_000, bad: 15, p99Ms: 100 });
    assert.deepEqual([more?.state, /5 are beyond chance/.test(more?.sentence ?? '')], ['fail', true]);
  });

  it('is compared with everything in another process', () => {
    const [errors] = compare({ requests: 1000, bad: 14, p99Ms: 100 }, 'earlier');
    assert.equal(errors?.state, 'fail');
  });

  it('without any failure does not make one a reason', () => {
    const route = sampleRoute({ requests: 1_000_000, bad: 2, p99Ms: 1 });
    const clean = { format: 1, startedAt: 'earlier', routes: [{ ...before, requests: 1_000_000, bad: 0 }] } as const;
    assert.equal(
      baselineChecks({ startedAt: STARTED, routes: [route], latencies: [] }, clean, COMPARISON)[0]?.state,
      'pass',
    );
  });

  const p99Of = (counts: SparseCounts, changes: object = {}, startedAt = STARTED) =>
    baselineChecks(
      { startedAt: STARTED, routes: [sampleRoute()], latencies: [{ route: 'checkout', counts }] },
      { format: 1, startedAt, routes: [{ ...before, ...changes }] },
      COMPARISON,
    )[1];

  it('is not made to forget a slow release by fast requests before it', () => {
    const fast = counted([8000, 17]);
    const slow = p99Of(counted([8000, 17], [20, 1000]), { p99Ms: 17, latencies: fast });
    assert.equal(slow?.state, 'fail');
    assert.match(
      slow.sentence,
      /^p99 of route checkout: 989\.2 ms of 20 requests, 17 ms before; 20 took more than 18\.7 ms, \d are /,
    );
  });

  it('allows a p99 that is a little worse, and a slow request by chance', () => {
    const states = [105, 120].map((ms) => p99Of(counted([10_000, 100], [1000, ms]))?.state);
    assert.deepEqual(states, ['pass', 'fail']);
    const one = p99Of(counted([10_020, 100], [1, 1000]));
    assert.deepEqual([one?.state, one?.sentence.endsWith('; 1 took more than 110 ms')], ['pass', true]);
  });

  it('has p99 of everything in another process', () => {
    assert.equal(p99Of(counted([20, 1000]), {}, 'earlier')?.state, 'fail');
  });

  it('knows no p99 without requests on either side', () => {
    assert.match(p99Of(before.latencies)?.sentence ?? '', /no request since the baseline/);
    assert.match(
      p99Of(before.latencies, { p99Ms: null, latencies: [] })?.sentence ?? '',
      /nothing was measured before/,
    );
  });

  it('of an earlier version is too old for p99, and says what to do', () => {
    const old = p99Of(counted([20, 1000]), { latencies: undefined });
    assert.deepEqual(
      [old?.state, /too old.*write a new one with sluice gate -o baseline/.test(old?.sentence ?? '')],
      ['no-data', true],
    );
  });

  it('knows nothing without a request, and nothing of routes that it has not seen', () => {
    assert.equal(compare({ requests: 10_000, bad: 10, p99Ms: 100 })[0]?.state, 'no-data');
    assert.deepEqual(compare({ name: 'new' }), []);
  });
});
