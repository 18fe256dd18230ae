/**
 * Evidence that a canary is not worse: the verdict `pass`, by a process of its own (that no rollback came proves nothing).
 *
 * Two branches, either of which suffices at ln(2 / beta); their sum of chances to pass a canary that is too bad is beta.
 *
 * - relative, against H0: p_canary >= R p_stable: the ratio of odds 1 to odds R, with theta(d) = d n_c / (d n_c + n_s):
 *   x_c ln(theta(1) / theta(R)) + x_s ln((1 - theta(1)) / (1 - theta(R)))
 * - absolute, against H0: p_canary >= p_max: the ratio of the rates p_max / 5 and p_max:
 *   x_c ln(1/5) + (n_c - x_c) ln((1 - p_max / 5) / (1 - p_max))
 *
 * Once passed stays passed (Ville holds at the first crossing); a step of the rollout starts a new process.
 * Edges: a tick in which an arm finished nothing waits for the next one before the relative branch takes it, by arrivals alone
 * and never by outcomes: with 5 canary requests a second four of ten ticks have one. p_max >= 1 never passes absolutely.
 * Source: docs/verdicts.md. Cost: about 0.1 us per tick.
 */

/** The absolute branch bets on a rate so many times below p_max. */
const HEALTHY_FRACTION = 5;

/** How sure one must be. */
export interface PromotionPolicy {
  /** Chance to pass a canary that is worse than both limits. */
  readonly beta: number;
  /** R of the relative branch, > 1. */
  readonly ratioMax: number;
  /** p_max of the absolute branch. */
  readonly errorRatioMax: number;
}

export class PromotionProcess {
  readonly #policy: PromotionPolicy;
  readonly #logBad: number;
  readonly #logGood: number;
  /** ln(2 / beta): what either branch must reach. */
  readonly logEToPass: number;
  #logERelative = 0;
  #logEAbsolute = 0;
  #isPassed = false;
  /** What the relative branch has yet to take in. */
  readonly #open = { canary: 0, stable: 0, canaryBad: 0, stableBad: 0 };

  constructor(policy: PromotionPolicy) {
    this.#policy = policy;
    const { errorRatioMax } = policy;
    this.#logBad = -Math.log(HEALTHY_FRACTION);
    this.#logGood = errorRatioMax < 1 ? Math.log1p(-errorRatioMax / HEALTHY_FRACTION) - Math.log1p(-errorRatioMax) : 0;
    this.logEToPass = Math.log(2 / policy.beta);
  }

  get logERelative(): number {
    return this.#logERelative;
  }

  get logEAbsolute(): number {
    return this.#logEAbsolute;
  }

  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** Canary requests that are still needed if all of them are good: the absolute branch. Infinity when it cannot pass. */
  get goodNeeded(): number {
    if (this.#isPassed) return 0;
    if (this.#logGood <= 0) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.ceil((this.logEToPass - this.#logEAbsolute) / this.#logGood - 1e-9));
  }

  /** Takes one tick in. Counts as of `RatioProcess.update`; tempered ones may be fractions. */
  update(canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number): void {
    this.#logEAbsolute += canaryBad * this.#logBad + (canaryFinished - canaryBad) * this.#logGood;
    const open = this.#open;
    open.canary += canaryFinished;
    open.stable += stableFinished;
    open.canaryBad += canaryBad;
    open.stableBad += stableBad;
    if (open.canary > 0 && open.stable > 0) this.#compare();
    if (Math.max(this.#logERelative, this.#logEAbsolute) >= this.logEToPass) this.#isPassed = true;
  }

  /** Both arms finished something: the relative branch takes it in. */
  #compare(): void {
    const { canary, stable, canaryBad, stableBad } = this.#open;
    if (canaryBad + stableBad > 0) {
      const shrink = Math.log((this.#policy.ratioMax * canary + stable) / (canary + stable));
      this.#logERelative += (canaryBad + stableBad) * shrink - canaryBad * Math.log(this.#policy.ratioMax);
    }
    this.#forget();
  }

  #forget(): void {
    const open = this.#open;
    open.canary = 0;
    open.stable = 0;
    open.canaryBad = 0;
    open.stableBad = 0;
  }

  /** A step of the rollout: what was proven holds for the weight at which it was seen. */
  restart(): void {
    this.#logERelative = 0;
    this.#logEAbsolute = 0;
    this.#isPassed = false;
    this.#forget();
  }
}
