/**
 * Requests of both versions that come and fail by themselves, tick by tick: good ones, and now and then bad ones.
 *
 * Good and bad requests of a Poisson process are two, independent of one another, and so are those of both versions. One
 * random word draws the good ones of a tick; the next tick with a bad one is so many ticks away.
 */

import type { Random } from '#src/lib/random.ts';
import type { ArmCounts } from '#src/model/slo.ts';
import { type AliasTable, PoissonPair, somePoissonTable } from '../draws.ts';

/** Tables that are kept, by their means: a cell has some, as many as minutes where load swings. */
const TABLES_MAX = 1024;

/** Tables that many histories draw from. */
class Kept<Table> {
  readonly #tables = new Map<string, Table>();

  of(key: string, make: () => Table): Table {
    const kept = this.#tables.get(key);
    if (kept !== undefined) return kept;
    if (this.#tables.size >= TABLES_MAX) this.#tables.clear();
    const table = make();
    this.#tables.set(key, table);
    return table;
  }
}

const pairs = new Kept<PoissonPair>();
const some = new Kept<AliasTable>();

export class Arrivals {
  readonly #random: Random;
  #good: PoissonPair = pairOf(0, 0);
  /** Bad requests of a tick that has any; null: there are none. */
  #bad: AliasTable | null = null;
  /** ln of the chance of a tick to have no bad request, and the chance of one to be the canary's. */
  #logMiss = 0;
  #canaryRatio = 0;
  /** Ticks up to the next one with a bad request, that one included. */
  #ticksUntilBad = Number.POSITIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  /** From now on so many requests a tick on average, of which that share is bad. The time to the next one has no memory. */
  set(canary: number, stable: number, errorRatio: number): void {
    this.#good = pairOf(canary * (1 - errorRatio), stable * (1 - errorRatio));
    const bad = (canary + stable) * errorRatio;
    this.#canaryRatio = canary / (canary + stable);
    this.#logMiss = Math.log1p(Math.expm1(-bad));
    this.#bad = bad > 0 ? some.of(`${bad}`, () => somePoissonTable(bad)) : null;
    this.#ticksUntilBad = bad > 0 ? this.#nextBad() : Number.POSITIVE_INFINITY;
  }

  /** Draws a tick. */
  draw(canary: ArmCounts, stable: ArmCounts): void {
    const good = this.#good.draw(this.#random);
    canary.finished = good & 0xffff;
    stable.finished = good >>> 16;
    canary.bad = 0;
    stable.bad = 0;
    this.#ticksUntilBad -= 1;
    if (this.#ticksUntilBad > 0 || this.#bad === null) return;
    this.#ticksUntilBad = this.#nextBad();
    for (let left = this.#bad.draw(this.#random); left > 0; left--) {
      const arm = this.#random.nextFloat() < this.#canaryRatio ? canary : stable;
      arm.finished += 1;
      arm.bad += 1;
    }
  }

  /** As `geometric`, with its second logarithm taken before: ten times a second it counts. */
  #nextBad(): number {
    return 1 + Math.floor(Math.log(1 - this.#random.nextFloat()) / this.#logMiss);
  }
}

function pairOf(canary: number, stable: number): PoissonPair {
  return pairs.of(`${canary} ${stable}`, () => new PoissonPair(canary, stable));
}
