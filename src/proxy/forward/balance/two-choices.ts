/**
 * Power of two choices: the less loaded of two endpoints drawn by weight. Hot path.
 *
 * ```
 * peakEwma      load = (in flight / size + 1) x peak EWMA of the time to the response head
 * leastRequest  load = (in flight / size + 1) x penalty for recent failures
 * ```
 * - `size` is the share of the endpoint (shares.ts). An endpoint of size 3 is drawn as three servers of size 1 would be,
 *   so both draws may meet it; with equal sizes two different endpoints are drawn. Dividing `in flight + 1` as a whole
 *   by the weight instead would starve small endpoints while traffic is light: 0 would be sent to the lighter of 3 : 1.
 * - Equal loads: the first draw wins, so idle endpoints get exactly their shares.
 * - Two draws instead of a scan for the least: O(1), and workers that do not see one another's requests do not all run
 *   to the same idle endpoint. With n endpoints the fullest queue is O(log log n).
 * Source: Mitzenmacher (2001), "The power of two choices in randomized load balancing"; Finagle `PeakEwma`.
 */

import type { Random } from '../../../lib/random.ts';
import type { Endpoint } from '../endpoint.ts';
import { AliasTable } from './alias.ts';
import type { Shares } from './shares.ts';
import type { Targets } from './targets.ts';

const TWO_32 = 4_294_967_296;
/** Draws for a second endpoint before its neighbor is taken. */
const TRIES = 4;

export class TwoChoices implements Targets {
  readonly #shares: Shares;
  readonly #random: Random;
  readonly #alias: AliasTable;
  readonly #byLatency: boolean;

  /** @param byLatency peakEwma; false = leastRequest */
  constructor(shares: Shares, random: Random, byLatency: boolean) {
    this.#shares = shares;
    this.#random = random;
    this.#byLatency = byLatency;
    this.#alias = new AliasTable(shares.endpoints.length);
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

  pick(avoid: Endpoint | null, _userKey: number, nowMs: number): Endpoint | null {
    const shares = this.#shares;
    if (shares.isStale()) this.#refresh();
    const count = shares.count;
    if (count <= 1) return count === 0 ? null : (shares.endpoints[shares.live[0] as number] as Endpoint);
    const first = this.#draw();
    const second = this.#drawSecond(first);
    const a = shares.live[first] as number;
    const b = shares.live[second] as number;
    const one = shares.endpoints[a] as Endpoint;
    const other = shares.endpoints[b] as Endpoint;
    if (one === avoid || other === avoid) return this.#neighbor(avoid, first, second);
    if (a === b) return one;
    const sizes = shares.sizes;
    return this.#load(other, sizes[b] as number, nowMs) < this.#load(one, sizes[a] as number, nowMs) ? other : one;
  }

  #refresh(): void {
    const shares = this.#shares;
    shares.refresh();
    if (!shares.isEven) this.#alias.build(shares.live, shares.count, shares.sizes, shares.total);
  }

  /** A place in `live`. */
  #draw(): number {
    if (!this.#shares.isEven) return this.#alias.draw(this.#random);
    return this.#random.nextUint32() % this.#shares.count;
  }

  /** Another one; the same with the chance that the second of all small servers is part of the same endpoint. */
  #drawSecond(first: number): number {
    const { count, isEven, live, sizes } = this.#shares;
    if (isEven && sizes[live[0] as number] === 1)
      return (first + 1 + (this.#random.nextUint32() % (count - 1))) % count;
    const size = sizes[live[first] as number] as number;
    for (let tries = 0; tries < TRIES; tries++) {
      const second = this.#draw();
      if (second !== first) return second;
      if ((this.#random.nextUint32() / TWO_32) * size < size - 1) return first;
    }
    return (first + 1) % count;
  }

  /** Of two places of which one is to be avoided: the other, or the next one. There are at least two. */
  #neighbor(avoid: Endpoint | null, first: number, second: number): Endpoint {
    const { count, endpoints, live } = this.#shares;
    const one = endpoints[live[first] as number] as Endpoint;
    if (one !== avoid) return one;
    const other = endpoints[live[second] as number] as Endpoint;
    return other !== avoid ? other : (endpoints[live[(first + 1) % count] as number] as Endpoint);
  }

  #load(endpoint: Endpoint, size: number, nowMs: number): number {
    return this.#byLatency ? endpoint.load(nowMs, size) : endpoint.pressure(nowMs, size);
  }
}
