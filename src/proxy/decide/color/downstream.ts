/**
 * Finds services that do not pass colors on: requests that belong to the trace of one that a color pinned, and have no color.
 *
 * ```
 * pinned request ─▶ its trace goes upstream, and is remembered with the version ─▶ service ─▶ its calls come back with the trace
 *                                                                             with a color: kept, without one: lost ◀─┘
 * ```
 * The table is shared by all workers, as such calls come to any of them. Of more traces than there is room for those go that would
 * have been forgotten first: the ratio of lost to kept stays what it is. Two workers that write a slot at once may mix two traces,
 * which then are nobody's, or one of them the other's version's. Hot path: while no trace is remembered a request costs one load.
 */

import {
  COUNTS_AT,
  DOWNSTREAM,
  DOWNSTREAM_WORDS,
  LAST_SECOND,
  TABLE_AT,
  TRACE_SETS,
  TRACE_SLOT,
  TRACE_SLOT_WORDS,
  TRACE_WAYS,
} from '../../../model/threads/load/downstream.ts';
import type { Exchange } from '../../exchange.ts';
import { FIELD } from '../../http1/fields/names.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { LinkedRoute, LinkedSplit } from '../table.ts';
import { tokenOf } from './bearer.ts';
import { namesColor } from './color.ts';

/** Calls of a service come within this time of its request. */
export const REMEMBERED_S = 10;
/** Where the last 64 bits of the trace id are in a `traceparent`: the part that is always drawn (W3C Trace Context level 2). */
const HIGH_AT = 19;
const LOW_AT = 27;
const LOW_END = 35;
const LINE = 'traceparent: ';

export class Downstream {
  readonly #words: Int32Array;
  /** Of the trace that was read last. */
  #high = 0;
  #low = 0;

  /** @param memory from `reserveDownstream` */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Whether any trace may be remembered. @param nowMs monotonic, the same in every thread */
  isOn(nowMs: number): boolean {
    // A plain load: what is read next is read atomically.
    return (this.#words[LAST_SECOND] as number) * 1000 > nowMs;
  }

  /** A request that a color pinned to the version of a cell goes upstream. @param trace its `traceparent` */
  remember(trace: string, cell: number, nowMs: number): void {
    if (!this.#read(trace)) return;
    const second = Math.ceil(nowMs / 1000) + REMEMBERED_S;
    const words = this.#words;
    const slot = this.#slotFor();
    // Nobody finds it while it is written.
    Atomics.store(words, slot + TRACE_SLOT.high, 0);
    Atomics.store(words, slot + TRACE_SLOT.low, this.#low);
    Atomics.store(words, slot + TRACE_SLOT.second, second);
    Atomics.store(words, slot + TRACE_SLOT.cell, cell);
    Atomics.store(words, slot + TRACE_SLOT.high, this.#high);
    if (Atomics.load(words, LAST_SECOND) < second) Atomics.store(words, LAST_SECOND, second);
  }

  /** Cell of the version whose colored request began the trace; -1 when there was none of late. */
  cellOf(trace: string | null, nowMs: number): number {
    if (trace === null || !this.#read(trace)) return -1;
    const slot = this.#find();
    if (slot < 0 || Atomics.load(this.#words, slot + TRACE_SLOT.second) * 1000 <= nowMs) return -1;
    return Atomics.load(this.#words, slot + TRACE_SLOT.cell);
  }

  count(cell: number, hasColor: boolean): void {
    const word = hasColor ? DOWNSTREAM.kept : DOWNSTREAM.lost;
    Atomics.add(this.#words, COUNTS_AT + cell * DOWNSTREAM_WORDS + word, 1);
  }

  /** False: it has no id that could be told from a free slot. */
  #read(trace: string): boolean {
    this.#high = Number.parseInt(trace.slice(HIGH_AT, LOW_AT), 16) | 0;
    this.#low = Number.parseInt(trace.slice(LOW_AT, LOW_END), 16) | 0;
    return this.#high !== 0;
  }

  /** First word of the set that the trace belongs to. */
  #set(): number {
    return TABLE_AT + (this.#low & (TRACE_SETS - 1)) * TRACE_WAYS * TRACE_SLOT_WORDS;
  }

  #find(): number {
    const set = this.#set();
    for (let slot = set; slot < set + TRACE_WAYS * TRACE_SLOT_WORDS; slot += TRACE_SLOT_WORDS) {
      if (Atomics.load(this.#words, slot + TRACE_SLOT.high) !== this.#high) continue;
      if (Atomics.load(this.#words, slot + TRACE_SLOT.low) === this.#low) return slot;
    }
    return -1;
  }

  /** Its own, or the one that is forgotten first. */
  #slotFor(): number {
    const own = this.#find();
    if (own >= 0) return own;
    const set = this.#set();
    let first = set;
    for (let slot = set; slot < set + TRACE_WAYS * TRACE_SLOT_WORDS; slot += TRACE_SLOT_WORDS) {
      const second = Atomics.load(this.#words, slot + TRACE_SLOT.second);
      if (second < Atomics.load(this.#words, first + TRACE_SLOT.second)) first = slot;
    }
    return first;
  }
}

/** Counts a request that a version was chosen for, if it is in a trace that is remembered. */
export function countDownstream(x: Exchange, head: RequestHead): void {
  const { downstream } = x.client.lane;
  const cell = downstream.cellOf(head.fields.value(FIELD.traceparent), x.startedAtMs);
  // What comes on the same route was sent by the same client.
  if (cell < 0 || leadsTo(x.route as LinkedRoute, cell)) return;
  const hasColor = x.isPinned || namesColor(x, head);
  // What a token says that pins nothing here was not read.
  const { jwt } = x.table.color;
  if (!hasColor && jwt !== null && tokenOf(head, jwt.cookie) !== null) return;
  downstream.count(cell, hasColor);
}

function leadsTo({ splits }: LinkedRoute, cell: number): boolean {
  for (const split of splits) if (split.cell === cell) return true;
  return false;
}

/** Remembers the trace with which a pinned request goes upstream. @param added lines of its head that the gateway writes */
export function rememberTrace(x: Exchange, added: string, brought: string | null): void {
  const at = added.indexOf(LINE);
  const trace = at < 0 ? brought : added.slice(at + LINE.length, at + LINE.length + LOW_END);
  if (trace !== null) x.client.lane.downstream.remember(trace, (x.split as LinkedSplit).cell, x.startedAtMs);
}
