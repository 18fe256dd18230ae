/** That forecasts, of time and harm alike, are within a quarter of what the judge does: the mean over many histories on virtual time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { RolloutPlan } from '#src/model/config.ts';
import type { Forecast } from '#src/model/rollout.ts';
import type { SetLatency } from '#src/slo/latency/watch.ts';
import { secondsToConvict, secondsToConvictSlow, secondsToPass } from '#src/slo/rollout/planner/convict.ts';
import { forecast } from '#src/slo/rollout/planner/forecast.ts';
import { simulateHistory } from '#src/slo/rollout/planner/simulate/history.ts';
import { PromotionProcess } from '#src/slo/verdict/promotion.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from '../support/simulate/detection.ts';
import { poissonTable } from '../support/simulate/draws.ts';
import { PLAN } from '../support/simulate/machine.ts';
import { POLICY, type RolloutResult, simulateRollout } from '../support/simulate/rollout.ts';
import { STEADY, slowDown } from '../support/simulate/slowness.ts';
import { HEALTHY } from '../support/simulate/traffic.ts';

const SEED = 1001;
const RUNS = 60;
const SLOW_RUNS = 20;
const HOUR_MS = 3_600_000;
const USERS = 20_000;
const TERMS = { ...POLICY, plan: null, budgetRatio: 0.001 };
/** Largest deviation from the simulated mean. */
const DEVIATION_MAX = 0.25;
const LAST = { percent: 100, dwellMs: 0 };

function check(t: TestContext, forecast: number, seen: readonly number[], unit = 's'): void {
  const mean = seen.reduce((sum, one) => sum + one, 0) / seen.length;
  t.diagnostic(
    `seeds from ${SEED}: mean ${mean.toFixed(2)} ${unit} of ${seen.length}, forecast ${forecast.toFixed(2)} ${unit}`,
  );
  assert.ok(Math.abs(forecast / mean - 1) <= DEVIATION_MAX, `${forecast} ${unit} against ${mean} ${unit}`);
}

/** A service of which a part of the users has the canary. */
interface Split {
  readonly rps: number;
  readonly share: number;
  readonly stable: number;
  readonly canary: number;
}

/** What comes of a canary that fails from its first request on, time after time. */
function convictions({ rps, share, stable, canary }: Split): RolloutResult[] {
  const scenario = {
    ...HEALTHY,
    users: USERS,
    canaryUsers: Math.round(USERS * share),
    requestsPerSecond: rps,
    canaryShare: share,
    errorRatio: stable,
    canaryFaults: [{ fromMs: 0, toMs: HOUR_MS, errorRatio: canary }],
  };
  return Array.from({ length: RUNS }, (_, n) => simulateRollout(scenario, SEED + n, { durationMs: HOUR_MS }));
}

function secondsOf({ rolledBackAtMs }: RolloutResult): number {
  return (rolledBackAtMs ?? Number.POSITIVE_INFINITY) / 1000;
}

/** The forecast of a plan of these steps, with faults of `canary` among those that it looks at. */
function forecastOf(rps: number, stable: number, canary: number, steps: RolloutPlan['steps']): Forecast {
  const policy = { ...POLICY, plan: { ...PLAN, steps }, budgetRatio: canary / 10 };
  return forecast(
    { route: 'shop', policy, configuredPercent: 0 },
    { requestsPerSecond: rps, errorRatio: stable, latency: null },
  );
}

describe('the time to convict a canary that fails', () => {
  const cells: readonly [rps: number, share: number, stable: number, canary: readonly number[]][] = [
    [1000, 0.05, 0.001, [0.01, 0.05, 0.5, 1]],
    [100, 0.05, 0.01, [0.1, 0.5, 1]],
    [100, 0.5, 0.001, [0.01, 0.05, 0.5]],
    [20, 0.25, 0.01, [0.1, 0.5, 1]],
    [1000, 0.01, 0.001, [0.05, 0.5]],
  ];
  for (const [rps, share, stable, canaries] of cells) {
    for (const canary of canaries) {
      it(`is as forecast, and so is the harm: ${rps} requests/s, ${100 * share} %, ${100 * canary} % errors against ${100 * stable} %`, (t) => {
        const seen = convictions({ rps, share, stable, canary });
        const canaryRps = rps * share;
        const stream = { canaryRps, stableRps: rps - canaryRps, canaryRatio: canary, stableRatio: stable };
        check(t, secondsToConvict(stream, TERMS), seen.map(secondsOf));
        const [step] = forecastOf(rps, stable, canary, [{ percent: 100 * share, dwellMs: HOUR_MS }, LAST]).steps;
        const finding = step?.findings.find(({ fault }) => 'errorRatio' in fault && fault.errorRatio === canary);
        const harmed = seen.map(({ canaryBad }) => canaryBad);
        check(t, finding?.harmed ?? Number.NaN, harmed, 'bad requests');
      });
    }
  }
});

describe('what a first step of a given length can find', () => {
  for (const [rps, stable, dwellMs] of [
    [1000, 0.0005, 120_000],
    [200, 0.001, 300_000],
  ] as const) {
    const target = 0.01;
    it(`is as forecast at the least weight to start with: ${rps} requests/s, ${dwellMs / 60_000} min`, (t) => {
      const { least } = forecastOf(rps, stable, target, [{ percent: 1, dwellMs }, LAST]).start;
      assert.ok(least !== null && least > 0.1 && least < 50, `${least}`);
      t.diagnostic(`${least.toFixed(2)} % find ${100 * target} %`);
      const seen = convictions({ rps, share: least / 100, stable, canary: target });
      check(t, dwellMs / 1000, seen.map(secondsOf));
    });

    it(`is as forecast for the smallest error ratio: ${rps} requests/s, ${dwellMs / 60_000} min`, (t) => {
      const percent = 10;
      // Nothing but its dwell keeps a healthy canary there.
      const steps = [{ percent, dwellMs }, LAST];
      const [step] = forecastOf(rps, stable, target, steps).steps;
      const canary = step?.smallestErrorRatio ?? Number.NaN;
      assert.equal(step?.staySeconds, dwellMs / 1000);
      t.diagnostic(`${percent} % find ${(100 * canary).toFixed(3)} %`);
      check(t, dwellMs / 1000, convictions({ rps, share: percent / 100, stable, canary }).map(secondsOf));
    });
  }
});

describe('the time to convict a canary that is slow', () => {
  for (const factor of [1.3, 1.5, 2]) {
    it(`is as forecast: everything ${factor} times slower`, (t) => {
      // It takes four seconds to be warm.
      const scenario = {
        ...STEADY,
        healthyMs: 4000,
        watchMs: 120_000,
        canary: (_: Random, baseMs: number) => factor * baseMs,
      };
      const seen = Array.from({ length: SLOW_RUNS }, (_, n) => slowDown(scenario, SEED + n).afterMs / 1000);
      const shape = { p50Ms: STEADY.medianMs, p99Ms: STEADY.medianMs * Math.exp(STEADY.sigma * 2.326_348) };
      const { canaryPerSecond: canaryRps, stablePerSecond: stableRps } = STEADY;
      const stream = { canaryRps, stableRps, canaryRatio: 0, stableRatio: 0 };
      check(t, secondsToConvictSlow(stream, factor, shape, TERMS), seen);
    });
  }
});

describe('the time that simulated histories take', () => {
  for (const [rps, stable, canary] of [
    [1000, 0.001, 0.05],
    [100, 0.01, 0.5],
  ] as const) {
    it(`is as forecast: ${rps} requests/s, 5 %, ${100 * canary} % errors against ${100 * stable} %`, (t) => {
      const traffic = {
        requestsPerSecond: rps,
        users: USERS,
        stable: { errorRatio: stable, latency: null },
        canary: { errorRatio: canary, latency: null },
      };
      const terms = { spec: SPEC, traffic, isSticky: true, limitMs: HOUR_MS };
      const seen = Array.from({ length: RUNS }, (_, n) => {
        const dials = createLatencyDials();
        const set: SetLatency = (unit, dial) => setLatency(dials, unit, dial);
        return simulateHistory(terms, SEED + n, { dials, set }).afterMs / 1000;
      });
      const stream = { canaryRps: 0.05 * rps, stableRps: 0.95 * rps, canaryRatio: canary, stableRatio: stable };
      check(t, secondsToConvict(stream, TERMS), seen);
    });
  }
});

describe('the time to pass a healthy canary', () => {
  const cells: readonly [rps: number, share: number, errors: number][] = [
    [1000, 0.05, 0.001],
    [100, 0.05, 0.001],
    [100, 0.05, 0.01],
    [1000, 0.25, 0.01],
  ];
  for (const [rps, share, errors] of cells) {
    it(`is as forecast: ${rps} requests/s, ${100 * share} %, ${100 * errors} % errors`, (t) => {
      const canaryRps = rps * share;
      const stableRps = rps - canaryRps;
      const drawn = [canaryRps * (1 - errors), canaryRps * errors, stableRps * (1 - errors), stableRps * errors].map(
        (perSecond) => poissonTable(perSecond / 10),
      );
      const seen = Array.from({ length: RUNS }, (_, n) => {
        const random = new Random(SEED + n);
        const process = new PromotionProcess(TERMS.promotion);
        let ticks = 0;
        while (!process.isPassed && ticks < 100_000) {
          ticks += 1;
          const [good = 0, bad = 0, stableGood = 0, stableBad = 0] = drawn.map((table) => table.draw(random));
          process.update(good + bad, stableGood + stableBad, bad, stableBad);
        }
        return ticks / 10;
      });
      const stream = { canaryRps, stableRps, canaryRatio: errors, stableRatio: errors };
      check(t, secondsToPass(stream, TERMS), seen);
    });
  }
});
