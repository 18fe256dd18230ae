/**
 * Random variables for simulated traffic, from a seeded stream.
 */

import type { Random } from '#src/lib/random.ts';

const UINT32 = 4_294_967_296;

/**
 * Draws 0..n-1 with given weights in constant time, one random word per draw.
 * Source: Walker (1977), Vose (1991), "alias method".
 */
export class AliasTable {
  readonly #threshold: Float64Array;
  readonly #alias: Int32Array;

  constructor(weights: ArrayLike<number>) {
    const n = weights.length;
    const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0);
    const scaled = Array.from(weights, (weight) => (weight * n) / total);
    this.#threshold = new Float64Array(n).fill(1);
    this.#alias = Int32Array.from({ length: n }, (_, index) => index);
    const small = [...scaled.keys()].filter((index) => (scaled[index] as number) < 1);
    const large = [...scaled.keys()].filter((index) => (scaled[index] as number) >= 1);
    for (let less = small.pop(); less !== undefined && large.length > 0; less = small.pop()) {
      const more = large.at(-1) as number;
      const share = scaled[less] as number;
      this.#threshold[less] = share;
      this.#alias[less] = more;
      const left = (scaled[more] as number) - (1 - share);
      scaled[more] = left;
      if (left < 1) small.push(large.pop() as number);
    }
  }

  draw(random: Random): number {
    const at = (random.nextUint32() / UINT32) * this.#threshold.length;
    const index = Math.trunc(at);
    return at - index < (this.#threshold[index] as number) ? index : (this.#alias[index] as number);
  }
}

/** Two Poisson variables at once, for one random word; what is less likely than 1e-14 is cut off. */
export class PoissonPair {
  readonly #outcomes: Int32Array;
  readonly #table: AliasTable;

  /** Means below some thousands: both counts have 16 bits. */
  constructor(first: number, second: number) {
    const outcomes: number[] = [];
    const chances: number[] = [];
    const others = poissonChances(second);
    poissonChances(first).forEach((chance, n) => {
      others.forEach((other, m) => {
        if (chance * other < 1e-14) return;
        outcomes.push(n + 65_536 * m);
        chances.push(chance * other);
      });
    });
    this.#outcomes = Int32Array.from(outcomes);
    this.#table = new AliasTable(chances);
  }

  /** The first count in the low 16 bits, the second above. */
  draw(random: Random): number {
    return this.#outcomes[this.#table.draw(random)] as number;
  }
}

/** Table of a Poisson variable; its tail beyond mean + 10 standard deviations + 20 is cut off (below 1e-15). */
export function poissonTable(mean: number): AliasTable {
  return new AliasTable(poissonChances(mean));
}

/** The same of a Poisson variable that is at least 1; `mean` is the one that it would have otherwise, above 0. */
export function somePoissonTable(mean: number): AliasTable {
  return new AliasTable(poissonChances(mean).with(0, 0));
}

function poissonChances(mean: number): number[] {
  const weights: number[] = [];
  const max = Math.ceil(mean + 10 * Math.sqrt(mean) + 20);
  let logWeight = -mean;
  for (let k = 0; k <= max; k++) {
    weights.push(Math.exp(logWeight));
    logWeight += Math.log(mean / (k + 1));
  }
  return weights;
}

/** Exponential with the given mean. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.nextFloat());
}

/** Number of trials up to and including the first success: 1, 2, …; Infinity for ratio 0. */
export function geometric(random: Random, successRatio: number): number {
  if (successRatio >= 1) return 1;
  return 1 + Math.floor(Math.log(1 - random.nextFloat()) / Math.log1p(-successRatio));
}

/** Standard normal. Source: Box, Muller (1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
}

/** Lognormal with the given median and sigma of its logarithm. */
export function lognormal(random: Random, median: number, sigma: number): number {
  return median * Math.exp(sigma * normal(random));
}

/** Pareto: at least `min`, tail exponent `shape`. */
export function pareto(random: Random, min: number, shape: number): number {
  return min * (1 - random.nextFloat()) ** (-1 / shape);
}
