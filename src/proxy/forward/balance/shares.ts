/**
 * Who of a version's endpoints takes part now, and with how large a share: weight times capacity. Hot path.
 *
 * A share is counted in units of the version's smallest weight: an endpoint of weight 30 beside one of weight 10 stands
 * for three small servers. Capacities come from the endpoint dials; a capacity of 0 leaves the endpoint out. When that
 * leaves nobody the version panics and uses all of them by weight: an endpoint that may be dead is better than a
 * certain refusal, and somebody must find out that it came back.
 *
 * An endpoint that is half-open has a capacity of 0, and now and then an offer of a probe beside it: one request may go there.
 * Source: Envoy, "panic threshold"; docs/ARCHITECTURE.md "Endpoints".
 * Cost: one atomic load and one comparison per pick; O(endpoints) after a capacity moved; allocates nothing but probes.
 */

import { CAPACITY_CHANGES, CAPACITY_FULL, PROBE_OFFERS } from '../../../model/threads/load/capacity.ts';
import type { Endpoint } from '../endpoint.ts';
import { beginProbe } from './probe.ts';

export class Shares {
  readonly endpoints: readonly Endpoint[];
  /** Share by the endpoint's place in `endpoints`; 0 = left out. */
  readonly sizes: Float64Array;
  /** Share of each with its full capacity. */
  readonly fullSizes: Float64Array;
  /** Places of those that take part; the first `count` words. */
  readonly live: Int32Array;
  count = 0;
  /** Sum of `sizes`. */
  total = 0;
  /** All that take part have the same share. */
  isEven = true;
  /** Every endpoint is out, so all are used. */
  isPanicking = false;
  readonly #capacities: Int32Array;
  #changes = 0;
  /** A probe of somebody may be on offer. */
  #hasOffers = false;

  /** @param weights relative, in the order of `endpoints`. @param capacities the endpoint dials */
  constructor(endpoints: readonly Endpoint[], weights: readonly number[], capacities: Int32Array) {
    let unit = Number.POSITIVE_INFINITY;
    for (const weight of weights) unit = Math.min(unit, weight);
    this.endpoints = endpoints;
    this.fullSizes = Float64Array.from(weights, (weight) => weight / unit);
    this.sizes = new Float64Array(endpoints.length);
    this.live = new Int32Array(endpoints.length);
    this.#capacities = capacities;
    this.refresh();
  }

  /** Whether a capacity moved since the last `refresh`; of any version's, so the answer may be a false alarm. */
  isStale(): boolean {
    return Atomics.load(this.#capacities, CAPACITY_CHANGES) !== this.#changes;
  }

  /** Takes in the capacities. `changes` is read first: what is stored meanwhile makes the shares stale again. */
  refresh(): void {
    this.#changes = Atomics.load(this.#capacities, CAPACITY_CHANGES);
    this.isPanicking = false;
    this.#hasOffers = false;
    this.#take(false);
    if (this.count > 0 || this.endpoints.length === 0) return;
    this.isPanicking = true;
    this.#take(true);
  }

  /**
   * Takes the probe of an endpoint that is half-open: the next attempt of `by` is to go there. Null when none is on offer, as
   * mostly. Of several workers one gets it. One is on offer while another is under way only when that was given up.
   */
  takeProbe(by: object): Endpoint | null {
    return this.#hasOffers ? this.#takeOffer(by) : null;
  }

  #takeOffer(by: object): Endpoint | null {
    let isLeft = false;
    for (const endpoint of this.endpoints) {
      const at = PROBE_OFFERS + endpoint.id;
      const number = Atomics.load(this.#capacities, at);
      if (number === 0) continue;
      isLeft = true;
      if (Atomics.compareExchange(this.#capacities, at, number, 0) !== number) continue;
      beginProbe(endpoint, by, number);
      return endpoint;
    }
    this.#hasOffers = isLeft;
    return null;
  }

  #take(isEverybodyIn: boolean): void {
    let count = 0;
    let total = 0;
    let isEven = true;
    for (let i = 0; i < this.endpoints.length; i++) {
      const endpoint = this.endpoints[i] as Endpoint;
      const capacity = Atomics.load(this.#capacities, endpoint.id);
      endpoint.setOut(capacity === 0);
      if (capacity === 0 && Atomics.load(this.#capacities, PROBE_OFFERS + endpoint.id) !== 0) this.#hasOffers = true;
      const size = ((this.fullSizes[i] as number) * (isEverybodyIn ? CAPACITY_FULL : capacity)) / CAPACITY_FULL;
      this.sizes[i] = size;
      if (size <= 0) continue;
      isEven &&= count === 0 || size === this.sizes[this.live[0] as number];
      this.live[count++] = i;
      total += size;
    }
    this.count = count;
    this.total = total;
    this.isEven = isEven;
  }
}
