/**
 * A mixture of bets on several alternatives with fresh copies over time: the bookkeeping that every e-process shares.
 *
 * A regression that begins late would have to win back what the healthy hours lost, so fresh copies of the mixture start
 * over time. Copy k has weight w_k; u_k = w_(k+1) + w_(k+2) + … is what copies not yet started hold, and they count 1:
 *
 *   u_k = (1 - w_0) H / (k + H);   w_0 = FIRST_COPY;   w_k = u_(k-1) - u_k;   the sum over all is 1
 *   S_j = w_0 s_j;   restart k: S_j += w_k s_j;   tick: S_j *= LR_j;   E = sum_j S_j + u_k
 *
 * with stakes s_j of the bets. Most regressions are there from the first request on, so the first copy has most; the weights
 * of the others fall slowly up to the H-th (COPIES_ALIKE) and then as 1/k^2 (docs/verdicts.md "Late onset"). A step of the
 * rollout is where regressions are likelier to begin than at other times: its copy takes the weights of STEP_COPIES at once.
 *
 * Logarithms are kept instead of S_j, so nothing under- or overflows: hours of health drive them to large negative numbers,
 * to which a restart adds fresh mass, and a burst of evidence to large positive ones; never NaN. A restart without
 * evidence since the last one would start the same copy twice, so it is left out, and idle hours do not dilute the
 * weights; that choice looks only at the past, as validity demands.
 * Source: docs/verdicts.md; Shin, Ramdas, Rinaldo (2022), "E-detectors".
 */

/** Weight of the first copy. */
export const FIRST_COPY = 0.62;
/** Copies after the first until the weight of one is a quarter of the second's. */
export const COPIES_ALIKE = 10;
/** Copies whose weights the one of a step has together. */
export const STEP_COPIES = 5;

/** What the copies after the k-th hold, k = 0, 1, …. */
export function unstartedWeight(k: number): number {
  return ((1 - FIRST_COPY) * COPIES_ALIKE) / (k + COPIES_ALIKE);
}

/** Weight of the k-th copy, k = 0, 1, …; the sum over all is 1. */
export function copyWeight(k: number): number {
  return k === 0 ? FIRST_COPY : unstartedWeight(k - 1) - unstartedWeight(k);
}

/** Equal stakes on `size` bets. */
export function equalStakes(size: number): number[] {
  return new Array<number>(size).fill(1 / size);
}

/** Bets with stakes that add up to 1. Allocates nothing after its construction. */
export class Mixture {
  readonly #size: number;
  readonly #stakes: readonly number[];
  /** ln of the number of summands. */
  readonly #logTerms: number;
  /** ln S_j. */
  readonly #logMass: Float64Array;
  /** Index of the copy started last, or of the last one whose weight it has. */
  #copy = 0;
  /** NaN: to be summed up again. */
  #logE = 0;
  #isFresh = true;

  /** @param stakes of the bets, each > 0, adding up to 1 */
  constructor(stakes: readonly number[]) {
    this.#size = stakes.length;
    this.#stakes = stakes;
    this.#logTerms = Math.log(stakes.length + 1);
    this.#logMass = Float64Array.from(stakes, (stake) => Math.log(copyWeight(0) * stake));
  }

  /** Natural logarithm of the e-value; 0 before any evidence. */
  get logE(): number {
    if (Number.isNaN(this.#logE)) this.#logE = this.#sum();
    return this.#logE;
  }

  /** What `logE` would be if every bet j were multiplied by e^(`times` * `logRatios[j]`). Changes nothing. */
  logEAfter(logRatios: ArrayLike<number>, times: number): number {
    const massOf = (j: number): number => (this.#logMass[j] as number) + times * (logRatios[j] as number);
    let max = Math.log(unstartedWeight(this.#copy));
    let sum = 1;
    for (let j = 0; j < this.#size; j++) {
      const mass = massOf(j);
      if (mass > max) sum = sum * Math.exp(max - mass) + 1;
      else sum += Math.exp(mass - max);
      max = Math.max(max, mass);
    }
    return max + Math.log(sum);
  }

  /** Whether logE >= `level`; mostly known from the largest summand, without summing up. */
  reaches(level: number): boolean {
    if (Math.max(this.#largest(), 0) + this.#logTerms < level) return false;
    return this.logE >= level;
  }

  /** Copies whose weights are at stake so far, the first included. */
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

  /** Starts a fresh copy with the weights of `copies`, unless the last one has seen nothing yet. */
  restart(copies = 1): void {
    if (this.#isFresh) return;
    this.#isFresh = true;
    const before = unstartedWeight(this.#copy);
    this.#copy += copies;
    const weight = before - unstartedWeight(this.#copy);
    for (let j = 0; j < this.#size; j++) {
      this.#logMass[j] = logAdd(this.#logMass[j] as number, Math.log(weight * (this.#stakes[j] as number)));
    }
    this.#logE = Number.NaN;
  }

  #largest(): number {
    const masses = this.#logMass;
    let largest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < masses.length; j++) if ((masses[j] as number) > largest) largest = masses[j] as number;
    return largest;
  }

  #sum(): number {
    const unstarted = Math.log(unstartedWeight(this.#copy));
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
