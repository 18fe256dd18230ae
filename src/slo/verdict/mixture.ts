/**
 * A mixture of bets on several alternatives with fresh copies over time: the bookkeeping that every e-process shares.
 *
 * A regression that begins late would have to win back what the healthy hours lost, so fresh copies of the mixture start
 * over time; copy k has weight w_k = 1 / ((k + 1)(k + 2)), which sums to 1, and copies not yet started count 1:
 *
 *   S_j = w_0 / J;   restart k: S_j += w_k / J;   tick: S_j *= LR_j;   E = sum_j S_j + 1 / (k + 2)
 *
 * Logarithms are kept instead of S_j, so nothing under- or overflows: hours of health drive them to large negative numbers,
 * to which a restart adds fresh mass, and a burst of evidence to large positive ones; never NaN. A restart without
 * evidence since the last one would start the same copy twice, so it is left out, and idle hours do not dilute the
 * weights; that choice looks only at the past, as validity demands.
 * Source: docs/verdicts.md; Shin, Ramdas, Rinaldo (2022), "E-detectors".
 */

/** Weight of the k-th copy, k = 0, 1, …; the sum over all is 1. */
export function copyWeight(k: number): number {
  return 1 / ((k + 1) * (k + 2));
}

/** `size` bets with equal stakes. Allocates nothing after its construction. */
export class Mixture {
  readonly #size: number;
  /** ln S_j. */
  readonly #logMass: Float64Array;
  /** Index of the copy started last. */
  #copy = 0;
  /** NaN: to be summed up again. */
  #logE = 0;
  #isFresh = true;

  constructor(size: number) {
    this.#size = size;
    this.#logMass = new Float64Array(size).fill(Math.log(copyWeight(0) / size));
  }

  /** Natural logarithm of the e-value; 0 before any evidence. */
  get logE(): number {
    if (Number.isNaN(this.#logE)) this.#logE = this.#sum();
    return this.#logE;
  }

  /** Whether logE >= `level`; mostly known from the largest summand, without summing up. */
  reaches(level: number): boolean {
    if (Math.max(this.#largest(), 0) + Math.log(this.#size + 1) < level) return false;
    return this.logE >= level;
  }

  /** Copies started so far, the first included. */
  get copies(): number {
    return this.#copy + 1;
  }

  /** ln S_j. */
  logMass(j: number): number {
    return this.#logMass[j] as number;
  }

  /** Multiplies the j-th bet by e^`logRatio`. */
  multiply(j: number, logRatio: number): void {
    this.#logMass[j] = (this.#logMass[j] as number) + logRatio;
    this.#logE = Number.NaN;
    this.#isFresh = false;
  }

  /** Starts a fresh copy, unless the last one has seen nothing yet. */
  restart(): void {
    if (this.#isFresh) return;
    this.#isFresh = true;
    this.#copy += 1;
    const fresh = Math.log(copyWeight(this.#copy) / this.#size);
    for (let j = 0; j < this.#size; j++) this.#logMass[j] = logAdd(this.#logMass[j] as number, fresh);
    this.#logE = Number.NaN;
  }

  #largest(): number {
    let largest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < this.#size; j++) largest = Math.max(largest, this.#logMass[j] as number);
    return largest;
  }

  #sum(): number {
    const unstarted = -Math.log(this.#copy + 2);
    const max = Math.max(unstarted, this.#largest());
    let sum = Math.exp(unstarted - max);
    for (let j = 0; j < this.#size; j++) sum += Math.exp((this.#logMass[j] as number) - max);
    return max + Math.log(sum);
  }
}

/** ln(e^a + e^b) without leaving the range of a double. */
export function logAdd(a: number, b: number): number {
  const max = Math.max(a, b);
  return max + Math.log1p(Math.exp(Math.min(a, b) - max));
}
