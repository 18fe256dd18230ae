/**
 * The key from which on requests are turned away, so that a wanted share of them is, the least important. Hot path.
 *
 * Arrivals are counted in 2560 bins by key (priority.ts), which fade by a tenth whenever the threshold is set anew: at a pace
 * of 100 ms they remember one second. Without arrivals everything is let through.
 * Cost: an arrival is one count and a comparison, setting it two walks over the bins, about 10 us. Allocates the bins, 20 KB, at
 * its first arrival and nothing else: most versions are never under pressure.
 */

import { KEYS } from './priority.ts';

const MEMORY = 0.9;
const NO_BINS = new Float64Array(0);

export class KeyThreshold {
  #bins = NO_BINS;
  #total = 0;
  #threshold = KEYS;

  /** Takes an arrival. False: it is at or above the threshold. Cost: O(1), allocates nothing but at the first one. */
  admits(key: number): boolean {
    if (this.#bins.length === 0) this.#bins = new Float64Array(KEYS);
    this.#total += 1;
    this.#bins[key] = (this.#bins[key] as number) + 1;
    return key < this.#threshold;
  }

  /** The lowest key that is refused; the bin in which the share ends is let through. @param ratio of the arrivals to refuse, 0..1 */
  set(ratio: number): void {
    const wanted = this.#total * (1 - ratio);
    let seen = 0;
    let key = 0;
    while (key < this.#bins.length && seen < wanted) {
      seen += this.#bins[key] as number;
      key += 1;
    }
    this.#threshold = ratio === 0 || this.#total === 0 ? KEYS : key;
    this.#total = 0;
    for (let bin = 0; bin < this.#bins.length; bin++) {
      const kept = (this.#bins[bin] as number) * MEMORY;
      this.#bins[bin] = kept;
      this.#total += kept;
    }
  }

  /** Lets everything through and forgets what arrived. */
  clear(): void {
    this.#threshold = KEYS;
    this.#bins.fill(0);
    this.#total = 0;
  }
}
