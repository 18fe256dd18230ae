/**
 * Which requests are drawn, at a ratio, and how many more are let through within a second. Hot path.
 *
 * The draw is made ahead: the number of requests to the next drawn one is geometric, `1 + floor(ln(u) / ln(1 - ratio))`
 * with u uniform in (0, 1], which is the same as a coin per request, and a request that is not drawn costs one decrement
 * and one comparison. Source: Devroye (1986), "Non-Uniform Random Variate Generation", X.2 (geometric by inversion).
 */

import type { Random } from '../../lib/random.ts';

const INT32_MAX = 2 ** 31 - 1;

/** Draws a share of what it is asked about. */
export class Draw {
  readonly #random: Random;
  #ratio = 0;
  /** Requests to the next drawn one, itself included. */
  #left = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get ratio(): number {
    return this.#ratio;
  }

  /** From now on this share is drawn, 0..1. */
  set ratio(ratio: number) {
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.#left = this.#gap();
  }

  /** Counts one; true if it is drawn. Cost: a decrement and a comparison, allocates nothing. */
  next(): boolean {
    // Wraps while nothing is drawn, so that the field stays a small integer.
    this.#left = (this.#left - 1) | 0;
    return this.#left === 0 && this.#drawn();
  }

  #drawn(): boolean {
    if (this.#ratio <= 0) return false;
    this.#left = this.#gap();
    return true;
  }

  /** A gap above 2^31 - 1, which takes a ratio below 1e-8, is cut to it. */
  #gap(): number {
    if (this.#ratio <= 0) return 0;
    if (this.#ratio >= 1) return 1;
    const u = 1 - this.#random.nextFloat();
    return Math.min(INT32_MAX, 1 + Math.floor(Math.log(u) / Math.log1p(-this.#ratio)));
  }
}

/** So many a second and no more. */
export class Quota {
  readonly #perSecond: number;
  #second = 0;
  #count = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts one; false when this second has had enough. */
  admits(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000) | 0;
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    return ++this.#count <= this.#perSecond;
  }
}
