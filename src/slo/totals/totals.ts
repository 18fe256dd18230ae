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
import { CellTotals, type Gauge, type Sums, TIMES } from './cell-totals.ts';

const WORDS = CELL_USED_WORDS;
const GATEWAY_BASE = GATEWAY_CELL * CELL_WORDS;

/** What one region had counted in a cell at the last reading. */
interface Last {
  readonly words: Int32Array;
  seconds: number;
  readonly times: Float64Array;
}

/** One cell's sums, and what each region had counted when they were taken. */
interface Account extends Sums {
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

  /**
   * Totals of one cell, now. Cost: about 2 us per worker when it was used since the last call.
   * @param limits the cell that shows the version's limit and breaker, where it is another one
   */
  of(cell: number, limits = cell): CellTotals {
    for (const region of this.#regions) this.#take(region, cell, false);
    const gauge = this.#gaugeOf(cell);
    return new CellTotals(this.#accounts.get(cell) ?? UNUSED, gauge, limits === cell ? gauge : this.#gaugeOf(limits));
  }

  /**
   * Reads the cells of the next `count` routes, round and round: counters wrap, so every cell in use must be read now and
   * then, also when nobody asks.
   */
  readSome(routes: readonly CellsOfRoute[], count: number): void {
    for (let n = 0; n < Math.min(count, routes.length); n++) {
      const { cell, splits, fallback } = routes[this.#nextRoute++ % routes.length] as CellsOfRoute;
      this.of(cell);
      for (const split of splits) this.of(split.cell);
      for (const { split } of serviceSteps(fallback)) this.of(split.cell);
    }
  }

  /** The cell belongs to something else from now on: its totals begin again at zero. */
  forget(cell: number): void {
    this.of(cell);
    const account = this.#accounts.get(cell);
    if (account === undefined) return;
    account.sums.fill(0);
    account.times.fill(0);
    account.secondsSum = 0;
  }

  #gaugeOf(cell: number): Gauge {
    const base = cell * CELL_WORDS;
    return (word) => {
      let sum = 0;
      for (const { tallies } of this.#regions) sum += tallies.cells[base + word] as number;
      return sum;
    };
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
      account ??= emptyAccount();
      this.#accounts.set(cell, account);
      last = { words: new Int32Array(WORDS), seconds: 0, times: new Float64Array(TIMES.length) };
      account.last.set(id, last);
    }
    const end = isFinal || hasFinished(last, tallies.cells, base) ? WORDS : CELL.histogram;
    addUp(account as Account, last, tallies, { base, end });
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

function addUp(
  account: Account,
  last: Last,
  { cells, cellFloats }: Tallies,
  span: { base: number; end: number },
): void {
  const seconds = cellFloats[(span.base + CELL.secondsSum) >> 1] as number;
  account.secondsSum += seconds - last.seconds;
  last.seconds = seconds;
  for (let n = 0; n < TIMES.length; n++) {
    const timeMs = cellFloats[(span.base + (TIMES[n] as number)) >> 1] as number;
    account.times[n] = (account.times[n] as number) + timeMs - (last.times[n] as number);
    last.times[n] = timeMs;
  }
  // Before FINISHED, as the layout asks: a reading between the two words must not show more bad than finished.
  const bad = Atomics.load(cells, span.base + CELL.bad);
  for (let word = 1; word < span.end; word++) {
    const now = word === CELL.bad ? bad : Atomics.load(cells, span.base + word);
    const before = last.words[word] as number;
    if (now === before || word === CELL.secondsSum || word === CELL.secondsSum + 1) continue;
    account.sums[word] = (account.sums[word] as number) + deltaOf(now, before);
    last.words[word] = now;
  }
}

function emptyAccount(): Account {
  const times = new Float64Array(TIMES.length);
  return { sums: new Float64Array(WORDS), last: new Map(), secondsSum: 0, times };
}

const UNUSED = emptyAccount();
