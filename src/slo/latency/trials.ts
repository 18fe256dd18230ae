/**
 * What one version did at each latency threshold since the last look: trials and exceedances.
 *
 * Each exchange is one trial per threshold, counted when it is known which way it went (`proxy/forward/ages.ts` writes the
 * words): exceeded k = thresholds k; finished k = exceeded k + those that ended having exceeded at most k. Counters wrap at
 * 2^32; differences are taken modulo that. A region that was not there before counts from zero. The routes of a rollout are
 * summed up.
 * Cost: 13 words per region and route, allocates nothing while the regions stay.
 */

import { LATENCY_THRESHOLDS } from '../../model/latency.ts';
import type { ArmCounts } from '../../model/slo.ts';
import { CELL, CELL_WORDS, deltaOf } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

/** Levels 0..LATENCY_THRESHOLDS: one more than there are thresholds. */
const LEVELS = LATENCY_THRESHOLDS + 1;
const LAST_WORDS = LATENCY_THRESHOLDS + LEVELS;

export class TrialWindow {
  readonly #bases: readonly number[];
  readonly #last = new Map<number, Int32Array>();
  readonly #exceeded = new Float64Array(LATENCY_THRESHOLDS);
  readonly #ended = new Float64Array(LEVELS);

  /** Starts now: what the regions counted so far is the past. @param cells of the version, one for each route */
  constructor(cells: readonly number[], regions: readonly Region[]) {
    this.#bases = cells.map((cell) => cell * CELL_WORDS);
    this.skip(regions);
  }

  /** Writes the increase since the last reading to `out`, one entry per threshold; `bad` are those that exceed. */
  read(regions: readonly Region[], out: readonly ArmCounts[]): void {
    this.#exceeded.fill(0);
    this.#ended.fill(0);
    for (const region of regions) this.#take(region);
    if (this.#last.size > regions.length) this.#forget(regions);
    let within = 0;
    for (let k = 0; k < LATENCY_THRESHOLDS; k++) {
      within += this.#ended[k] as number;
      const counts = out[k] as ArmCounts;
      counts.bad = this.#exceeded[k] as number;
      counts.finished = within + counts.bad;
    }
  }

  /** Lets everything counted so far pass unread. */
  skip(regions: readonly Region[]): void {
    for (const region of regions) this.#take(region);
    if (this.#last.size > regions.length) this.#forget(regions);
  }

  #take({ id, tallies }: Region): void {
    let last = this.#last.get(id);
    if (last === undefined) {
      last = new Int32Array(LAST_WORDS * this.#bases.length);
      this.#last.set(id, last);
    }
    for (let n = 0; n < this.#bases.length; n++) {
      this.#takeCell(tallies.cells, this.#bases[n] as number, last, n * LAST_WORDS);
    }
  }

  /** @param first where the last reading of this cell begins in `last` */
  #takeCell(cells: Int32Array, base: number, last: Int32Array, first: number): void {
    for (let k = 0; k < LATENCY_THRESHOLDS; k++) {
      const now = Atomics.load(cells, base + CELL.thresholds + k);
      this.#exceeded[k] = (this.#exceeded[k] as number) + deltaOf(now, last[first + k] as number);
      last[first + k] = now;
    }
    for (let n = 0; n < LEVELS; n++) {
      const now = Atomics.load(cells, base + CELL.levels + n);
      const at = first + LATENCY_THRESHOLDS + n;
      this.#ended[n] = (this.#ended[n] as number) + deltaOf(now, last[at] as number);
      last[at] = now;
    }
  }

  #forget(regions: readonly Region[]): void {
    for (const id of this.#last.keys()) {
      if (!regions.some((region) => region.id === id)) this.#last.delete(id);
    }
  }
}
