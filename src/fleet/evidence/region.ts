/**
 * The words of a cell that evidence rests on, and whose memory they are in.
 */

import { LATENCY_THRESHOLDS } from '../../model/latency.ts';
import { CELL, HISTOGRAM_BUCKETS, type Tallies } from '../../model/tallies.ts';

/** Tallies of one worker's life, or of all other gateways. */
export interface Region {
  readonly id: number;
  readonly tallies: Tallies;
}

/** One rollout with the slots that it has in this process. */
export interface Watched {
  readonly route: string;
  readonly generation: string;
  readonly canary: WatchedArm & { readonly endpoints: readonly number[]; readonly dial: number };
  readonly stable: WatchedArm;
}

export interface WatchedArm {
  readonly cell: number;
  readonly unit: number;
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}

/** Words that count slow requests: only at the thresholds that the fleet has agreed on. */
export const TRIAL_WORDS: ReadonlySet<number> = new Set([
  ...range(CELL.thresholds, LATENCY_THRESHOLDS),
  ...range(CELL.levels, LATENCY_THRESHOLDS + 1),
]);

/** In the order in which they are read: `bad` before `finished`, as the layout asks. */
export const EVIDENCE_WORDS: readonly number[] = [
  CELL.mended,
  CELL.pinnedBad,
  CELL.pinned,
  CELL.bad,
  CELL.finished,
  ...TRIAL_WORDS,
  ...range(CELL.histogram, HISTOGRAM_BUCKETS),
];
