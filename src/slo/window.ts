/**
 * What one version did since the last look: the increase of its cell over all workers. Hot path.
 *
 * Evidence is (finished - pinned, bad - pinned bad + mended): testers who pin a version choose themselves, and what a retry
 * mended counts on a route with rescue (`proxy/forward/retry/rescue.ts`); elsewhere nothing is. Counters wrap at 2^32;
 * differences are taken modulo that. A worker writes its words one after another, so a reading may fall between two of
 * them: what would make an impossible pair (negative, or more bad than finished) is carried over to the next reading.
 * Nothing is lost or counted twice, and 0 <= bad <= finished holds in every reading.
 *
 * A region that was not there before counts from zero; one that is gone is forgotten after its last reading.
 * Source: docs/verdicts.md "Reading". Cost: O(regions), allocates nothing while the regions stay.
 */

import type { ArmCounts } from '../model/slo.ts';
import { CELL, CELL_WORDS, deltaOf } from '../model/tallies.ts';
import type { Region } from './regions.ts';

/** Last reading of one region: finished, bad, pinned, pinned bad, mended. */
const LAST_WORDS = 5;

export class CellWindow {
  readonly #base: number;
  readonly #last = new Map<number, Int32Array>();
  /** Counted but not yet reported; negative between two words of a writer. */
  #finished = 0;
  #bad = 0;

  /** Starts now: what the regions counted so far is the past. */
  constructor(cell: number, regions: readonly Region[]) {
    this.#base = cell * CELL_WORDS;
    this.skip(regions);
  }

  /** Whether the last reading was a possible pair; now and then one is not, for a moment. */
  get isConsistent(): boolean {
    return this.#finished === 0 && this.#bad === 0;
  }

  /** Writes the increase since the last reading to `out`. */
  read(regions: readonly Region[], out: ArmCounts): void {
    for (const region of regions) this.#take(region);
    if (this.#last.size > regions.length) this.#forget(regions);
    out.finished = Math.max(0, this.#finished);
    out.bad = Math.min(Math.max(0, this.#bad), out.finished);
    this.#finished -= out.finished;
    this.#bad -= out.bad;
  }

  /** Lets everything counted so far pass unread. */
  skip(regions: readonly Region[]): void {
    for (const region of regions) this.#take(region);
    if (this.#last.size > regions.length) this.#forget(regions);
    this.#finished = 0;
    this.#bad = 0;
  }

  #take({ id, tallies }: Region): void {
    let last = this.#last.get(id);
    if (last === undefined) {
      last = new Int32Array(LAST_WORDS);
      this.#last.set(id, last);
    }
    // The writer's order backwards, so that a bad exchange is never seen before it is finished.
    const mended = Atomics.load(tallies.cells, this.#base + CELL.mended);
    const pinnedBad = Atomics.load(tallies.cells, this.#base + CELL.pinnedBad);
    const pinned = Atomics.load(tallies.cells, this.#base + CELL.pinned);
    const bad = Atomics.load(tallies.cells, this.#base + CELL.bad);
    const finished = Atomics.load(tallies.cells, this.#base + CELL.finished);
    this.#finished += deltaOf(finished, last[0] as number) - deltaOf(pinned, last[2] as number);
    this.#bad += deltaOf(bad, last[1] as number) - deltaOf(pinnedBad, last[3] as number);
    this.#bad += deltaOf(mended, last[4] as number);
    last[0] = finished;
    last[1] = bad;
    last[2] = pinned;
    last[3] = pinnedBad;
    last[4] = mended;
  }

  #forget(regions: readonly Region[]): void {
    for (const id of this.#last.keys()) {
      if (!regions.some((region) => region.id === id)) this.#last.delete(id);
    }
  }
}
