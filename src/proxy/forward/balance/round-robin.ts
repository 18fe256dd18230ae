/**
 * Weighted round robin, smooth: earliest virtual deadline first. Hot path.
 *
 * Each endpoint has a deadline on a virtual clock and is due again `1 / size` after it was picked; the earliest is next.
 * So over any stretch an endpoint's picks differ from its share by less than two, and weights 3 : 1 come as A A B A, not
 * A A A B. An endpoint that joins is due at a random moment of its first round: workers and gateways do not march in
 * step, and one that was away has no arrears to collect. Who is to be avoided keeps its turn for the next pick.
 *
 * ```
 * #heap   places, a binary heap by deadline:   0 is due first; children of n are 2n + 1, 2n + 2
 * ```
 * Source: Parekh and Gallager (1993), generalized processor sharing; nginx "smooth weighted round-robin" for the order.
 * Cost: O(log endpoints), allocates nothing.
 */

import type { Random } from '../../../lib/random.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Shares } from './shares.ts';
import type { Targets } from './targets.ts';

export class RoundRobin implements Targets {
  readonly #shares: Shares;
  readonly #random: Random;
  readonly #heap: Int32Array;
  /** By place; infinite while left out. */
  readonly #deadlines: Float64Array;
  #count = 0;
  /** The virtual time: deadline of the last pick. A typed array, because a double in a field may be boxed. */
  readonly #clock = new Float64Array(1);

  constructor(shares: Shares, random: Random) {
    this.#shares = shares;
    this.#random = random;
    this.#heap = new Int32Array(shares.endpoints.length);
    this.#deadlines = new Float64Array(shares.endpoints.length).fill(Number.POSITIVE_INFINITY);
    this.#refresh();
  }

  get endpoints(): readonly Endpoint[] {
    return this.#shares.endpoints;
  }

  get isPanicking(): boolean {
    if (this.#shares.isStale()) this.#refresh();
    return this.#shares.isPanicking;
  }

  takeProbe(by: object): Endpoint | null {
    return this.#shares.takeProbe(by);
  }

  pick(avoid: Endpoint | null, _userKey: number, _nowMs: number): Endpoint | null {
    if (this.#shares.isStale()) this.#refresh();
    if (this.#count === 0) return null;
    const { endpoints, sizes } = this.#shares;
    const at = avoid !== null && this.#count > 1 && endpoints[this.#heap[0] as number] === avoid ? this.#second() : 0;
    const place = this.#heap[at] as number;
    const deadline = this.#deadlines[place] as number;
    this.#clock[0] = deadline;
    this.#deadlines[place] = deadline + 1 / (sizes[place] as number);
    this.#sink(at);
    return endpoints[place] as Endpoint;
  }

  #refresh(): void {
    const shares = this.#shares;
    shares.refresh();
    this.#count = shares.count;
    for (let place = 0; place < shares.endpoints.length; place++) {
      const size = shares.sizes[place] as number;
      if (size <= 0) this.#deadlines[place] = Number.POSITIVE_INFINITY;
      else if (this.#deadlines[place] === Number.POSITIVE_INFINITY) {
        this.#deadlines[place] = (this.#clock[0] as number) + this.#random.nextFloat() / size;
      }
    }
    for (let n = 0; n < this.#count; n++) this.#heap[n] = shares.live[n] as number;
    for (let n = (this.#count >> 1) - 1; n >= 0; n--) this.#sink(n);
  }

  /** Where the second earliest is. There are at least two. */
  #second(): number {
    return this.#count > 2 && this.#isEarlier(2, 1) ? 2 : 1;
  }

  #isEarlier(a: number, b: number): boolean {
    const deadlines = this.#deadlines;
    return (deadlines[this.#heap[a] as number] as number) < (deadlines[this.#heap[b] as number] as number);
  }

  /** Moves the place at `from` down until both children are due later. */
  #sink(from: number): void {
    const heap = this.#heap;
    let at = from;
    for (let child = 2 * at + 1; child < this.#count; child = 2 * at + 1) {
      const least = child + 1 < this.#count && this.#isEarlier(child + 1, child) ? child + 1 : child;
      if (!this.#isEarlier(least, at)) return;
      const place = heap[at] as number;
      heap[at] = heap[least] as number;
      heap[least] = place;
      at = least;
    }
  }
}
