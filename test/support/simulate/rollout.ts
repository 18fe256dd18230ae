/**
 * Runs one rollout against simulated traffic with the real judge, as fast as the machine can.
 */

import type { Evidence } from '#src/model/slo.ts';
import { weightsOf } from '#src/slo/verdict/compose.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { logEToFail } from '#src/slo/verdict/verdict.ts';
import { type Scenario, TICK_MS, Traffic } from './traffic.ts';

/** Product defaults. */
export const POLICY = {
  alpha: 0.001,
  toleratedRatio: 1.5,
  badMin: 3,
  absoluteFloor: 0.00025,
  latencyTolerance: 0.1,
  latencyFloorMs: 5,
  promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 0.005 },
} as const;

/** Which evidence decides: the product's rule, or one unit alone for comparison. */
export type Unit = 'both' | 'requests' | 'users';

export interface RolloutResult {
  /** From the start to the rollback, in ms; null when there was none. */
  readonly rolledBackAtMs: number | null;
  /** Bad canary requests from `countFromMs` up to the end. */
  readonly canaryBad: number;
}

export interface RolloutRun {
  readonly durationMs: number;
  readonly unit?: Unit;
  /** Bad canary requests before this are not counted in the result. */
  readonly countFromMs?: number;
}

/** One history up to the rollback or the end. */
export function simulateRollout(scenario: Scenario, seed: number, run: RolloutRun): RolloutResult {
  const traffic = new Traffic(scenario, seed);
  const rule = new MinRule(POLICY.toleratedRatio, traffic.nowMs, POLICY.absoluteFloor);
  const { evidence } = traffic;
  const ticks = run.durationMs / TICK_MS;
  const countFrom = (run.countFromMs ?? 0) / TICK_MS;
  // Latency says nothing here, and has its share of the evidence nevertheless.
  const level = logEToFail(POLICY.alpha) - Math.log(weightsOf({ latency: 0, routes: [] }).errors);
  let bad = 0;
  let badBefore = 0;
  for (let tick = 0; tick < ticks; tick++) {
    traffic.next();
    bad += evidence.requests.canary.bad;
    if (tick < countFrom) badBefore = bad;
    if (!rule.observe(evidence, traffic.nowMs)) continue;
    if (bad >= POLICY.badMin && reaches(rule, run.unit, level)) {
      return { rolledBackAtMs: (tick + 1) * TICK_MS, canaryBad: bad - badBefore };
    }
  }
  return { rolledBackAtMs: null, canaryBad: bad - badBefore };
}

function reaches(rule: MinRule, unit: Unit | undefined, level: number): boolean {
  if (unit === 'requests') return rule.logERequests >= level;
  return unit === 'users' ? rule.logEUsers >= level : rule.reaches(level);
}

/** How many of `runs` histories end in a rollback. Seeds are `seed`, `seed + 1`, … */
export function countRollbacks(scenario: Scenario, runs: number, seed: number, run: RolloutRun): number {
  let count = 0;
  for (let n = 0; n < runs; n++) {
    if (simulateRollout(scenario, seed + n, run).rolledBackAtMs !== null) count += 1;
  }
  return count;
}

/** Evidence with nothing in it. */
export function emptyEvidence(): Evidence {
  return {
    requests: { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } },
    users: { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } },
  };
}
