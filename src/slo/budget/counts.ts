/**
 * What happened in one cell since the last look, as objectives count it: the increase over all workers. Hot path.
 *
 * A worker raises FINISHED before BAD and LATE, and the reader reads them the other way round, so a reading never shows more
 * misses than events so far. A word that a worker was about to write is in the next reading: nothing is lost or counted
 * twice, but one reading may bring a miss whose end came with the one before.
 * A region that was not there before counts from zero; one that is gone is forgotten after its last reading.
 *
 * Source: docs/ARCHITECTURE.md "Objectives and budgets". Cost: a cell that nobody used, one load per region; one in use,
 * seven. Memory is given out at the first use: 28 bytes per region.
 */

import { ERROR_CLASSES } from '../../model/sli.ts';
import { CELL, CELL_WORDS, deltaOf } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

/** Sums of what was read. `late`: good, but above the latency threshold. */
export interface SliCounts {
  finished: number;
  bad: number;
  late: number;
  /** In the order of `ERROR_CLASSES`. */
  readonly errors: Float64Array;
}

/** Which latency threshold counts: the route's or the service's. */
export type LateWord = typeof CELL.late | typeof CELL.serviceLate;

/** Nothing counted. */
export function noCounts(): SliCounts {
  return { finished: 0, bad: 0, late: 0, errors: new Float64Array(ERROR_CLASSES.length) };
}

/** Adds what a cell counted, each request for what it is worth; errors are not weighed. */
export function addWorth(sum: SliCounts, { finished, bad, late }: SliCounts, value: number): void {
  sum.finished += value * finished;
  sum.bad += value * bad;
  sum.late += value * late;
}

/** Nothing counted, in the same object. */
export function clearCounts(counts: SliCounts): void {
  counts.finished = 0;
  counts.bad = 0;
  counts.late = 0;
  counts.errors.fill(0);
}

/** Readings of a region: finished, bad, late, then errors. */
const FINISHED = 0;
const BAD = 1;
const LATE = 2;
const ERRORS = 3;

export class CountReader {
  readonly cell: number;
  readonly #base: number;
  readonly #lateWord: LateWord;
  #last: Map<number, Int32Array> | null = null;

  /** Starts now: what the regions counted so far is the past. */
  constructor(cell: number, lateWord: LateWord, regions: readonly Region[]) {
    this.cell = cell;
    this.#base = cell * CELL_WORDS;
    this.#lateWord = lateWord;
    this.read(regions, noCounts());
  }

  /** Adds the increase since the last reading to `out`; false when there was none. */
  read(regions: readonly Region[], out: SliCounts): boolean {
    let hasNews = false;
    for (let n = 0; n < regions.length; n++) {
      if (this.#take(regions[n] as Region, out)) hasNews = true;
    }
    if (this.#last !== null && this.#last.size > regions.length) forget(this.#last, regions);
    return hasNews;
  }

  #take({ id, tallies }: Region, out: SliCounts): boolean {
    const { cells } = tallies;
    const base = this.#base;
    let last = this.#last?.get(id);
    if (last === undefined) {
      // Every exchange ends as one or the other, and they share a line of the cache.
      if (cells[base + CELL.finished] === 0 && cells[base + CELL.ignored] === 0) return false;
      last = new Int32Array(ERRORS + ERROR_CLASSES.length);
      this.#last ??= new Map();
      this.#last.set(id, last);
    }
    let changed = 0;
    for (let n = 0; n < ERROR_CLASSES.length; n++) {
      const errors = Atomics.load(cells, base + CELL.errorClasses + n);
      changed |= errors ^ (last[ERRORS + n] as number);
      out.errors[n] = (out.errors[n] as number) + deltaOf(errors, last[ERRORS + n] as number);
      last[ERRORS + n] = errors;
    }
    const late = Atomics.load(cells, base + this.#lateWord);
    const bad = Atomics.load(cells, base + CELL.bad);
    const finished = Atomics.load(cells, base + CELL.finished);
    out.late += deltaOf(late, last[LATE] as number);
    out.bad += deltaOf(bad, last[BAD] as number);
    out.finished += deltaOf(finished, last[FINISHED] as number);
    changed |=
      (late ^ (last[LATE] as number)) | (bad ^ (last[BAD] as number)) | (finished ^ (last[FINISHED] as number));
    last[LATE] = late;
    last[BAD] = bad;
    last[FINISHED] = finished;
    return changed !== 0;
  }
}

function forget(last: Map<number, Int32Array>, regions: readonly Region[]): void {
  for (const id of last.keys()) {
    if (!regions.some((region) => region.id === id)) last.delete(id);
  }
}
