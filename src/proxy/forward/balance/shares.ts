/**
 * Who of a version's endpoints takes part now, and with how large a share: weight times capacity. Hot path.
 *
 * A share is counted in units of the version's smallest weight: an endpoint of weight 30 beside one of weight 10 stands
 * for three small servers. Capacities come from the endpoint dials; a capacity of 0 leaves the endpoint out. When that
 * leaves nobody the version panics and uses all of them by weight: an endpoint that may be dead is better than a
 * certain refusal, and somebody must find out that it came back.
 * Source: Envoy, "panic threshold"; docs/ARCHITECTURE.md "Endpoints".
 * Cost: one atomic load per pick; O(endpoints) after a capacity moved, allocates nothing.
 */

import { CAPACITY_CHANGES, CAPACITY_FULL } from '../../../model/threads/load/capacity.ts';
import type { Endpoint } from '../endpoint.ts';

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
    this.#take(false);
    if (this.count > 0 || this.endpoints.length === 0) return;
    this.isPanicking = true;
    this.#take(true);
  }

  #take(isEverybodyIn: boolean): void {
    let count = 0;
    let total = 0;
    let isEven = true;
    for (let i = 0; i < this.endpoints.length; i++) {
      const endpoint = this.endpoints[i] as Endpoint;
      const capacity = Atomics.load(this.#capacities, endpoint.id);
      endpoint.setOut(capacity === 0);
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
