/**
 * When requests are due: a schedule that knows nothing of answers.
 *
 * `poisson`: gaps are exponential with mean 1 / rate, as from many independent users. `even`: all gaps are 1 / rate.
 */

import type { Random } from '../../../src/lib/random.ts';

export type Spacing = 'poisson' | 'even';

/** One schedule. */
export class Arrivals {
  readonly #gapMs: number;
  readonly #random: Random | null;
  #dueMs = 0;

  /** @param ratePerSecond mean arrivals per second, above 0 */
  constructor(spacing: Spacing, ratePerSecond: number, random: Random) {
    if (!(ratePerSecond > 0)) throw new Error(`a rate must be above 0, got ${ratePerSecond}`);
    this.#gapMs = 1_000 / ratePerSecond;
    this.#random = spacing === 'poisson' ? random : null;
  }

  /** The next instant, in ms after the start; never earlier than the one before. */
  nextMs(): number {
    const gap = this.#random === null ? 1 : -Math.log(1 - this.#random.nextFloat());
    this.#dueMs += gap * this.#gapMs;
    return this.#dueMs;
  }
}
