/**
 * Proof that a canary is not worse; written a second time, as in `processes.ts`.
 *
 * ```
 * relative  += x_c ln(theta(1)/theta(R)) + x_s ln((1 - theta(1))/(1 - theta(R))),  theta(d) = d n_c/(d n_c + n_s)
 * absolute  += x_c ln(1/5) + (n_c - x_c) ln((1 - p/5)/(1 - p))
 * ```
 * Counts of one arm alone wait for the other's before they are compared.
 */

import type { Four } from './rows.ts';

/** Since the step began. */
export class Soundly {
  relative = 0;
  absolute = 0;
  isPassed = false;
  readonly needed: number;
  readonly #ratioMax: number;
  readonly #worst: number;
  #waiting: Four = [0, 0, 0, 0];

  constructor({ beta, ratioMax, errorRatioMax }: { beta: number; ratioMax: number; errorRatioMax: number }) {
    this.needed = Math.log(2 / beta);
    this.#ratioMax = ratioMax;
    this.#worst = errorRatioMax;
  }

  /** Good canary requests that would still have to come; null: no number suffices. */
  get goodNeeded(): number | null {
    if (this.isPassed) return 0;
    const each = this.#good;
    return each <= 0 ? null : Math.max(1, Math.ceil((this.needed - this.absolute) / each - 1e-9));
  }

  look([cf, cb, sf, sb]: Four): void {
    this.absolute += cb * Math.log(1 / 5) + (cf - cb) * this.#good;
    const [a, b, c, d] = this.#waiting;
    this.#waiting = [a + cf, b + cb, c + sf, d + sb];
    if (this.#waiting[0] > 0 && this.#waiting[2] > 0) this.#compare(this.#waiting);
    if (Math.max(this.relative, this.absolute) >= this.needed) this.isPassed = true;
  }

  restart(): void {
    this.relative = 0;
    this.absolute = 0;
    this.isPassed = false;
    this.#waiting = [0, 0, 0, 0];
  }

  #compare([cf, cb, sf, sb]: Four): void {
    const theta = (odds: number): number => (odds * cf) / (odds * cf + sf);
    if (cb > 0) this.relative += cb * Math.log(theta(1) / theta(this.#ratioMax));
    if (sb > 0) this.relative += sb * Math.log((1 - theta(1)) / (1 - theta(this.#ratioMax)));
    this.#waiting = [0, 0, 0, 0];
  }

  get #good(): number {
    return this.#worst < 1 ? Math.log((1 - this.#worst / 5) / (1 - this.#worst)) : 0;
  }
}
