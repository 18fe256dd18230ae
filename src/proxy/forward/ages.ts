/**
 * Counts which exchanges of a rollout exceed its latency thresholds, hung ones while they hang. Hot path.
 *
 * An exchange is one trial per threshold, counted once, when it is known which way it went (`model/latency.ts`): word
 * `thresholds + k` counts those that exceed threshold k, word `levels + n` the good ones that ended having exceeded n. So
 * trials of threshold k = thresholds k + sum over n <= k of levels n. An exchange that failed, or says nothing, counts for the
 * thresholds that it exceeded and for no other: a version that fails fast is not fast.
 * Cost: begin and end together about 20 ns for an exchange under a rollout, a check of one field for any other; a sweep
 * 10 ns per exchange of a rollout under way. Allocates nothing once the list has grown.
 */

import { LATENCY_DIAL, LATENCY_DIAL_WORDS, LATENCY_THRESHOLDS } from '../../model/latency.ts';
import { CELL } from '../../model/tallies.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';

/** What of an exchange matters here. */
export type Aging = Pick<Exchange, 'ageSlot' | 'startedAtMs' | 'endedAtMs' | 'split'>;

export class Ages {
  readonly #cells: Int32Array;
  readonly #dials: Float64Array;
  readonly #items: Aging[] = [];
  /** Thresholds that the exchange in the same slot of `#items` is known to exceed. */
  readonly #levels: number[] = [];

  constructor(cells: Int32Array, dials: Float64Array) {
    this.#cells = cells;
    this.#dials = dials;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The exchange has a version under a rollout. Balanced by `end`, or `leave`. */
  begin(x: Aging): void {
    x.ageSlot = this.#items.length;
    this.#items.push(x);
    this.#levels.push(0);
  }

  /** The exchange is over; `x.endedAtMs` is final. */
  end(x: Aging, isGood: boolean): void {
    const level = this.#remove(x);
    const split = x.split as LinkedSplit;
    const base = split.unit * LATENCY_DIAL_WORDS;
    if (!(x.startedAtMs >= (this.#dials[base + LATENCY_DIAL.since] as number))) return;
    const tookMs = x.endedAtMs - x.startedAtMs;
    const last = this.#raise(split.cellBase, base + LATENCY_DIAL.atEnd, level, tookMs);
    if (isGood) this.#add(split.cellBase + CELL.levels + last);
  }

  /**
   * The exchange is no trial: it goes to an endpoint that is cold. What it exceeded before, waiting for a place, stays counted, as of
   * one that failed.
   */
  leave(x: Aging): void {
    this.#remove(x);
  }

  /** Counts what has become too old while it is under way. */
  sweep(nowMs: number): void {
    for (let slot = 0; slot < this.#items.length; slot++) {
      const x = this.#items[slot] as Aging;
      const level = this.#levels[slot] as number;
      if (level === LATENCY_THRESHOLDS) continue;
      const split = x.split as LinkedSplit;
      const base = split.unit * LATENCY_DIAL_WORDS;
      if (!(x.startedAtMs >= (this.#dials[base + LATENCY_DIAL.since] as number))) continue;
      const ageMs = nowMs - x.startedAtMs;
      this.#levels[slot] = this.#raise(split.cellBase, base + LATENCY_DIAL.inFlight, level, ageMs);
    }
  }

  /** Counts the thresholds from `level` on that `ms` exceeds. Returns how many it exceeds altogether. */
  #raise(cellBase: number, thresholds: number, level: number, ms: number): number {
    let above = level;
    while (above < LATENCY_THRESHOLDS && ms > (this.#dials[thresholds + above] as number)) {
      this.#add(cellBase + CELL.thresholds + above);
      above += 1;
    }
    return above;
  }

  #add(index: number): void {
    this.#cells[index] = (this.#cells[index] as number) + 1;
  }

  /** The last one takes its slot. Returns its level. */
  #remove(x: Aging): number {
    const slot = x.ageSlot;
    const level = this.#levels[slot] as number;
    const last = this.#items.pop() as Aging;
    const lastLevel = this.#levels.pop() as number;
    x.ageSlot = -1;
    if (last === x) return level;
    this.#items[slot] = last;
    this.#levels[slot] = lastLevel;
    last.ageSlot = slot;
    return level;
  }
}
