/**
 * Measures on virtual time how long a failing canary keeps its weight: the real controller over real shared memory.
 *
 * Requests of both versions arrive evenly paced (with a random phase) or as Poisson processes, finish after a fixed time
 * in one of two workers, and the controller looks every 100 ms at a random phase of its own. The watch begins with the
 * canary's first traffic. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { RolloutSpec } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { createController } from '#src/slo/controller.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { exponential } from './draws.ts';
import { POLICY } from './rollout.ts';
import { FakeWorker, smallTallies } from './worker.ts';

const TICK_MS = 100;
const WEIGHT = 5;

export interface DetectionScenario {
  readonly canaryPerSecond: number;
  readonly stablePerSecond: number;
  readonly arrivals: 'even' | 'poisson';
  /** Time from the start of the watch to the first failure. */
  readonly healthyMs: number;
  /** Share of bad canary requests from then on. */
  readonly canaryErrorRatio: number;
  /** Share of bad requests otherwise, in both versions. */
  readonly errorRatio: number;
  /** Users of each version. */
  readonly canaryUsers: number;
  readonly stableUsers: number;
  /** Give up so long after the first failure. */
  readonly timeoutMs: number;
}

/** 5 of 100 requests per second on the canary, all of them failing from the first one on; stable fails 0.1 %. */
export const FAILING: DetectionScenario = {
  canaryPerSecond: 5,
  stablePerSecond: 95,
  arrivals: 'even',
  healthyMs: 0,
  canaryErrorRatio: 1,
  errorRatio: 0.001,
  canaryUsers: 500,
  stableUsers: 9500,
  timeoutMs: 120_000,
};

export interface Detection {
  /** From the onset of failures to weight 0, in ms; Infinity when it never came. */
  readonly afterMs: number;
  /** Bad canary requests from the onset on. */
  readonly canaryBad: number;
  /** Null when there was no rollback. A rollback before the onset has a negative `afterMs`. */
  readonly decision: Decision | null;
}

export const SPEC: RolloutSpec = {
  route: 'checkout',
  service: 'shop',
  stable: { version: 'v1', cell: 1, dial: 1, unit: 0, weight: 95, endpoints: [0] },
  canary: { version: 'v2', cell: 2, dial: 2, unit: 1, weight: 5, endpoints: [1] },
  ...POLICY,
  shadows: [],
  plan: null,
  weightScale: 1,
  budgetRatio: 0.001,
  budgetPolicy: { freeze: true, slowBelowRatio: 0.25, releaseAllowanceRatio: 0.2 },
  generation: 'a',
  revision: 1,
};

/** The same on two further routes. */
export const SEVERAL: RolloutSpec = {
  ...SPEC,
  companions: ['cart', 'pay'].map((route, n) => ({
    route,
    stable: { ...SPEC.stable, cell: 3 + 2 * n, dial: 3 + 2 * n, unit: 2 + 2 * n, endpoints: [] },
    canary: { ...SPEC.canary, cell: 4 + 2 * n, dial: 4 + 2 * n, unit: 3 + 2 * n, endpoints: [] },
  })),
};

/** Instants at which one version's requests finish. */
class Arrivals {
  readonly #random: Random;
  readonly #meanMs: number;
  readonly #isEven: boolean;
  nextMs: number;

  constructor(random: Random, perSecond: number, start: { readonly isEven: boolean; readonly fromMs: number }) {
    this.#random = random;
    this.#meanMs = 1000 / perSecond;
    this.#isEven = start.isEven;
    this.nextMs = start.fromMs + (start.isEven ? random.nextFloat() * this.#meanMs : exponential(random, this.#meanMs));
  }

  advance(): void {
    this.nextMs += this.#isEven ? this.#meanMs : exponential(this.#random, this.#meanMs);
  }
}

/** One history: until weight 0 or the end of patience. */
export function detect(scenario: DetectionScenario, seed: number): Detection {
  const random = new Random(seed);
  const startMs = 10_000 + random.nextFloat() * 1000;
  const onsetMs = startMs + scenario.healthyMs;
  const dials = new Int32Array([0, 100 - WEIGHT, WEIGHT]);
  const latencyDials = createLatencyDials();
  const workers = [1, 2].map((id) => new FakeWorker(id, smallTallies(), latencyDials));
  const regions = workers.map(({ region }) => region);
  let nowMs = startMs;
  const controller = createController({
    regions: () => regions,
    rollouts: () => [SPEC],
    weightOf: (dial) => dials[dial] as number,
    setDial: (dial, weight) => {
      dials[dial] = weight;
    },
    setLatency: (unit, dial) => setLatency(latencyDials, unit, dial),
    nowMs: () => nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
  const isEven = scenario.arrivals === 'even';
  const canary = new Arrivals(random, scenario.canaryPerSecond, { isEven, fromMs: startMs });
  const stable = new Arrivals(random, scenario.stablePerSecond, { isEven, fromMs: startMs });
  let canaryBad = 0;
  const finish = (isCanary: boolean, atMs: number): void => {
    const ratio = isCanary && atMs >= onsetMs ? scenario.canaryErrorRatio : scenario.errorRatio;
    const isBad = random.nextFloat() < ratio;
    if (isCanary && isBad && atMs >= onsetMs) canaryBad += 1;
    const { cell, unit } = isCanary ? SPEC.canary : SPEC.stable;
    const user = Math.trunc(random.nextFloat() * (isCanary ? scenario.canaryUsers : scenario.stableUsers));
    (workers[random.nextUint32() & 1] as FakeWorker).finish({ cell, unit, user, isBad, nowMs: atMs });
  };
  controller.tick(nowMs);
  const firstTickMs = startMs + random.nextFloat() * TICK_MS;
  const ticks = (scenario.healthyMs + scenario.timeoutMs) / TICK_MS;
  for (let tick = 0; tick <= ticks; tick++) {
    nowMs = firstTickMs + tick * TICK_MS;
    for (; canary.nextMs < nowMs; canary.advance()) finish(true, canary.nextMs);
    for (; stable.nextMs < nowMs; stable.advance()) finish(false, stable.nextMs);
    const { decisions } = controller.tick(nowMs);
    if (dials[SPEC.canary.dial] === 0) return { afterMs: nowMs - onsetMs, canaryBad, decision: decisions[0] ?? null };
  }
  return { afterMs: Number.POSITIVE_INFINITY, canaryBad, decision: null };
}

/** Share `q` of the values is at or below the result; the values are sorted. */
export function quantileOf(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}
