/**
 * Draws one of n places in proportion to their sizes, in constant time. Hot path.
 *
 * Walker's alias method as Vose builds it: n columns of equal width, each shared by at most two places. One 32-bit
 * number gives the column (its integer part times n) and the side within it (the fraction); with n places the fraction
 * has 32 - log2(n) bits.
 * Source: Vose (1991), "A linear algorithm for generating random numbers with a given distribution".
 * Cost: build O(n), draw O(1); neither allocates.
 */

import type { Random } from '../../../lib/random.ts';

const TWO_32 = 4_294_967_296;

export class AliasTable {
  readonly #cut: Float64Array;
  readonly #other: Int32Array;
  /** Columns still to be filled: from the left those below their width, from the right those above. */
  readonly #work: Int32Array;
  #count = 0;

  /** @param capacity most places ever */
  constructor(capacity: number) {
    this.#cut = new Float64Array(capacity);
    this.#other = new Int32Array(capacity);
    this.#work = new Int32Array(capacity);
  }

  /** Place n has size `sizes[places[n]]`, n < `count`; all sizes above 0, their sum is `total`. */
  build(places: Int32Array, count: number, sizes: Float64Array, total: number): void {
    this.#count = count;
    let small = 0;
    let large = count;
    for (let n = 0; n < count; n++) {
      const width = ((sizes[places[n] as number] as number) * count) / total;
      this.#cut[n] = width;
      this.#other[n] = n;
      if (width < 1) this.#work[small++] = n;
      else this.#work[--large] = n;
    }
    while (small > 0 && large < count) {
      const poor = this.#work[--small] as number;
      const rich = this.#work[large] as number;
      this.#other[poor] = rich;
      const left = (this.#cut[rich] as number) - (1 - (this.#cut[poor] as number));
      this.#cut[rich] = left;
      if (left >= 1) continue;
      large++;
      this.#work[small++] = rich;
    }
    // What is left is full up to rounding.
    while (small > 0) this.#cut[this.#work[--small] as number] = 1;
  }

  /** A place 0..count-1. */
  draw(random: Random): number {
    const at = (random.nextUint32() / TWO_32) * this.#count;
    const column = at | 0;
    return at - column < (this.#cut[column] as number) ? column : (this.#other[column] as number);
  }
}
