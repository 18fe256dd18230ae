/**
 * The capacities of the endpoints, in shared memory: what the main thread stores, every worker obeys at its next attempt.
 *
 * Layout and protocol: `model/threads/load/capacity.ts`. Every endpoint has its full share until something is stored.
 */

import assert from 'node:assert/strict';
import { CAPACITY_CHANGES, CAPACITY_FULL, ENDPOINT_DIALS_WORDS } from '../model/threads/load/capacity.ts';

/** The capacities; `dials.buffer` is what a worker is given. */
export type EndpointDials = Int32Array<SharedArrayBuffer>;

/** Every endpoint at its full share. */
export function createEndpointDials(): EndpointDials {
  const dials = new Int32Array(new SharedArrayBuffer(ENDPOINT_DIALS_WORDS * Int32Array.BYTES_PER_ELEMENT));
  return dials.fill(CAPACITY_FULL, 0, CAPACITY_CHANGES);
}

/** Sets an endpoint's capacity, in per mille 0..1000. Storing what is there already wakes no worker. */
export function setCapacity(dials: EndpointDials, endpoint: number, capacity: number): void {
  assert(Number.isInteger(capacity) && capacity >= 0 && capacity <= CAPACITY_FULL, `no capacity: ${capacity}`);
  assert(
    Number.isInteger(endpoint) && endpoint >= 0 && endpoint < CAPACITY_CHANGES,
    `there is no endpoint ${endpoint}`,
  );
  if (Atomics.exchange(dials, endpoint, capacity) !== capacity) Atomics.add(dials, CAPACITY_CHANGES, 1);
}
