/**
 * The increase of some words of one cell since the last look, over all workers.
 *
 * A region that was not there before counts from zero; one that is gone is forgotten after its last reading. Every exchange ends
 * as FINISHED or IGNORED, and its other words are written about then: after a look at which one had ended, the next one reads
 * them all once more, so that a word that a worker was about to write is not missed.
 * Cost: a cell in which no exchange ended for two looks, two loads per region; else a load per word and region.
 */

import { CELL, CELL_WORDS, deltaOf } from '../../../model/tallies.ts';
import type { Region } from '../../regions.ts';

/** What one region had counted at the last look. */
interface Last {
  finished: number;
  ignored: number;
  /** No exchange had ended since the look before: every word of those that had is read. */
  isSettled: boolean;
  readonly words: Int32Array;
}

export class WordsReader {
  readonly #base: number;
  readonly #words: readonly number[];
  readonly #last = new Map<number, Last>();

  /** Starts now: what the regions counted so far is the past. */
  constructor(cell: number, words: readonly number[], regions: readonly Region[]) {
    this.#base = cell * CELL_WORDS;
    this.#words = words;
    this.read(regions);
  }

  /** In the order of the words; null: none of them rose. */
  read(regions: readonly Region[]): number[] | null {
    let sums: number[] | null = null;
    for (let n = 0; n < regions.length; n++) sums = this.#take(regions[n] as Region, sums);
    if (this.#last.size > regions.length) this.#forget(regions);
    return sums;
  }

  #take({ id, tallies: { cells } }: Region, sums: number[] | null): number[] | null {
    const finished = Atomics.load(cells, this.#base + CELL.finished);
    const ignored = Atomics.load(cells, this.#base + CELL.ignored);
    let last = this.#last.get(id);
    if (last === undefined) {
      if (finished === 0 && ignored === 0) return sums;
      last = { finished: 0, ignored: 0, isSettled: false, words: new Int32Array(this.#words.length) };
      this.#last.set(id, last);
    }
    const isSame = last.finished === finished && last.ignored === ignored;
    if (isSame && last.isSettled) return sums;
    last.finished = finished;
    last.ignored = ignored;
    last.isSettled = isSame;
    return this.#addUp(cells, last.words, sums);
  }

  #addUp(cells: Int32Array, last: Int32Array, before: number[] | null): number[] | null {
    let sums = before;
    for (let n = 0; n < last.length; n++) {
      const now = Atomics.load(cells, this.#base + (this.#words[n] as number));
      const more = deltaOf(now, last[n] as number);
      if (more === 0) continue;
      sums ??= this.#words.map(() => 0);
      sums[n] = (sums[n] as number) + more;
      last[n] = now;
    }
    return sums;
  }

  #forget(regions: readonly Region[]): void {
    for (const id of this.#last.keys()) if (!regions.some((region) => region.id === id)) this.#last.delete(id);
  }
}
