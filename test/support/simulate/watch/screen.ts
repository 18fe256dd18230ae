/**
 * Tells by its requests alone that a history cannot end in a rollback.
 *
 * Of failures the smallest e-value counts, E = min(E_requests, E_users, E_absolute). While E_requests stays below the level,
 * nothing is convicted and no endpoint spared, whatever users did. So the users of most histories need not be drawn; what
 * passes here is drawn again with them, and judged by the gateway's own code (`judge.ts`).
 *
 * E_requests is computed once more, for speed: S_j themselves instead of their logarithms, which may underflow to 0 without
 * harm (every restart adds to them), and nothing but sums while nobody fails. `control-bench.test.ts` compares it with the
 * gateway's, tick by tick.
 */

import type { PairCounts } from '#src/model/slo.ts';
import { Dispersion } from '#src/slo/verdict/dispersion.ts';
import { RESTART_MS, STAKES } from '#src/slo/verdict/min-rule.ts';
import { copyWeight, STEP_COPIES, unstartedWeight } from '#src/slo/verdict/mixture.ts';
import { ODDS_RATIOS } from '#src/slo/verdict/ratio.ts';
import { logEToFail } from '#src/slo/verdict/verdict.ts';
import { POLICY } from '../rollout.ts';

/** What differs by so much from the level is at the level: sums are rounded otherwise than the gateway's. */
const ROUNDING = 1e-6;
const BETS = ODDS_RATIOS.length;
const ODDS = Float64Array.from(ODDS_RATIOS);

export class Screen {
  readonly #level: number;
  readonly #dispersion = new Dispersion();
  /** S_j. */
  readonly #mass = Float64Array.from(STAKES, (stake) => copyWeight(0) * stake);
  #copy = 0;
  #isFresh = true;
  #restartedAtMs: number;
  /** The tick under way. */
  #canaryFinished = 0;
  #stableFinished = 0;
  #canaryBad = 0;
  #stableBad = 0;

  constructor(nowMs: number, alpha: number = POLICY.alpha) {
    this.#level = Math.exp(logEToFail(alpha) - ROUNDING);
    this.#restartedAtMs = nowMs;
  }

  /** E_requests. */
  get e(): number {
    let sum = unstartedWeight(this.#copy);
    for (let j = 0; j < BETS; j++) sum += this.#mass[j] as number;
    return sum;
  }

  /** The canary's weight moved. */
  step(nowMs: number): void {
    this.#open();
    this.#dispersion.skip();
    this.#restart(nowMs, STEP_COPIES);
  }

  /** Takes in a tick's requests, which ends at `nowMs`. Whether users would decide now. */
  passes({ canary, stable }: PairCounts, nowMs: number): boolean {
    if (nowMs - this.#restartedAtMs >= RESTART_MS) this.#restart(nowMs, 1);
    this.#canaryFinished += canary.finished;
    this.#stableFinished += stable.finished;
    this.#canaryBad += canary.bad;
    this.#stableBad += stable.bad;
    if (this.#canaryFinished === 0 || this.#stableFinished === 0) return false;
    // Only a bad request of the canary raises any of the bets.
    const mayRise = this.#canaryBad > 0;
    if (mayRise || this.#stableBad > 0) this.#bet();
    this.#dispersion.add(this.#stableFinished, this.#stableBad);
    this.#open();
    return mayRise && this.e >= this.#level;
  }

  #bet(): void {
    this.#isFresh = false;
    const exposure = POLICY.toleratedRatio * this.#canaryFinished;
    const total = exposure + this.#stableFinished;
    const bad = this.#canaryBad + this.#stableBad;
    const { factor } = this.#dispersion;
    for (let j = 0; j < BETS; j++) {
      const odds = ODDS[j] as number;
      const shrink = total / (odds * exposure + this.#stableFinished);
      let ratio = 1;
      if (bad > 8) ratio = odds ** this.#canaryBad * shrink ** bad;
      else {
        for (let n = bad; n > 0; n--) ratio *= shrink;
        for (let n = this.#canaryBad; n > 0; n--) ratio *= odds;
      }
      this.#mass[j] = (this.#mass[j] as number) * (factor === 1 ? ratio : ratio ** (1 / factor));
    }
  }

  #open(): void {
    this.#canaryFinished = 0;
    this.#stableFinished = 0;
    this.#canaryBad = 0;
    this.#stableBad = 0;
  }

  /** As `Mixture.restart`. */
  #restart(nowMs: number, copies: number): void {
    this.#restartedAtMs = nowMs;
    if (this.#isFresh) return;
    this.#isFresh = true;
    const weight = unstartedWeight(this.#copy) - unstartedWeight(this.#copy + copies);
    this.#copy += copies;
    for (let j = 0; j < BETS; j++) this.#mass[j] = (this.#mass[j] as number) + weight * (STAKES[j] as number);
  }
}
