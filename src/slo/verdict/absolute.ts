/**
 * Evidence that a canary fails more often than an absolute floor: regressions below it are not worth a rollback.
 *
 * Null hypothesis p_canary <= a. Of the n_c canary requests of a tick x_c are bad; a mixture bets on rates c_j = d_j a:
 *
 *   LR_j = (c_j / a)^x_c * ((1 - c_j) / (1 - a))^(n_c - x_c)
 *
 * with the alternatives d_j of `ratio.ts`, kept below 1: c_j = min(d_j a, (1 + a) / 2). Decided on together with the
 * relative evidence, min(E_rel, E_abs), which is valid for p_canary <= max(r p_stable, a) when one of the two holds
 * throughout. Floor 0 = none: logE is Infinity, so that the minimum is the relative evidence.
 * Source: docs/verdicts.md. Cost: about 0.1 us per tick in which the canary failed.
 */

import { equalStakes, Mixture } from './mixture.ts';
import { ODDS_RATIOS } from './ratio.ts';

const COUNT = ODDS_RATIOS.length;

export class AbsoluteProcess {
  readonly #mixture = new Mixture(equalStakes(COUNT));
  readonly #hasFloor: boolean;
  /** ln of the factor for a bad request, and for a good one. */
  readonly #logBad: Float64Array;
  readonly #logGood: Float64Array;
  /** Good requests that are not multiplied in yet: nobody asks before something fails. */
  #goodWaiting = 0;

  /** @param floor a of the null hypothesis, 0 <= a < 1; 0 = none */
  constructor(floor: number) {
    this.#hasFloor = floor > 0;
    const rates = ODDS_RATIOS.map((odds) => Math.min(odds * floor, (1 + floor) / 2));
    this.#logBad = Float64Array.from(rates, (rate) => (floor > 0 ? Math.log(rate / floor) : 0));
    this.#logGood = Float64Array.from(rates, (rate) => Math.log1p(-rate) - Math.log1p(-floor));
  }

  /**
   * Natural logarithm of the e-value; 0 before any evidence, Infinity without a floor. Whoever only looks must not change in
   * which groups the logarithms are added up, or a replay would differ in the last bit: what waits goes on waiting.
   */
  get logE(): number {
    if (!this.#hasFloor) return Number.POSITIVE_INFINITY;
    if (this.#goodWaiting === 0) return this.#mixture.logE;
    return this.#mixture.logEAfter(this.#logGood, this.#goodWaiting);
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    if (!this.#hasFloor) return true;
    this.#settle(0);
    return this.#mixture.reaches(level);
  }

  /** Starts a fresh copy with the weights of `copies`, unless the last one has seen nothing yet. */
  restart(copies?: number): void {
    this.#settle(0);
    this.#mixture.restart(copies);
  }

  /** Multiplies one tick in; `canaryBad <= canaryFinished`. Tempered counts may be fractions. */
  update(canaryFinished: number, canaryBad: number): void {
    if (!this.#hasFloor) return;
    this.#goodWaiting += canaryFinished - canaryBad;
    if (canaryBad > 0) this.#settle(canaryBad);
  }

  #settle(canaryBad: number): void {
    const good = this.#goodWaiting;
    if (good === 0 && canaryBad === 0) return;
    this.#goodWaiting = 0;
    for (let j = 0; j < COUNT; j++) {
      this.#mixture.multiply(j, canaryBad * (this.#logBad[j] as number) + good * (this.#logGood[j] as number));
    }
  }
}
