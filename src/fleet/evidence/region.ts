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
  readonly canary: WatchedArm & {
    readonly endpoints: readonly number[];
    /** In the order of the endpoints. */
    readonly addresses?: readonly string[];
    readonly dial: number;
  };
  readonly stable: WatchedArm;
}

/** Whether counts go on where they are: endpoints come and go meanwhile. */
export function isSameMemory(a: Watched, b: Watched): boolean {
  const isSame = (one: WatchedArm, other: WatchedArm): boolean => one.cell === other.cell && one.unit === other.unit;
  return (
    a.route === b.route && a.generation === b.generation && isSame(a.canary, b.canary) && isSame(a.stable, b.stable)
  );
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

/**
 * In the order in which they are read: `bad` before `finished`, as the layout asks. Gateways tell each other of them by these numbers,
 * also gateways of different releases: none of them may become another one.
 */
export const EVIDENCE_WORDS: readonly number[] = [
  CELL.mended,
  CELL.pinnedBad,
  CELL.pinned,
  CELL.bad,
  CELL.finished,
  ...TRIAL_WORDS,
  ...range(CELL.histogram, HISTOGRAM_BUCKETS),
];
