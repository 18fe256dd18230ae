/**
 * Measures how soon a slow canary is found. Virtual time, seeded.
 */

import { quantileOf } from '../../test/support/simulate/detection.ts';
import {
  extra,
  type Latency,
  type SlownessScenario,
  STEADY,
  slowDown,
  tail,
} from '../../test/support/simulate/slowness.ts';
import type { Depth, Table } from './tables.ts';

const SEED = 500_001;

const SLOW: readonly [string, Latency][] = [
  ['everything × 1.5', (_, baseMs) => 1.5 * baseMs],
  ['everything × 2', (_, baseMs) => 2 * baseMs],
  ['the tail alone, p99 × 2', tail(2)],
  ['2 % of requests by 1 s', extra(0.02, 1000)],
  ['nothing comes back any more', (_, baseMs) => baseMs + 600_000],
];

/** From the onset of slowness to weight 0. */
export function slowness({ detectionRuns }: Depth): Table {
  const late = Math.ceil(detectionRuns / 5);
  const rows = SLOW.map(([name, canary]) => [
    name,
    ...times({ ...STEADY, canary }, detectionRuns),
    ...times({ ...STEADY, canary, healthyMs: 75_000 }, late),
  ]);
  return {
    title:
      `A canary that gets slow, 50 of 1,000 rps, lognormal with median 50 ms and p99 321 ms: ${detectionRuns} runs with ` +
      `the onset 5 s after the start, ${late} with 75 s`,
    head: ['what gets slow', 'p50 to weight 0', 'p95', 'after 75 s: p50', 'p95'],
    rows,
  };
}

function times(scenario: SlownessScenario, runs: number): string[] {
  const sorted = Array.from({ length: runs }, (_, n) => slowDown(scenario, SEED + n).afterMs).toSorted((a, b) => a - b);
  return [0.5, 0.95].map((q) => `${(quantileOf(sorted, q) / 1000).toFixed(1)} s`);
}
