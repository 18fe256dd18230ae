/**
 * How much stable's bad events cluster: the factor by which evidence is tempered.
 *
 * Counts of BLOCK_TICKS ticks make a block; two neighboring blocks make a 2 x 2 table, whose chi-square D has expectation 1
 * when events are independent, given their number X, and m when they come in bursts of m. Neighbors are compared, not a
 * block with the long-run share, so that a share that drifts, or an outage, is not taken for clustering but at its edges.
 *
 *   p = (x_1 + x_2) / (n_1 + n_2);   D = (x_1/n_1 - x_2/n_2)^2 / (p (1 - p) (1/n_1 + 1/n_2))
 *   phi = sum X D / sum X, older pairs forgotten by DECAY each;   factor = max(1, phi - 2 sqrt(2 / pairs))
 *
 * Weighted by X because it is the typical event that counts, not the typical block. What is taken off is two standard
 * errors of phi, so that independent events are not tempered. One pair may contribute PAIR_EVENTS_MAX events and D_MAX, which bounds how long the
 * edge of an outage is remembered. Fewer than EVENTS_MIN events say nothing: factor 1.
 *
 * An e-value to the power 1/factor, factor >= 1 known before the tick, has expectation at most 1 (Jensen), so tempering
 * never breaks the bound; it takes away what clustered failures would have added.
 * Source: docs/verdicts.md "Tempering"; McCullagh, Nelder (1989), "Generalized Linear Models", on the dispersion parameter.
 */

/** Ticks per block. */
const BLOCK_TICKS = 10;
const DECAY = 0.98;
/** Standard errors of phi that are taken off, and the variance of one D. */
const STANDARD_ERRORS = 2;
/** The same for the largest of several factors, of which one is always high by chance. */
const STANDARD_ERRORS_OF_MANY = 3;
const D_VARIANCE = 2;
const PAIR_EVENTS_MAX = 20;
const D_MAX = 20;
const EVENTS_MIN = 10;

export class Dispersion {
  #finished = 0;
  #bad = 0;
  #ticks = 0;
  /** The first block of the pair under way; -1: there is none. */
  #beforeFinished = -1;
  #beforeBad = 0;
  #weighted = 0;
  #weights = 0;
  #pairs = 0;
  #factor = 1;
  #factorOfMany = 1;

  /** Factor >= 1 of the ticks seen so far. */
  get factor(): number {
    return this.#factor;
  }

  /** The same for those who take the largest of several factors; never above `factor`. */
  get factorOfMany(): number {
    return this.#factorOfMany;
  }

  /** Takes in stable's counts of one tick that was judged. */
  add(finished: number, bad: number): void {
    this.#finished += finished;
    this.#bad += bad;
    this.#ticks += 1;
    if (this.#ticks < BLOCK_TICKS) return;
    if (this.#beforeFinished >= 0) this.#compare();
    else {
      this.#beforeFinished = this.#finished;
      this.#beforeBad = this.#bad;
    }
    this.#finished = 0;
    this.#bad = 0;
    this.#ticks = 0;
  }

  /** Ticks are missing: the pair under way is dropped. */
  skip(): void {
    this.#beforeFinished = -1;
    this.#finished = 0;
    this.#bad = 0;
    this.#ticks = 0;
  }

  #compare(): void {
    const [n1, n2] = [this.#beforeFinished, this.#finished];
    const events = this.#beforeBad + this.#bad;
    this.#beforeFinished = -1;
    const p = events / (n1 + n2);
    if (n1 === 0 || n2 === 0 || p === 0 || p === 1) return;
    const difference = this.#beforeBad / n1 - this.#bad / n2;
    const chiSquare = difference ** 2 / (p * (1 - p) * (1 / n1 + 1 / n2));
    const weight = Math.min(events, PAIR_EVENTS_MAX);
    this.#weighted = this.#weighted * DECAY + weight * Math.min(chiSquare, D_MAX);
    this.#weights = this.#weights * DECAY + weight;
    this.#pairs = this.#pairs * DECAY + 1;
    const phi = this.#weights < EVENTS_MIN ? 0 : this.#weighted / this.#weights;
    const error = Math.sqrt(D_VARIANCE / this.#pairs);
    this.#factor = Math.max(1, phi - STANDARD_ERRORS * error);
    this.#factorOfMany = Math.max(1, phi - STANDARD_ERRORS_OF_MANY * error);
  }
}
