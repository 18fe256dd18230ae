/**
 * Evidence that a canary is slower than tolerated at some quantile: an e-process over exceedances of frozen thresholds.
 *
 * Null hypothesis: the canary's latency, divided by its tolerance, is stochastically at most stable's, so that at every
 * threshold k the canary's chance to exceed (its tolerated) threshold is at most stable's chance to exceed its own. In a
 * tick x_c of n_c canary requests exceed, x_s of n_s stable ones. With q = stable's share in the ticks *before* this one:
 *
 *   c = min(R_j q, (1 + q) / 2);   m = (n_c c + n_s q) / (n_c + n_s)
 *   LR_jk = (c/m)^x_c ((1-c)/(1-m))^(n_c-x_c) (q/m)^x_s ((1-q)/(1-m))^(n_s-x_s);   E = sum_k w_k mean_j prod LR_jk
 *
 * E[LR] <= 1 for any common share, also one that moves from tick to tick, so what slows both arms down together says
 * nothing. q starts from a prior of PRIOR_WEIGHT requests that exceed with probability 1 - quantile. One alpha covers all
 * quantiles, since an average of e-processes is one; w_k = THRESHOLD_STAKES. Fresh copies start over time (`mixture.ts`).
 * Source: docs/verdicts.md; Turner, Ly, Grunwald (2021), "Generic e-variables for exact sequential k-sample tests".
 */

import { equalStakes, Mixture } from './mixture.ts';

/** Stable's quantiles at which both arms are compared. */
export const QUANTILES: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
/** Alternatives: how many times stable's share of exceedances. */
export const RISK_RATIOS: readonly number[] = [1.15, 1.3, 1.5, 2, 3, 5, 10, 30];
/**
 * Stakes on the thresholds: most on the last, where few requests in a hundred that are far too slow show; what is slower
 * all over is found by the bins together (`latency/shape.ts`).
 */
export const THRESHOLD_STAKES: readonly number[] = [0.05, 0.05, 0.1, 0.15, 0.25, 0.4];
/** Requests that the prior of q weighs. */
export const PRIOR_WEIGHT = 200;

const COUNT = RISK_RATIOS.length;

/** What stable's share of exceedances is taken for before any was seen: `exceeded` of `finished`. */
export interface Prior {
  readonly exceeded: number;
  readonly finished: number;
}

/** The priors of QUANTILES. */
export const PRIORS: readonly Prior[] = QUANTILES.map((quantile) => ({
  exceeded: (1 - quantile) * PRIOR_WEIGHT,
  finished: PRIOR_WEIGHT,
}));

/** One tick at one threshold: how many requests became known to exceed it or not, and how many exceed. */
export interface ThresholdTick {
  canaryFinished: number;
  stableFinished: number;
  canaryExceeded: number;
  stableExceeded: number;
}

/** One e-process over all thresholds. Cost: about 0.4 us per threshold and tick. Allocates nothing after construction. */
export class DominanceProcess {
  readonly #priors: readonly Prior[];
  readonly #mixture: Mixture;
  /** Stable's exceedances and requests so far, the prior included. */
  readonly #exceeded: Float64Array;
  readonly #finished: Float64Array;

  /**
   * @param priors one per threshold, exceeded strictly between 0 and finished
   * @param stakes on the thresholds, each > 0, adding up to 1
   */
  constructor(priors: readonly Prior[] = PRIORS, stakes: readonly number[] = THRESHOLD_STAKES) {
    this.#priors = priors;
    const within = equalStakes(COUNT);
    this.#mixture = new Mixture(stakes.flatMap((stake) => within.map((share) => stake * share)));
    this.#exceeded = new Float64Array(priors.length);
    this.#finished = new Float64Array(priors.length);
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

  /** The thresholds are new: what was learned of stable's shares is void. */
  forget(): void {
    this.#priors.forEach(({ exceeded, finished }, k) => {
      this.#exceeded[k] = exceeded;
      this.#finished[k] = finished;
    });
  }

  /** The threshold with most evidence against the canary. */
  get strongest(): number {
    let best = 0;
    for (let at = 1; at < this.#priors.length * COUNT; at++) {
      if (this.#mixture.logMass(at) > this.#mixture.logMass(best)) best = at;
    }
    return Math.trunc(best / COUNT);
  }

  /** Multiplies one tick of threshold `k` in, tempered by `dispersion` >= 1 (`dispersion.ts`). */
  update(k: number, tick: ThresholdTick, dispersion = 1): void {
    const { canaryFinished, stableFinished, stableExceeded } = tick;
    if (canaryFinished > 0 && stableFinished > 0) {
      const q = (this.#exceeded[k] as number) / (this.#finished[k] as number);
      const cap = (1 + q) / 2;
      // Alternatives rise: from the first that is capped on, all are the same.
      let logRatio = 0;
      let isCapped = false;
      for (let j = 0; j < COUNT; j++) {
        if (!isCapped) {
          const c = Math.min((RISK_RATIOS[j] as number) * q, cap);
          isCapped = c === cap;
          logRatio = logRatioOf(tick, c, q) / dispersion;
        }
        this.#mixture.multiply(k * COUNT + j, logRatio);
      }
    }
    this.#exceeded[k] = (this.#exceeded[k] as number) + stableExceeded;
    this.#finished[k] = (this.#finished[k] as number) + stableFinished;
  }
}

/** ln LR of a tick: the canary's share is c, stable's q. */
function logRatioOf(tick: ThresholdTick, c: number, q: number): number {
  const { canaryFinished, stableFinished, canaryExceeded, stableExceeded } = tick;
  const m = (canaryFinished * c + stableFinished * q) / (canaryFinished + stableFinished);
  return (
    times(canaryExceeded, c / m) +
    times(canaryFinished - canaryExceeded, (1 - c) / (1 - m)) +
    times(stableExceeded, q / m) +
    times(stableFinished - stableExceeded, (1 - q) / (1 - m))
  );
}

/** `count` times the logarithm of a factor, which is not taken for none: at high quantiles most ticks have none. */
function times(count: number, factor: number): number {
  return count === 0 ? 0 : count * Math.log(factor);
}
