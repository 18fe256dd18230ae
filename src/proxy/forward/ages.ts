/**
 * Counts which exchanges of a rollout exceed its latency thresholds, hung ones while they hang. Hot path.
 *
 * An exchange is one trial per threshold, counted once, when it is known which way it went (`model/latency.ts`): word
 * `thresholds + k` counts those that exceed threshold k, word `levels + n` the good ones that ended having exceeded n. So
 * trials of threshold k = thresholds k + sum over n <= k of levels n. An exchange that failed, or says nothing, counts for the
 * thresholds that it exceeded and for no other: a version that fails fast is not fast.
 * Cost: begin and end together about 20 ns for an exchange under a rollout, a check of one field for any other; a sweep
 * 10 ns per exchange of a rollout under way, and a look at each of the slots that were taken at once since there was nobody.
 * Allocates nothing once there are as many slots.
 *
 * What a sweep looks at is copied out of the exchange, which nothing here refers to: a reference from old to young is dear.
 */

import { LATENCY_DIAL, LATENCY_DIAL_WORDS, LATENCY_THRESHOLDS } from '../../model/latency.ts';
import { CELL } from '../../model/tallies.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';

/** What of an exchange matters here. */
export type Aging = Pick<Exchange, 'ageSlot' | 'startedAtMs' | 'endedAtMs' | 'split'>;

/** Slots at first. */
const SLOTS = 64;

export class Ages {
  readonly #cells: Int32Array;
  readonly #dials: Float64Array;
  /** Of each slot: when its exchange began, the unit and the cell of its version. */
  #startedAtMs = new Float64Array(SLOTS);
  #units = new Int32Array(SLOTS);
  #cellBases = new Int32Array(SLOTS);
  /** And the thresholds that it is known to exceed; all of them when the slot is free. */
  #levels = new Uint8Array(SLOTS);
  /** Slots below this are or were taken; the first `#freeCount` of `#free` are free. */
  #used = 0;
  #free = new Int32Array(SLOTS);
  #freeCount = 0;

  constructor(cells: Int32Array, dials: Float64Array) {
    this.#cells = cells;
    this.#dials = dials;
  }

  get size(): number {
    return this.#used - this.#freeCount;
  }

  /** The exchange has a version under a rollout. Balanced by `end`, or `leave`. */
  begin(x: Aging): void {
    const split = x.split as LinkedSplit;
    if (this.#freeCount === 0 && this.#used === this.#levels.length) this.#grow();
    const slot = this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#used++;
    x.ageSlot = slot;
    this.#startedAtMs[slot] = x.startedAtMs;
    this.#units[slot] = split.unit;
    this.#cellBases[slot] = split.cellBase;
    this.#levels[slot] = 0;
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
    for (let slot = 0; slot < this.#used; slot++) {
      const level = this.#levels[slot] as number;
      if (level === LATENCY_THRESHOLDS) continue;
      const startedAtMs = this.#startedAtMs[slot] as number;
      const base = (this.#units[slot] as number) * LATENCY_DIAL_WORDS;
      if (!(startedAtMs >= (this.#dials[base + LATENCY_DIAL.since] as number))) continue;
      const thresholds = base + LATENCY_DIAL.inFlight;
      this.#levels[slot] = this.#raise(this.#cellBases[slot] as number, thresholds, level, nowMs - startedAtMs);
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

  /** Frees its slot. Returns its level. */
  #remove(x: Aging): number {
    const slot = x.ageSlot;
    const level = this.#levels[slot] as number;
    x.ageSlot = -1;
    this.#levels[slot] = LATENCY_THRESHOLDS;
    this.#free[this.#freeCount++] = slot;
    // A sweep goes through all slots that were taken since there was nobody.
    if (this.#freeCount === this.#used) {
      this.#used = 0;
      this.#freeCount = 0;
    }
    return level;
  }

  #grow(): void {
    const size = 2 * this.#levels.length;
    this.#startedAtMs = grown(this.#startedAtMs, new Float64Array(size));
    this.#units = grown(this.#units, new Int32Array(size));
    this.#cellBases = grown(this.#cellBases, new Int32Array(size));
    this.#levels = grown(this.#levels, new Uint8Array(size));
    this.#free = grown(this.#free, new Int32Array(size));
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
