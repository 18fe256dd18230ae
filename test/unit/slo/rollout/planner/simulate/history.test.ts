/** Histories of rollouts: each ends as its canary deserves, within the plan's own times, and a seed is one history. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutPlan } from '#src/model/config.ts';
import type { SimulatedHistory, SimulatedTraffic } from '#src/model/threads/load/simulation.ts';
import { type HistoryTerms, simulateHistory } from '#src/slo/rollout/planner/simulate/history.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from '../../../../../support/simulate/detection.ts';
import { PLAN, STEPPED } from '../../../../../support/simulate/machine.ts';

const HOUR_MS = 3_600_000;
const QUICK: RolloutPlan = {
  ...PLAN,
  steps: [10, 50, 100].map((percent) => ({ percent, dwellMs: 10_000 })),
  needsEvidence: false,
  requestsMin: 0,
  bakeMs: 20_000,
};
const SOUND = { errorRatio: 0.001, latency: null };
const TRAFFIC: SimulatedTraffic = { requestsPerSecond: 200, users: 5000, stable: SOUND, canary: SOUND };
const TERMS: HistoryTerms = {
  spec: { ...STEPPED, plan: QUICK },
  traffic: TRAFFIC,
  isSticky: true,
  limitMs: HOUR_MS,
};

function history(changes: Partial<HistoryTerms> = {}, seed = 1): SimulatedHistory {
  const dials = createLatencyDials();
  const set = (unit: number, dial: Parameters<typeof setLatency>[2]) => setLatency(dials, unit, dial);
  return simulateHistory({ ...TERMS, ...changes }, seed, { dials, set });
}

function withCanary(canary: Partial<SimulatedTraffic['canary']>): Partial<HistoryTerms> {
  return { traffic: { ...TRAFFIC, canary: { ...SOUND, ...canary } } };
}

describe('a history', () => {
  it('of a sound canary is promoted after its steps and its bake', () => {
    const { outcome, afterMs, percent, canary, sentence } = history();
    assert.deepEqual([outcome, percent], ['promoted', 100]);
    assert.ok(afterMs >= 40_000 && afterMs <= 41_000, `${afterMs} ms`);
    // 10 s of 10 %, 10 s of half, 20 s of everything, at 200 a second: 5,200.
    assert.ok(Math.abs(canary.requests - 5200) < 400, `${canary.requests}`);
    assert.ok(canary.failed < 25 && canary.usersFailed <= canary.failed);
    assert.match(sentence, /checkout/);
  });

  it('of a canary that fails is rolled back at its first step, and few of its users saw it', () => {
    const { outcome, afterMs, percent, canary } = history(withCanary({ errorRatio: 0.5 }));
    assert.deepEqual([outcome, percent], ['rolled-back', 10]);
    assert.ok(afterMs > 0 && afterMs < 5000, `${afterMs} ms`);
    assert.ok(canary.failed >= 3 && canary.failed < 60, `${canary.failed}`);
    assert.ok(canary.usersFailed > 0 && canary.usersFailed <= canary.failed);
    assert.ok(canary.failed <= canary.requests);
  });

  it('of a canary that is slow is rolled back by its latency alone', () => {
    const slowly = { spec: { ...STEPPED, plan: { ...QUICK, steps: PLAN.steps.slice(2) } } };
    const stable = { errorRatio: 0, latency: { p50Ms: 20, p99Ms: 80 } };
    const canary = { errorRatio: 0, latency: { p50Ms: 60, p99Ms: 240 } };
    const slow = history({ ...slowly, traffic: { ...TRAFFIC, stable, canary } });
    assert.deepEqual([slow.outcome, slow.canary.failed], ['rolled-back', 0]);
    assert.match(slow.sentence, /p\d\d|slow|latency/);
    assert.equal(history({ ...slowly, traffic: { ...TRAFFIC, stable, canary: stable } }, 2).outcome, 'promoted');
  });

  it('without the evidence that a step asks for pauses, or goes on until nobody waits any longer', () => {
    const strict = { ...QUICK, requestsMin: 1e9, stepMaxMs: 30_000 };
    const paused = history({ spec: { ...STEPPED, plan: strict } });
    assert.equal(paused.outcome, 'paused');
    assert.ok(paused.afterMs >= 30_000 && paused.afterMs < 31_000, `${paused.afterMs} ms`);
    const { outcome, afterMs } = history({ spec: { ...STEPPED, plan: strict }, limitMs: 5000 });
    assert.deepEqual([outcome, afterMs], ['undecided', 5000]);
  });

  it('of a canary that is only watched keeps the configured weights', () => {
    const { outcome, percent, canary } = history({ spec: { ...SPEC, plan: null }, limitMs: 20_000 });
    assert.deepEqual([outcome, percent], ['undecided', 5]);
    assert.ok(Math.abs(canary.requests - 200) < 80, `${canary.requests}`);
    const bad = history({ spec: { ...SPEC, plan: null }, ...withCanary({ errorRatio: 1 }) });
    assert.deepEqual([bad.outcome, bad.percent], ['rolled-back', 5]);
  });

  it('harms the users of the canary alone where they keep their version, and any other where they do not', () => {
    const traffic = { ...TRAFFIC, users: 200, canary: { ...SOUND, errorRatio: 1 } };
    const patient = { spec: { ...SPEC, plan: null, badMin: 300 }, traffic };
    const [sticky, drawn] = [true, false].map((isSticky) => history({ ...patient, isSticky }).canary);
    // 300 failures: of the twentieth of 200 users that the canary has, or of any.
    assert.ok(sticky !== undefined && sticky.usersFailed < 30, `${sticky?.usersFailed}`);
    assert.ok(drawn !== undefined && drawn.usersFailed > 100, `${drawn?.usersFailed}`);
  });

  it('is the same for the same seed, and another for another', () => {
    const failing = withCanary({ errorRatio: 0.05 });
    assert.deepEqual(history(failing, 3), history(failing, 3));
    assert.notDeepEqual(history(failing, 3).canary, history(failing, 4).canary);
  });
});
