/**
 * Layout of the latency dials: the thresholds at which a rollout compares its versions, in shared memory.
 *
 * ```
 * Float64Array, LATENCY_DIAL_WORDS per unit slot:  [ since | at end x 6 | in flight x 6 | unused ]
 * ```
 * Only exchanges that began at `since` (the process's monotonic clock, ms) or later count; Infinity = none do. An exchange
 * exceeds threshold k when it ends later than `at end` k, or as soon as it is older than `in flight` k while it is under
 * way. Thresholds are in ms and rise with k. The canary's `at end` and `in flight` are both its tolerated thresholds;
 * stable's `at end` is its own quantile, its `in flight` the canary's: then both arms learn of what hangs at the same age,
 * and what ends a slowdown that both share cannot be seen in one of them first.
 *
 * The main thread alone writes: `since` = Infinity, the thresholds, then `since`. They are 8 aligned bytes each, which no
 * machine that Node runs on reads in halves.
 * Source: docs/verdicts.md "Latency".
 */

import { UNITS_MAX } from './tallies.ts';

/** Thresholds per unit: one per quantile of the dominance process. */
export const LATENCY_THRESHOLDS = 6;
export const LATENCY_DIAL_WORDS = 14;
export const LATENCY_DIAL = { since: 0, atEnd: 1, inFlight: 1 + LATENCY_THRESHOLDS } as const;
export const LATENCY_DIALS_BYTES = UNITS_MAX * LATENCY_DIAL_WORDS * Float64Array.BYTES_PER_ELEMENT;

/**
 * Attempts after which a new endpoint counts as warm, and the time after its first attempt from which it does anyway: as many
 * requests, and as long, as a rollout waits for at the canary's start (`slo/latency/watch.ts`).
 */
export const WARM_ATTEMPTS = 200;
export const WARM_MS = 30_000;

/** What a unit slot is set to: thresholds in ms, LATENCY_THRESHOLDS each. */
export interface LatencyDial {
  readonly sinceMs: number;
  readonly atEndMs: readonly number[];
  readonly inFlightMs: readonly number[];
}
