/**
 * Evidence that a canary fails more often than tolerated: an e-process over counts of bad events.
 *
 * Null hypothesis p_canary <= r * p_stable. Of the x = x_c + x_s bad events of a tick, each falls on the canary with
 * probability theta(d) = d r n_c / (d r n_c + n_s) when its odds are d times the tolerated ones. A mixture over d bets
 * against d = 1 (`mixture.ts` keeps it, with fresh copies over time):
 *
 *   LR_j = (theta(d_j) / theta(1))^x_c * ((1 - theta(d_j)) / (1 - theta(1)))^x_s
 *        = d_j^x_c * ((r n_c + n_s) / (d_j r n_c + n_s))^(x_c + x_s)
 *
 * P(E ever reaches 1 / alpha) <= alpha under the null (Ville), however often one looks. A tick in which an arm finished
 * nothing, or nothing was bad, says nothing (LR = 1). Counts may be fractions: tempered ones (`dispersion.ts`) are
 * LR^(1/phi), whose expectation is at most 1 when that of LR is.
 * Source: docs/verdicts.md; Ramdas, Grunwald, Vovk, Shafer (2023), "Game-theoretic statistics".
 */

import { equalStakes, Mixture } from './mixture.ts';

/** Alternatives: how many times the tolerated odds. */
export const ODDS_RATIOS: readonly number[] = [1.5, 2, 3, 5, 8, 15, 40, 150, 1000];

const COUNT = ODDS_RATIOS.length;
const EQUAL_STAKES = equalStakes(COUNT);
const LOG_ODDS = Float64Array.from(ODDS_RATIOS, Math.log);

/** One e-process. Cost: a tick with bad events about 0.3 us, any other none. */
export class RatioProcess {
  readonly #toleratedRatio: number;
  readonly #mixture: Mixture;

  /**
   * @param toleratedRatio r > 0 of the null hypothesis
   * @param stakes on the alternatives, each > 0, adding up to 1
   */
  constructor(toleratedRatio: number, stakes: readonly number[] = EQUAL_STAKES) {
    this.#toleratedRatio = toleratedRatio;
    this.#mixture = new Mixture(stakes);
  }

  /** Natural logarithm of the e-value; 0 before any evidence. */
  get logE(): number {
    return this.#mixture.logE;
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    return this.#mixture.reaches(level);
  }

  /** Copies started so far, the first included. */
  get copies(): number {
    return this.#mixture.copies;
  }

  /** Starts a fresh copy with the weights of `copies`, unless the last one has seen nothing yet. */
  restart(copies?: number): void {
    this.#mixture.restart(copies);
  }

  /** Multiplies one tick in. Counts are finite and >= 0, `bad <= finished` in each arm. */
  update(canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number): void {
    const bad = canaryBad + stableBad;
    if (bad === 0 || canaryFinished === 0 || stableFinished === 0) return;
    const exposure = this.#toleratedRatio * canaryFinished;
    const total = exposure + stableFinished;
    for (let j = 0; j < COUNT; j++) {
      const logShrink = Math.log(total / ((ODDS_RATIOS[j] as number) * exposure + stableFinished));
      this.#mixture.multiply(j, canaryBad * (LOG_ODDS[j] as number) + bad * logShrink);
    }
  }
}
