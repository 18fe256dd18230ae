/**
 * Evidence that a canary fails more often than tolerated: an e-process over counts of bad events.
 *
 * Null hypothesis p_canary <= r * p_stable. Of the x = x_c + x_s bad events of a tick, each falls on the canary with
 * probability theta(d) = d r n_c / (d r n_c + n_s) when its odds are d times the tolerated ones. A mixture over d bets
 * against d = 1:
 *
 *   LR_j = (theta(d_j) / theta(1))^x_c * ((1 - theta(d_j)) / (1 - theta(1)))^x_s
 *        = d_j^x_c * ((r n_c + n_s) / (d_j r n_c + n_s))^(x_c + x_s)
 *
 * A regression that begins late would have to win back what the healthy hours lost, so fresh copies of the mixture start
 * over time; copy k has weight w_k = 1 / ((k + 1)(k + 2)), which sums to 1, and copies not yet started count 1:
 *
 *   S_j = w_0 / J;   restart k: S_j += w_k / J;   tick: S_j *= LR_j;   E = sum_j S_j + 1 / (k + 2)
 *
 * P(E ever reaches 1 / alpha) <= alpha under the null (Ville), however often one looks. Logarithms are kept instead of S_j,
 * so nothing under- or overflows: hours of health drive them to large negative numbers, to which a restart adds fresh
 * mass, and a burst of evidence to large positive ones; never NaN. A tick in which an arm finished nothing, or nothing
 * was bad, says nothing (LR = 1). A restart with no bad event since the last one would start the same copy twice, so it
 * is left out, and idle hours do not dilute the weights; both choices look only at the past, as Ville demands.
 * Source: docs/verdicts.md; Ramdas, Grunwald, Vovk, Shafer (2023), "Game-theoretic statistics"; Shin, Ramdas, Rinaldo (2022).
 */

/** Alternatives: how many times the tolerated odds. */
export const ODDS_RATIOS: readonly number[] = [1.5, 2, 3, 5, 8, 15, 40, 150, 1000];

const COUNT = ODDS_RATIOS.length;
const LOG_ODDS = Float64Array.from(ODDS_RATIOS, Math.log);

/** Weight of the k-th copy, k = 0, 1, …; the sum over all is 1. */
export function copyWeight(k: number): number {
  return 1 / ((k + 1) * (k + 2));
}

/** One e-process. Cost: a tick with bad events about 0.3 us, any other none. */
export class RatioProcess {
  readonly #toleratedRatio: number;
  /** ln S_j. */
  readonly #logMass = new Float64Array(COUNT).fill(Math.log(copyWeight(0) / COUNT));
  /** Index of the copy started last. */
  #copy = 0;
  /** NaN: to be summed up again. */
  #logE = 0;
  #logMassMax = Math.log(copyWeight(0) / COUNT);
  #isFresh = true;

  /** @param toleratedRatio r > 0 of the null hypothesis */
  constructor(toleratedRatio: number) {
    this.#toleratedRatio = toleratedRatio;
  }

  /** Natural logarithm of the e-value; 0 before any evidence. */
  get logE(): number {
    if (Number.isNaN(this.#logE)) this.#logE = this.#sum();
    return this.#logE;
  }

  /** Whether logE >= `level`; mostly known from the largest summand, without summing up. */
  reaches(level: number): boolean {
    if (Math.max(this.#logMassMax, 0) + Math.log(COUNT + 1) < level) return false;
    return this.logE >= level;
  }

  /** Copies started so far, the first included. */
  get copies(): number {
    return this.#copy + 1;
  }

  /** Starts a fresh copy, unless the last one has seen nothing yet. */
  restart(): void {
    if (this.#isFresh) return;
    this.#isFresh = true;
    this.#copy += 1;
    const fresh = Math.log(copyWeight(this.#copy) / COUNT);
    for (let j = 0; j < COUNT; j++) this.#put(j, logAdd(this.#logMass[j] as number, fresh));
  }

  /** Multiplies one tick in. Counts are finite and >= 0, `bad <= finished` in each arm. */
  update(canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number): void {
    const bad = canaryBad + stableBad;
    if (bad === 0 || canaryFinished === 0 || stableFinished === 0) return;
    const exposure = this.#toleratedRatio * canaryFinished;
    const total = exposure + stableFinished;
    for (let j = 0; j < COUNT; j++) {
      const logShrink = Math.log(total / ((ODDS_RATIOS[j] as number) * exposure + stableFinished));
      const logRatio = canaryBad * (LOG_ODDS[j] as number) + bad * logShrink;
      this.#put(j, (this.#logMass[j] as number) + logRatio);
    }
    this.#isFresh = false;
  }

  /** For j = 0, 1, … in turn. */
  #put(j: number, logMass: number): void {
    this.#logMass[j] = logMass;
    this.#logMassMax = j === 0 ? logMass : Math.max(this.#logMassMax, logMass);
    this.#logE = Number.NaN;
  }

  #sum(): number {
    const unstarted = -Math.log(this.#copy + 2);
    const max = Math.max(unstarted, this.#logMassMax);
    let sum = Math.exp(unstarted - max);
    for (let j = 0; j < COUNT; j++) sum += Math.exp((this.#logMass[j] as number) - max);
    return max + Math.log(sum);
  }
}

/** ln(e^a + e^b) without leaving the range of a double. */
function logAdd(a: number, b: number): number {
  const max = Math.max(a, b);
  return max + Math.log1p(Math.exp(Math.min(a, b) - max));
}
