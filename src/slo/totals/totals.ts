/**
 * Totals of cells since the start, over all workers that ever were: what status and metrics show.
 *
 * The shared counters are 32 bits wide and wrap, and they go with their worker; totals are sums of differences in
 * doubles, exact up to 2^53. A cell must be read at least once in 2^32 exchanges of one worker. A cell that nobody used
 * costs nothing here; one in use about 6 KB, and 3 KB per worker.
 */

import type { RouteSpec } from '../../model/snapshot.ts';
import {
  CELL,
  CELL_USED_WORDS,
  CELL_WORDS,
  CELLS_MAX,
  deltaOf,
  GATEWAY_CELL,
  type Tallies,
} from '../../model/tallies.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import { type Region, RegionRoll } from '../regions.ts';
import { CellTotals, Sums, TIMES } from './cell-totals.ts';

const WORDS = CELL_USED_WORDS;
const GATEWAY_BASE = GATEWAY_CELL * CELL_WORDS;

/** What one region had counted in a cell at the last reading. */
interface Last {
  readonly words: Int32Array;
  seconds: number;
  readonly times: Float64Array;
}

/** One cell's sums, and what each region had counted when they were taken. */
interface Account {
  readonly sums: Sums;
  readonly last: Map<number, Last>;
}

/** The cells that belong to a route: its own and those of its versions. */
export interface CellsOfRoute {
  readonly cell: number;
  readonly splits: readonly { readonly cell: number }[];
  readonly fallback?: RouteSpec['fallback'];
}

export class Totals {
  readonly #roll = new RegionRoll();
  readonly #accounts = new Map<number, Account>();
  #regions: readonly Region[] = [];
  #nextRoute = 0;

  /**
   * Takes in which workers are alive; what a worker that left had counted stays in the totals.
   * Cost: nothing while they stay; about 20 ms for each that left, as every cell is looked at once more.
   */
  follow(regions: readonly Region[]): void {
    for (const region of this.#roll.departed(regions)) this.#settle(region);
    this.#roll.turn(regions);
    this.#regions = regions;
  }

  /** Totals of one cell, as of now: they go on with every reading of it. @param limits see `live` */
  of(cell: number, limits = cell): CellTotals {
    this.refresh(cell);
    return this.live(cell, limits);
  }

  /**
   * Totals of one cell, to be read again and again: as of its last reading.
   * @param limits the cell that shows the version's limit and breaker, where it is another one
   */
  live(cell: number, limits = cell): CellTotals {
    return new CellTotals(this, cell, limits);
  }

  /** Reads a cell. Cost: about 2 us per worker when it was used since the last call, else some 10 ns. */
  refresh(cell: number): void {
    for (const region of this.#regions) this.#take(region, cell, false);
  }

  /** What was counted in a cell until its last reading; null: it was never used. */
  sumsOf(cell: number): Sums | null {
    return this.#accounts.get(cell)?.sums ?? null;
  }

  /** Sum of a word of a cell over the workers that are alive. */
  gauge(cell: number, word: number): number {
    let sum = 0;
    for (const { tallies } of this.#regions) sum += tallies.cells[cell * CELL_WORDS + word] as number;
    return sum;
  }

  /**
   * Reads the cells of the next `count` routes, round and round: counters wrap, so every cell in use must be read now and
   * then, also when nobody asks.
   */
  readSome(routes: readonly CellsOfRoute[], count: number): void {
    for (let n = 0; n < Math.min(count, routes.length); n++) {
      const { cell, splits, fallback } = routes[this.#nextRoute++ % routes.length] as CellsOfRoute;
      this.refresh(cell);
      for (const split of splits) this.refresh(split.cell);
      for (const { split } of serviceSteps(fallback)) this.refresh(split.cell);
    }
  }

  /**
   * The cell belongs to something else from now on: its totals begin again at zero. Who has those of before goes on seeing what
   * was counted until now.
   */
  forget(cell: number): void {
    this.refresh(cell);
    const account = this.#accounts.get(cell);
    if (account !== undefined) this.#accounts.set(cell, { sums: new Sums(), last: account.last });
  }

  #settle(region: Region): void {
    for (let cell = 0; cell < CELLS_MAX; cell++) {
      this.#take(region, cell, true);
      this.#accounts.get(cell)?.last.delete(region.id);
    }
  }

  #take({ id, tallies }: Region, cell: number, isFinal: boolean): void {
    const base = cell * CELL_WORDS;
    let account = this.#accounts.get(cell);
    let last = account?.last.get(id);
    if (last === undefined) {
      if (!wasUsed(tallies.cells, base)) return;
      account ??= { sums: new Sums(), last: new Map() };
      this.#accounts.set(cell, account);
      last = { words: new Int32Array(WORDS), seconds: 0, times: new Float64Array(TIMES.length) };
      account.last.set(id, last);
    }
    const end = isFinal || hasFinished(last, tallies.cells, base) ? WORDS : CELL.histogram;
    addUp((account as Account).sums, last, tallies, { base, end });
  }
}

/** Whether a cell ever counted anything: every exchange ends with a reason. */
function wasUsed(cells: Int32Array, base: number): boolean {
  if (cells[base + CELL.finished] !== 0 || cells[base + CELL.ignored] !== 0) return true;
  return cells[base + CELL.retries] !== 0 || base === GATEWAY_BASE;
}

/**
 * Whether the histogram, or what lies behind it, can have changed. Its writer raises FINISHED or IGNORED first; what this
 * misses, the next one catches. Only a rescue ends without either, and may be the last thing that its cell hears of; and what
 * the gateway's own cell counts of colors.
 */
function hasFinished(last: Last, cells: Int32Array, base: number): boolean {
  if (cells[base + CELL.finished] !== last.words[CELL.finished]) return true;
  if (cells[base + CELL.ignored] !== last.words[CELL.ignored]) return true;
  if (base === GATEWAY_BASE) return true;
  for (let word = CELL.rescues; word <= CELL.rescuesSkipped; word++) {
    if (cells[base + word] !== last.words[word]) return true;
  }
  return false;
}

function addUp(sums: Sums, last: Last, { cells, cellFloats }: Tallies, span: { base: number; end: number }): void {
  const seconds = cellFloats[(span.base + CELL.secondsSum) >> 1] as number;
  sums.secondsSum += seconds - last.seconds;
  last.seconds = seconds;
  for (let n = 0; n < TIMES.length; n++) {
    const timeMs = cellFloats[(span.base + (TIMES[n] as number)) >> 1] as number;
    sums.times[n] = (sums.times[n] as number) + timeMs - (last.times[n] as number);
    last.times[n] = timeMs;
  }
  const { words } = sums;
  // Before FINISHED, as the layout asks: a reading between the two words must not show more bad than finished.
  const bad = Atomics.load(cells, span.base + CELL.bad);
  for (let word = 1; word < span.end; word++) {
    const now = word === CELL.bad ? bad : Atomics.load(cells, span.base + word);
    const before = last.words[word] as number;
    if (now === before || word === CELL.secondsSum || word === CELL.secondsSum + 1) continue;
    words[word] = (words[word] as number) + deltaOf(now, before);
    last.words[word] = now;
  }
}
