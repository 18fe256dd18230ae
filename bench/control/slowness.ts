/**
 * Measures how soon a slow canary is found, and takes canaries through the ramp. Virtual time, seeded.
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
import { ramp, SOUND } from '../../test/support/simulate/watch/ramp.ts';
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

/** Sound and bad canaries through 1, 5, 25, 50, 100 % and the bake. */
export function ramps({ rampRuns, detectionRuns }: Depth): Table {
  const bad = Math.ceil(detectionRuns / 5);
  return {
    title: 'Canaries through the default ramp (1, 5, 25, 50, 100 %, bake), whole controller; stable 0.1 % bad',
    head: ['canary', 'requests/s', 'runs', 'succeeded', 'rolled back', 'bad requests p50', 'p95', 'minutes p50', 'p95'],
    rows: [
      ...(rampRuns === 0 ? [] : [1000, 100]).map((requestsPerSecond) =>
        rampRow('fails as stable does', { requestsPerSecond, ratio: 0.001, runs: rampRuns }),
      ),
      ...[0.005, 0.01, 0.05, 0.5, 1].map((ratio) =>
        rampRow(`fails ${100 * ratio} %`, { requestsPerSecond: 1000, ratio, runs: bad }),
      ),
    ],
  };
}

function rampRow(
  name: string,
  { requestsPerSecond, ratio, runs }: { readonly requestsPerSecond: number; readonly ratio: number; runs: number },
): string[] {
  const scenario = { ...SOUND, requestsPerSecond, canaryErrorRatio: () => ratio };
  const all = Array.from({ length: runs }, (_, n) => ramp(scenario, SEED + n));
  const ended = (state: string): string => `${all.filter((one) => one.state === state).length}`;
  const bad = all.map(({ canaryBad }) => canaryBad).toSorted((a, b) => a - b);
  const minutes = all.map(({ tookMs }) => tookMs / 60_000).toSorted((a, b) => a - b);
  return [
    name,
    requestsPerSecond.toLocaleString('en-US'),
    `${runs}`,
    ended('succeed'),
    ended('rollback'),
    ...[0.5, 0.95].map((q) => `${quantileOf(bad, q)}`),
    ...[0.5, 0.95].map((q) => quantileOf(minutes, q).toFixed(1)),
  ];
}
