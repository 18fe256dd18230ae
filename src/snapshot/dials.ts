/**
 * The live weights, in shared memory: a rollback is one store here, and every worker obeys it at its next request.
 *
 * ```
 * Int32Array over a SharedArrayBuffer of DIALS_MAX words; word `dial` = weight of one version on one route, 0..10^6
 * ```
 * Written by the main thread alone, with Atomics.store; read by the workers with Atomics.load. A dial is reached
 * through `SplitSpec.dial` of a snapshot, and is set before the first snapshot that names it goes out.
 */

import assert from 'node:assert/strict';
import { DIALS_MAX } from '../model/tallies.ts';

/** The weights; `dials.buffer` is what a worker is given. */
export type Dials = Int32Array<SharedArrayBuffer>;

/** All dials at 0. */
export function createDials(): Dials {
  return new Int32Array(new SharedArrayBuffer(DIALS_MAX * Int32Array.BYTES_PER_ELEMENT));
}

/** Sets a dial and returns what it was. `weight`: an integer from 0 to 2^31-1. */
export function setDial(dials: Dials, dial: number, weight: number): number {
  assert(Number.isInteger(weight) && weight >= 0 && weight < 2 ** 31, `a weight cannot be ${weight}`);
  assert(Number.isInteger(dial) && dial >= 0 && dial < dials.length, `there is no dial ${dial}`);
  return Atomics.exchange(dials, dial, weight);
}

/** The weight in force. */
export function getDial(dials: Dials, dial: number): number {
  assert(Number.isInteger(dial) && dial >= 0 && dial < dials.length, `there is no dial ${dial}`);
  return Atomics.load(dials, dial);
}
