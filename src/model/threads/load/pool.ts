/**
 * Layout of the memory in which the workers of a gateway share what a version may have under way, where evidence limits it.
 *
 * ```
 * head     leader: the place of the worker whose limiter finds the limits
 * version  CELLS_MAX of them, by the cell that shows the admission (`versionCells`, model/overload.ts):
 *          [ limit | at rest | baseline | state | peak ]
 *          [ in flight ] [ heads there ] [ waiting ] [ arrivals ] [ completions ]                one word for each worker
 * ring     one for each worker: [ written | lost ] [ read ] [ RING_RECORDS x (cell and kind, ms) ]
 * ```
 * The leader alone writes the first four words of a version, a worker its own words, all of them the peak. The words of a worker
 * that died are put to 0 by the main thread, so that its places are free again; the main thread says who leads, too. A ring is
 * written by its worker and read by the leader. Memory that nobody touched costs nothing.
 * Source: docs/overload.md "Several workers".
 */

import { CELLS_MAX } from '../../tallies.ts';

/** Words of a processor's cache line. */
const LINE = 16;
export const LEADER = 0;
/** Words of a version: its limit (0 = not known), the one that a probe goes back to, the median of an unhurried answer in us. */
export const PLACE = { limit: 0, resting: 1, baselineUs: 2, state: 3, peak: 4 } as const;
const SHARED_WORDS = 5;
/**
 * Words that each worker has in a version: requests under way, of these with heads, those that wait; and, while it is under
 * pressure, how many came and how many were over. The last two count up and wrap.
 */
export const OWN = { inFlight: 0, answering: 1, queued: 2, arrivals: 3, completions: 4 } as const;
const OWN_WORDS = 5;
/** Bits of the state: nobody knows yet what the version can do; its limit is narrowed to measure the baseline. */
export const PLACE_STATE = { learning: 1, probing: 2 } as const;

/** A power of two: a third of a second of 12,000 requests, each of which writes two. */
export const RING_RECORDS = 8192;
export const RING = { written: 0, lost: 1, read: LINE, records: 2 * LINE } as const;
export const RING_RECORD_WORDS = 2;
const RING_WORDS = RING.records + RING_RECORDS * RING_RECORD_WORDS;

/** What a worker is given. */
export interface PoolSetup {
  /** As `reservePool` made it for so many workers. */
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
  /** Its own, 0 .. workers - 1. */
  readonly place: number;
}

/** Where things are, for a number of workers. */
export interface PoolLayout {
  /** Words from one version to the next: whole cache lines. */
  readonly stride: number;
  /** Of the version in cell 0, and of the ring of worker 0. */
  readonly versionsAt: number;
  readonly ringsAt: number;
}

/** Of the memory for so many workers. */
export function poolLayout(workers: number): PoolLayout {
  const stride = Math.ceil((SHARED_WORDS + OWN_WORDS * workers) / LINE) * LINE;
  return { stride, versionsAt: LINE, ringsAt: LINE + CELLS_MAX * stride };
}

/** First of the words of a kind that the workers have in a version, from the version's first. */
export function ownWordsAt(kind: number, workers: number): number {
  return SHARED_WORDS + kind * workers;
}

/** First word of a worker's ring. */
export function ringAt({ ringsAt }: PoolLayout, worker: number): number {
  return ringsAt + worker * RING_WORDS;
}

/** Nobody has a place. Two workers: 2 MiB of address space, sixteen: 13 MiB. */
export function reservePool(workers: number): Int32Array<SharedArrayBuffer> {
  const words = ringAt(poolLayout(workers), workers);
  return new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** Frees the places of a worker that is gone. Cost: a walk over all cells, 2 to 20 ms on a busy machine. */
export function vacate(pool: Int32Array, workers: number, worker: number): void {
  const { stride, versionsAt } = poolLayout(workers);
  for (let cell = 0; cell < CELLS_MAX; cell++) {
    for (let kind = 0; kind < OWN_WORDS; kind++) {
      const at = versionsAt + cell * stride + ownWordsAt(kind, workers) + worker;
      // Only what is taken is written: untouched memory stays so.
      if (Atomics.load(pool, at) !== 0) Atomics.store(pool, at, 0);
    }
  }
}

/** The cell is another version's from now on. */
export function forgetVersion(pool: Int32Array, workers: number, cell: number): void {
  const { stride, versionsAt } = poolLayout(workers);
  pool.fill(0, versionsAt + cell * stride, versionsAt + (cell + 1) * stride);
}

/** Samples that there was no room for in the rings, of all workers that ever were. */
export function samplesLost(pool: Int32Array, workers: number): number {
  const layout = poolLayout(workers);
  let sum = 0;
  for (let worker = 0; worker < workers; worker++) {
    sum += Atomics.load(pool, ringAt(layout, worker) + RING.lost) >>> 0;
  }
  return sum;
}
