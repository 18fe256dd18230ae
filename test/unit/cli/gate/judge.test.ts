/** When a gate is closed, and by which number. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baselineChecks, budgetChecks, objectivesOf } from '#src/cli/gate/judge.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
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

describe('a baseline', () => {
  const before = { name: 'checkout', requests: 10_000, bad: 10, p99Ms: 100 };
  const compare = (now: Parameters<typeof sampleRoute>[0], startedAt = STARTED) =>
    baselineChecks(
      { startedAt: STARTED, routes: [sampleRoute(now)] },
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
    assert.equal(baselineChecks({ startedAt: STARTED, routes: [route] }, clean, COMPARISON)[0]?.state, 'pass');
  });

  it('allows a p99 that is a little worse', () => {
    const states = [110, 111, null].map((p99Ms) => compare({ requests: 10_001, bad: 10, p99Ms })[1]?.state);
    assert.deepEqual(states, ['pass', 'fail', 'no-data']);
  });

  it('knows nothing without a request, and nothing of routes that it has not seen', () => {
    assert.equal(compare({ requests: 10_000, bad: 10, p99Ms: 100 })[0]?.state, 'no-data');
    assert.deepEqual(compare({ name: 'new' }), []);
  });
});
