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
 * Source: docs/verdicts.md. Cost: about 0.1 us per tick with canary requests.
 */

import { Mixture } from './mixture.ts';
import { ODDS_RATIOS } from './ratio.ts';

const COUNT = ODDS_RATIOS.length;

export class AbsoluteProcess {
  readonly #mixture = new Mixture(COUNT);
  readonly #hasFloor: boolean;
  /** ln of the factor for a bad request, and for a good one. */
  readonly #logBad: Float64Array;
  readonly #logGood: Float64Array;

  /** @param floor a of the null hypothesis, 0 <= a < 1; 0 = none */
  constructor(floor: number) {
    this.#hasFloor = floor > 0;
    const rates = ODDS_RATIOS.map((odds) => Math.min(odds * floor, (1 + floor) / 2));
    this.#logBad = Float64Array.from(rates, (rate) => (floor > 0 ? Math.log(rate / floor) : 0));
    this.#logGood = Float64Array.from(rates, (rate) => Math.log1p(-rate) - Math.log1p(-floor));
  }

  /** Natural logarithm of the e-value; 0 before any evidence, Infinity without a floor. */
  get logE(): number {
    return this.#hasFloor ? this.#mixture.logE : Number.POSITIVE_INFINITY;
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    return !this.#hasFloor || this.#mixture.reaches(level);
  }

  /** Starts a fresh copy, unless the last one has seen nothing yet. */
  restart(): void {
    this.#mixture.restart();
  }

  /** Multiplies one tick in; `canaryBad <= canaryFinished`. Tempered counts may be fractions. */
  update(canaryFinished: number, canaryBad: number): void {
    if (canaryFinished === 0 || !this.#hasFloor) return;
    const good = canaryFinished - canaryBad;
    for (let j = 0; j < COUNT; j++) {
      this.#mixture.multiply(j, canaryBad * (this.#logBad[j] as number) + good * (this.#logGood[j] as number));
    }
  }
}
