/**
 * Who is to be looked at: of many routes or services, those in whose cells an exchange ended lately, and those whose time has come.
 *
 * Every exchange ends as FINISHED or IGNORED, and whoever counts it writes its other words about then. So one sum per cell tells
 * whether there is anything to read; after the last exchange its cell is told to be in use for `LOOKS_AFTER` more looks, for
 * words that a worker which stood still writes late. What it writes later still is read when the next exchange has ended.
 * What is known is kept in arrays by place, so that a look at somebody idle touches no object.
 *
 * Memory is handed in. Cost: two loads per cell and region; 4 bytes per cell and region. The cells that there were first count
 * from zero, so everybody ever used is looked at once.
 */

import { CELL, CELL_WORDS } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

/** Looks at a cell after the one that found its last exchange: 10 s where there is one a second. */
export const LOOKS_AFTER = 10;

/** What a region had counted at the last look. */
interface Seen {
  readonly id: number;
  readonly words: Int32Array;
  /** FINISHED and IGNORED together, by place in `#bases`. */
  readonly ended: Int32Array;
}

export class Activity {
  /** First words of the cells, of one after the other; where those of each begin, and where the last ones end. */
  readonly #bases: Int32Array;
  readonly #starts: Int32Array;
  readonly #looksLeft: Uint8Array;
  readonly #dueMs: Float64Array;
  #regions: readonly Region[] = [];
  #seen: readonly Seen[] = [];

  /** Everybody is due. @param cells of each, by place */
  constructor(cells: readonly (readonly number[])[]) {
    this.#bases = Int32Array.from(cells.flat(), (cell) => cell * CELL_WORDS);
    this.#starts = new Int32Array(cells.length + 1);
    for (const [n, own] of cells.entries()) this.#starts[n + 1] = (this.#starts[n] as number) + own.length;
    this.#looksLeft = new Uint8Array(cells.length);
    this.#dueMs = new Float64Array(cells.length).fill(Number.NEGATIVE_INFINITY);
  }

  /** Begins a round of looks: at these regions. */
  turn(regions: readonly Region[]): void {
    if (regions === this.#regions) return;
    const before = new Map(this.#seen.map((seen) => [seen.id, seen]));
    this.#regions = regions;
    this.#seen = regions.map(({ id, tallies }) => {
      return before.get(id) ?? { id, words: tallies.cells, ended: new Int32Array(this.#bases.length) };
    });
  }

  /** Whether the one at place `n` is to be looked at; the looker says then when it is due again. */
  isDue(n: number, nowMs: number): boolean {
    if (this.#hasNews(n)) {
      this.#looksLeft[n] = LOOKS_AFTER;
      return true;
    }
    const left = this.#looksLeft[n] as number;
    if (left === 0) return nowMs >= (this.#dueMs[n] as number);
    this.#looksLeft[n] = left - 1;
    return true;
  }

  /** It is due from then on also if nothing ends in its cells. @param atMs -Infinity: always; Infinity: never */
  setDue(n: number, atMs: number): void {
    this.#dueMs[n] = atMs;
  }

  /** Everybody is due, as in the beginning. */
  setAllDue(): void {
    this.#dueMs.fill(Number.NEGATIVE_INFINITY);
  }

  #hasNews(n: number): boolean {
    const bases = this.#bases;
    const end = this.#starts[n + 1] as number;
    let hasNews = false;
    for (let region = 0; region < this.#seen.length; region++) {
      const { words, ended } = this.#seen[region] as Seen;
      for (let at = this.#starts[n] as number; at < end; at++) {
        const base = bases[at] as number;
        const now = (Atomics.load(words, base + CELL.finished) + Atomics.load(words, base + CELL.ignored)) | 0;
        if (now === ended[at]) continue;
        ended[at] = now;
        hasNews = true;
      }
    }
    return hasNews;
  }
}
