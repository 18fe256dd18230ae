/**
 * What services do with colors: memory in which all workers remember traces of requests that a color pinned, and count those
 * that follow in them.
 *
 * ```
 * head     when the last trace is forgotten, in s of the monotonic clock; 0 = there was none
 * counts   DOWNSTREAM_WORDS for each cell: requests that followed with a color, and without one
 * table    TRACE_SETS x TRACE_WAYS slots: the last 64 bits of a trace id, when it is forgotten (s), the cell
 * ```
 * Pages that nobody touched cost nothing. Counts are of 32 bits and go round.
 */

import { CELLS_MAX } from '../../tallies.ts';

/** Words of one cell's counts. */
export const DOWNSTREAM = { kept: 0, lost: 1 } as const;
export const DOWNSTREAM_WORDS = 2;
export const LAST_SECOND = 0;
export const COUNTS_AT = 1;
export const TABLE_AT = COUNTS_AT + CELLS_MAX * DOWNSTREAM_WORDS;
/** A power of two. */
export const TRACE_SETS = 1024;
export const TRACE_WAYS = 4;
/** Words of a slot. `high` 0: it is free. */
export const TRACE_SLOT = { high: 0, low: 1, second: 2, cell: 3 } as const;
export const TRACE_SLOT_WORDS = 4;

/** Requests within the traces of a version's colored requests. */
export interface DownstreamCounts {
  /** They had a color. */
  readonly kept: number;
  /** They had none. */
  readonly lost: number;
}

export const NOTHING_FOLLOWED: DownstreamCounts = { kept: 0, lost: 0 };

/** Memory for all workers. */
export function reserveDownstream(): SharedArrayBuffer {
  const words = TABLE_AT + TRACE_SETS * TRACE_WAYS * TRACE_SLOT_WORDS;
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

/** What followed from the requests that colors pinned to the version of a cell. */
export function downstreamOf(memory: Int32Array, cell: number): DownstreamCounts {
  const at = COUNTS_AT + cell * DOWNSTREAM_WORDS;
  const kept = Atomics.load(memory, at + DOWNSTREAM.kept) >>> 0;
  const lost = Atomics.load(memory, at + DOWNSTREAM.lost) >>> 0;
  return kept + lost === 0 ? NOTHING_FOLLOWED : { kept, lost };
}

/** The cell is another version's from now on. */
export function forgetDownstream(memory: Int32Array, cell: number): void {
  const at = COUNTS_AT + cell * DOWNSTREAM_WORDS;
  for (let word = 0; word < DOWNSTREAM_WORDS; word++) Atomics.store(memory, at + word, 0);
}
