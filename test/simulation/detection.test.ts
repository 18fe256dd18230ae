/** How soon a canary that fails is at weight 0: the real controller over shared memory, on virtual time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { watchRoutes } from '../../bench/control/routes.ts';
import { type Detection, type DetectionScenario, detect, FAILING, quantileOf } from '../support/simulate/detection.ts';
import { simulateRollout } from '../support/simulate/rollout.ts';
import { HEALTHY } from '../support/simulate/traffic.ts';

const SEED = 1;

function runs(t: TestContext, scenario: DetectionScenario, count: number): { all: Detection[]; p95Ms: number } {
  const all = Array.from({ length: count }, (_, n) => detect(scenario, SEED + n));
  const sorted = all.map(({ afterMs }) => afterMs).toSorted((a, b) => a - b);
  const [p50Ms, p95Ms] = [quantileOf(sorted, 0.5), quantileOf(sorted, 0.95)];
  t.diagnostic(`seeds ${SEED}..${SEED + count - 1}: p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`);
  return { all, p95Ms };
}

describe('a canary that fails every request from the first one on', () => {
  it('at 5 requests per second, evenly paced, is out within 1 s at p95', (t) => {
    const { all, p95Ms } = runs(t, FAILING, 50);
    assert.ok(p95Ms <= 1000, `${p95Ms}`);
    for (const { decision, canaryBad } of all) {
      assert.equal(decision?.kind, 'rollback');
      assert.deepEqual(decision.verdict.requests.canary, { finished: canaryBad, bad: canaryBad });
      assert.ok(decision.detectedInMs > 0 && decision.detectedInMs < 2000);
    }
  });

  it('at 10 or 50 per second is out within 1 s at p95 even when they come at random', (t) => {
    for (const perSecond of [10, 50]) {
      const scenario = {
        ...FAILING,
        arrivals: 'poisson',
        canaryPerSecond: perSecond,
        stablePerSecond: 19 * perSecond,
      } as const;
      assert.ok(runs(t, scenario, 50).p95Ms <= 1000, `${perSecond} per second`);
    }
  });

  it('at 5 per second is out within 2 s at p95 when they come at random, and within 1.5 s while stable fails 1 % as well', (t) => {
    assert.ok(runs(t, { ...FAILING, arrivals: 'poisson' }, 200).p95Ms <= 2000);
    assert.ok(runs(t, { ...FAILING, errorRatio: 0.01 }, 50).p95Ms <= 1500);
  });
});

describe('a canary that begins to fail after ten healthy minutes', () => {
  it('is out within 2.5 s at p95', (t) => {
    const { all, p95Ms } = runs(t, { ...FAILING, healthyMs: 600_000 }, 20);
    assert.ok(p95Ms <= 2500, `${p95Ms}`);
    assert.ok(
      all.every(({ afterMs }) => afterMs > 0),
      'and never before',
    );
  });
});

describe('a canary that fails one request in ten', () => {
  it('is found within minutes at 5 requests per second', (t) => {
    const { p95Ms } = runs(t, { ...FAILING, canaryErrorRatio: 0.1, errorRatio: 0.01, timeoutMs: 600_000 }, 30);
    assert.ok(p95Ms <= 150_000, `${p95Ms}`);
  });
});

describe('a canary with 50 of 1,000 requests per second, stable failing 0.1 %', () => {
  const limits = [
    [0.01, 10, 300],
    [0.05, 6, 100],
    [0.5, 8, 100],
    [1, 12, 100],
  ] as const;
  for (const [canaryErrorRatio, limit, count] of limits) {
    it(`failing ${100 * canaryErrorRatio} % is out after ${limit} bad requests at the median`, (t) => {
      const scenario: DetectionScenario = {
        ...FAILING,
        arrivals: 'poisson',
        canaryPerSecond: 50,
        stablePerSecond: 950,
        canaryErrorRatio,
      };
      const { all } = runs(t, scenario, count);
      const bad = all.map(({ canaryBad }) => canaryBad).toSorted((a, b) => a - b);
      t.diagnostic(`bad requests: p50 ${quantileOf(bad, 0.5)}, p95 ${quantileOf(bad, 0.95)}`);
      assert.ok(quantileOf(bad, 0.5) <= limit, `${quantileOf(bad, 0.5)}`);
    });
  }

  it('failing 1 % from the tenth minute on is out within 30 s at the median', (t) => {
    const onsetMs = 600_000;
    const canaryFaults = [{ fromMs: onsetMs, toMs: Number.POSITIVE_INFINITY, errorRatio: 0.01 }];
    const more = { requestsPerSecond: 1000, users: 10_000, canaryUsers: 500, errorRatio: 0.001, canaryFaults };
    const times = Array.from({ length: 120 }, (_, n) => {
      const { rolledBackAtMs } = simulateRollout({ ...HEALTHY, ...more }, SEED + n, { durationMs: 2 * onsetMs });
      return (rolledBackAtMs ?? Number.POSITIVE_INFINITY) - onsetMs;
    });
    const sorted = times.toSorted((a, b) => a - b);
    t.diagnostic(`seeds ${SEED}..${SEED + 119}: p50 ${quantileOf(sorted, 0.5)} ms, p95 ${quantileOf(sorted, 0.95)} ms`);
    assert.ok(quantileOf(sorted, 0.5) <= 30_000, `${quantileOf(sorted, 0.5)}`);
    assert.ok((sorted[0] as number) > 0, 'and never before');
  });
});

describe('a canary that fails on one of ten routes, the one with a hundredth of the traffic', () => {
  it('is found by that route sooner than by all of them together', (t) => {
    const parts = Array.from({ length: 10 }, (_, n) => (n === 9 ? 0.01 : 0.11));
    const scenario = {
      traffic: { ...HEALTHY, requestsPerSecond: 1000, users: 20_000, errorRatio: 0.001 },
      parts,
      ownErrorRatios: parts.map(() => 0),
      fault: { route: 9, errorRatio: 0.2 },
    };
    const all = Array.from({ length: 8 }, (_, n) => watchRoutes(scenario, SEED + n, 300_000));
    const medians = [0, 1].map((which) => {
      const times = all.map((pair) => pair[which]?.atMs ?? Number.POSITIVE_INFINITY);
      return quantileOf(
        times.toSorted((a, b) => a - b),
        0.5,
      );
    }) as [number, number];
    t.diagnostic(`seeds ${SEED}..${SEED + 7}: together ${medians[0]} ms, and each by itself ${medians[1]} ms`);
    assert.ok(medians[1] < medians[0] / 2, medians.join(' '));
  });
});
