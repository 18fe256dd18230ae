/** Each commitment kept, broken, and not measured. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Commitments } from '#src/cli/slo/sla/contract.ts';
import { COMMITMENTS, checkContract } from '#src/cli/slo/sla/judge.ts';
import { bucketIndex } from '#src/lib/histogram.ts';
import type { Decision } from '#src/model/slo.ts';
import { sampleDecision, sampleRoute, sampleSlo, sampleVersion } from '../../../../support/readings/status.ts';

const NOTHING: Commitments = {
  route: 'checkout',
  p99Ms: null,
  errorRatio: null,
  availabilityRatio: null,
  rollbackMs: null,
  releaseWindows: null,
  saturationRatio: null,
};
const ADMISSION = {
  limit: 100,
  inFlight: 90,
  queued: 0,
  shed: { critical: 0, default: 0, degraded: 0, 'best-effort': 0 },
  isCurbed: false,
  order: '',
};
const ROUTE = sampleRoute({ p99Ms: 250, errorRatio: 0.012, versions: [sampleVersion({ admission: ADMISSION })] });
/** 2026-11-01 is a Sunday. */
const DECISION = sampleDecision({ sampleRequestIds: ['a'.repeat(32)] });

function check(promised: Partial<Commitments>, decisions: readonly Decision[] = [DECISION], routes = [ROUTE]) {
  return checkContract(
    [{ ...NOTHING, ...promised }],
    { startedAt: 'then', uptimeMs: 90_000, routes, slos: [sampleSlo()], latencies: [] },
    decisions,
  );
}
const stateOf = (...args: Parameters<typeof check>) =>
  check(...args)
    .map(({ state }) => state)
    .join();

describe('a commitment', () => {
  it('that nobody made is not checked', () => assert.deepEqual(check({}), []));

  it('about latency and errors is kept up to its bound', () => {
    assert.deepEqual([stateOf({ p99Ms: 250 }), stateOf({ p99Ms: 249 })], ['kept', 'broken']);
    assert.deepEqual([stateOf({ errorRatio: 0.012 }), stateOf({ errorRatio: 0.011 })], ['kept', 'broken']);
  });

  it('that is broken names why, the objective and requests', () => {
    assert.deepEqual(check({ availabilityRatio: 0.9999 }), [
      {
        route: 'checkout',
        commitment: 'availability',
        state: 'broken',
        reason: '99.95 % good, 50 bad of 100000; at least 99.99 % promised',
        slo: 'route/checkout/availability',
        requestIds: ['a'.repeat(32)],
      },
    ]);
    assert.deepEqual(check({ availabilityRatio: 0.9995 })[0]?.requestIds, []);
  });

  it('about rollbacks goes by the slowest one that was timed', () => {
    const slow = sampleDecision({ detectedInMs: 4000, switchedInMs: 1 });
    assert.equal(stateOf({ rollbackMs: 641 }), 'kept');
    assert.equal(stateOf({ rollbackMs: 4000 }, [DECISION, slow]), 'broken');
    assert.equal(stateOf({ rollbackMs: 1 }, [sampleDecision({ detectedInMs: -1 })]), 'no-data');
  });

  it('about releases goes by day and time of what was decided, but not of rollbacks', () => {
    const step = sampleDecision({ kind: 'step' });
    const window = { days: [0], fromMinute: 480, toMinute: 482 };
    assert.equal(stateOf({ releaseWindows: [window] }, [step]), 'kept');
    assert.equal(stateOf({ releaseWindows: [{ ...window, days: [1] }] }, [step]), 'broken');
    assert.equal(stateOf({ releaseWindows: [{ ...window, toMinute: 481 }] }, [step]), 'broken');
    assert.equal(stateOf({ releaseWindows: [{ ...window, days: [1] }] }, [DECISION]), 'no-data');
  });

  it('about releases goes by any of several windows, and by the night of a day', () => {
    const at = (time: string) => [sampleDecision({ kind: 'step', at: `2026-11-${time}:00.000Z` })];
    const night = { days: [6], fromMinute: 1320, toMinute: 360 };
    const releaseWindows = [night, { days: [1], fromMinute: 540, toMinute: 1020 }];
    const states = ['07T21:59', '07T22:00', '08T05:59', '08T06:00', '08T22:00', '07T05:00', '09T09:00'].map((time) =>
      stateOf({ releaseWindows }, at(time)),
    );
    assert.deepEqual(states, ['broken', 'kept', 'kept', 'broken', 'broken', 'broken', 'kept']);
  });

  it('about latency and errors is of the requests since the report before, in the same process', () => {
    const measured = (requests: number, bad: number, counts: [number, number][]) => ({
      startedAt: 'then',
      uptimeMs: requests,
      routes: [sampleRoute({ requests, bad, p99Ms: 17, errorRatio: bad / requests })],
      slos: [],
      latencies: [{ route: 'checkout', counts }],
    });
    const before = measured(8000, 0, [[200, 8000]]);
    const now = measured(8020, 2, [[200, 8000], [bucketIndex(1000), 20]]); // biome-ignore format: pairs
    const contract = [{ ...NOTHING, p99Ms: 100, errorRatio: 0.01 }];
    const reasons = (earlier: typeof before | null) =>
      checkContract(contract, now, [], earlier).map(({ state }) => state);
    assert.deepEqual(reasons(null), ['kept', 'kept']);
    assert.deepEqual(reasons(before), ['broken', 'broken']);
    assert.deepEqual(reasons({ ...before, startedAt: 'earlier' }), ['kept', 'kept']);
    assert.deepEqual(reasons(now), ['no-data', 'no-data']);
  });

  it('that is broken names requests that missed it, since the report before', () => {
    const sample = (requestId: string, second: number) => {
      const at = new Date(Date.parse('2026-11-01T08:00:00Z') + 1000 * second).toISOString();
      return { requestId, at, version: 'v1', latencyMs: 480, status: 200, reason: 'none' };
    };
    const now = {
      startedAt: '2026-11-01T08:00:00.000Z',
      uptimeMs: 90_000,
      routes: [ROUTE],
      slos: [sampleSlo()],
      latencies: [{ route: 'checkout', counts: [[bucketIndex(480), 900]] as [number, number][] }],
      samples: [
        { route: 'other', bad: [sample('other', 80)], slow: [] },
        { route: 'checkout', bad: [sample('b2', 80), sample('b1', 20)], slow: [sample('s2', 80), sample('s1', 20)] },
      ],
    };
    const contract = [{ ...NOTHING, p99Ms: 1, errorRatio: 0.001, availabilityRatio: 0.9999, rollbackMs: 1 }];
    const idsOf = (before: Parameters<typeof checkContract>[3], measured = now) =>
      checkContract(contract, measured, [DECISION], before).map(({ requestIds }) => requestIds);
    const judged = ['a'.repeat(32)];
    assert.deepEqual(idsOf(null), [['s2', 's1'], ['b2', 'b1'], ['b2', 'b1'], judged]);
    const [quiet] = [{ ...now, uptimeMs: 60_000, latencies: [], routes: [{ ...ROUTE, requests: 100, bad: 0 }] }];
    assert.deepEqual(idsOf(quiet), [['s2'], ['b2'], ['b2'], judged]);
    assert.deepEqual(idsOf(null, { ...now, samples: [] }), [[], judged, judged, judged]);
  });

  it('about saturation goes by the version that is nearest to its limit', () => {
    assert.deepEqual([stateOf({ saturationRatio: 0.9 }), stateOf({ saturationRatio: 0.8 })], ['kept', 'broken']);
    assert.equal(stateOf({ saturationRatio: 0.8 }, [], [sampleRoute()]), 'no-data');
  });

  it('about a route that there is not has no data', () => {
    const all = { p99Ms: 1, errorRatio: 0, availabilityRatio: 1, rollbackMs: 1, saturationRatio: 1 };
    const releaseWindows = [{ days: [0], fromMinute: 0, toMinute: 1 }];
    const checked = check({ ...all, releaseWindows, route: 'gone' });
    assert.deepEqual(
      checked.map(({ commitment }) => commitment),
      COMMITMENTS,
    );
    assert.ok(checked.every(({ state }) => state === 'no-data'));
  });
});
