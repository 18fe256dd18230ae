/**
 * The capacities of the endpoints and offers of probes, in shared memory: what the main thread stores, every worker obeys at its
 * next attempt.
 *
 * Layout and protocol: `model/threads/load/capacity.ts`. Every endpoint has its full share until something is stored.
 */

import assert from 'node:assert/strict';
import { CAPACITY_CHANGES, CAPACITY_FULL, ENDPOINT_DIALS_WORDS, PROBE_OFFERS } from '../model/threads/load/capacity.ts';

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
  assertEndpoint(endpoint);
  if (Atomics.exchange(dials, endpoint, capacity) !== capacity) Atomics.add(dials, CAPACITY_CHANGES, 1);
}

/** Offers a probe of an endpoint that is out, in place of one that nobody took. @param number of the probe; 0 takes the offer back */
export function offerProbe(dials: EndpointDials, endpoint: number, number: number): void {
  assertEndpoint(endpoint);
  Atomics.store(dials, PROBE_OFFERS + endpoint, number);
  if (number !== 0) Atomics.add(dials, CAPACITY_CHANGES, 1);
}

/** Whether nobody has taken the offer yet. */
export function isProbeOffered(dials: EndpointDials, endpoint: number): boolean {
  return Atomics.load(dials, PROBE_OFFERS + endpoint) !== 0;
}

function assertEndpoint(endpoint: number): void {
  assert(
    Number.isInteger(endpoint) && endpoint >= 0 && endpoint < CAPACITY_CHANGES,
    `there is no endpoint ${endpoint}`,
  );
}
