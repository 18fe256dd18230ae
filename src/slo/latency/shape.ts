/**
 * Evidence that a canary is slower by the whole shape of its latencies: one e-process that learns how it is slower.
 *
 * The thresholds of `verdict/dominance.ts` cut latencies into bins, 0 … K. In a tick x_c,i of n_c canary requests and x_s,i of n_s
 * stable ones fall into bin i. With q_i = stable's share of bin i, and p_i = the canary's among its last requests, both in
 * ticks *before* this one:
 *
 *   r = the non-decreasing ratios that are nearest to p_i / q_i (weights q_i);   c_i = q_i r_i;   m_i = (n_c c_i + n_s q_i) / n
 *   LR = prod_i (c_i / m_i)^(x_c,i) (q_i / m_i)^(x_s,i)
 *
 * E[LR] <= 1 when both arms have the same distribution, whatever it is: with A = E[c/m], B = E[q/m], n_c A + n_s B = n, hence
 * A^n_c B^n_s <= 1. And also when the canary is faster, stochastically: c/m rises with the bin because r does, so that A is
 * smaller then. A canary that looks no slower gives r = 1 and LR = 1, so healthy hours cost little; and what is learned
 * needs no grid of alternatives: moved, stretched and rare slowness are found alike.
 *
 * p starts from q with the weight of RECENT_PRIOR requests and forgets over RECENT_REQUESTS. Fresh copies start over time
 * (`verdict/mixture.ts`). The nearest ratios are found by pooling adjacent violators, which keeps sum c_i = 1.
 * Source: docs/verdicts.md "Latency"; Turner, Ly, Grunwald (2021), "Generic e-variables for exact sequential k-sample
 * tests"; Ayer, Brunk, Ewing, Reid, Silverman (1955) for the pooling.
 * Cost: about 0.5 us per tick. Allocates nothing after construction.
 */

import { PRIOR_WEIGHT, QUANTILES } from '../verdict/dominance.ts';
import { Mixture } from '../verdict/mixture.ts';

/** One bin below the first threshold, one above each. */
export const BINS = QUANTILES.length + 1;
/** Canary requests over which what was learned of it is forgotten, by a factor e. */
export const RECENT_REQUESTS = 150;
/** Requests that count as stable's before any of the canary was seen. */
export const RECENT_PRIOR = 20;

/** Counts of both arms by bin. */
export interface BinnedTick {
  readonly canary: Float64Array;
  readonly stable: Float64Array;
}

/** What stable's share of a bin is taken for before any request was seen. */
function priorOf(bin: number): number {
  return (QUANTILES[bin] ?? 1) - (QUANTILES[bin - 1] ?? 0);
}

export class ShapeProcess {
  readonly #mixture = new Mixture([1]);
  /** Stable's requests by bin so far, the prior included. */
  readonly #stable = new Float64Array(BINS);
  /** The canary's last requests by bin; older ones count less. */
  readonly #recent = new Float64Array(BINS);
  /** r by pools of neighboring bins: ratio, weight and number of bins of each. */
  readonly #ratios = new Float64Array(BINS);
  readonly #weights = new Float64Array(BINS);
  readonly #sizes = new Int32Array(BINS);

  constructor() {
    this.forget();
  }

  /** Natural logarithm of the e-value; 0 before any evidence. */
  get logE(): number {
    return this.#mixture.logE;
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    return this.#mixture.reaches(level);
  }

  /** Starts a fresh copy with the weights of `copies`, unless the last one has seen nothing yet. */
  restart(copies?: number): void {
    this.#mixture.restart(copies);
  }

  /** The thresholds are new: what was learned is void. */
  forget(): void {
    for (let bin = 0; bin < BINS; bin++) this.#stable[bin] = PRIOR_WEIGHT * priorOf(bin);
    this.#recent.fill(0);
  }

  /** Multiplies one tick in, tempered by `dispersion` >= 1. */
  update(tick: BinnedTick, dispersion = 1): void {
    const canary = sum(tick.canary);
    const stable = sum(tick.stable);
    if (canary > 0 && stable > 0) {
      this.#learn();
      this.#mixture.multiply(0, this.#logRatio(tick, canary / (canary + stable)) / dispersion);
    }
    const kept = Math.exp(-canary / RECENT_REQUESTS);
    for (let bin = 0; bin < BINS; bin++) {
      this.#stable[bin] = (this.#stable[bin] as number) + (tick.stable[bin] as number);
      this.#recent[bin] = (this.#recent[bin] as number) * kept + (tick.canary[bin] as number);
    }
  }

  /** @param canaryShare n_c / n */
  #logRatio({ canary, stable }: BinnedTick, canaryShare: number): number {
    let logRatio = 0;
    let bin = 0;
    for (let pool = 0; bin < BINS; pool++) {
      const ratio = this.#ratios[pool] as number;
      const logMean = Math.log1p(canaryShare * (ratio - 1));
      const logRaised = Math.log(ratio) - logMean;
      for (let left = this.#sizes[pool] as number; left > 0; left--) {
        logRatio += (canary[bin] as number) * logRaised - (stable[bin] as number) * logMean;
        bin += 1;
      }
    }
    return logRatio;
  }

  /** Finds r. */
  #learn(): void {
    const stable = sum(this.#stable);
    const recent = sum(this.#recent) + RECENT_PRIOR;
    let pools = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const share = (this.#stable[bin] as number) / stable;
      this.#ratios[pools] = ((this.#recent[bin] as number) + RECENT_PRIOR * share) / (recent * share);
      this.#weights[pools] = share;
      this.#sizes[pools] = 1;
      pools += 1;
      while (pools > 1 && (this.#ratios[pools - 2] as number) >= (this.#ratios[pools - 1] as number)) {
        pools -= 1;
        this.#pool(pools - 1);
      }
    }
  }

  /** Joins a pool with the next one. */
  #pool(at: number): void {
    const first = this.#weights[at] as number;
    const second = this.#weights[at + 1] as number;
    const joined = first * (this.#ratios[at] as number) + second * (this.#ratios[at + 1] as number);
    this.#weights[at] = first + second;
    this.#ratios[at] = joined / (first + second);
    this.#sizes[at] = (this.#sizes[at] as number) + (this.#sizes[at + 1] as number);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let n = 0; n < values.length; n++) total += values[n] as number;
  return total;
}
