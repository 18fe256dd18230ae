/**
 * The thresholds of the rollouts, in shared memory: what the main thread freezes, every worker counts by from then on.
 *
 * Layout and protocol: `model/latency.ts`. No unit counts until thresholds are stored.
 */

import assert from 'node:assert/strict';
import {
  LATENCY_DIAL,
  LATENCY_DIAL_WORDS,
  LATENCY_DIALS_BYTES,
  LATENCY_THRESHOLDS,
  type LatencyDial,
} from '../model/latency.ts';
import { UNITS_MAX } from '../model/tallies.ts';

/** The thresholds; `dials.buffer` is what a worker is given. */
export type LatencyDials = Float64Array<SharedArrayBuffer>;

/** No unit counts. */
export function createLatencyDials(): LatencyDials {
  const dials = new Float64Array(new SharedArrayBuffer(LATENCY_DIALS_BYTES));
  for (let unit = 0; unit < UNITS_MAX; unit++) setLatency(dials, unit, null);
  return dials;
}

/** Sets the thresholds of a unit slot; null: nothing counts. */
export function setLatency(dials: LatencyDials, unit: number, dial: LatencyDial | null): void {
  assert(Number.isInteger(unit) && unit >= 0 && unit < UNITS_MAX, `there is no unit ${unit}`);
  const base = unit * LATENCY_DIAL_WORDS;
  dials[base + LATENCY_DIAL.since] = Number.POSITIVE_INFINITY;
  if (dial === null) return;
  for (let k = 0; k < LATENCY_THRESHOLDS; k++) {
    dials[base + LATENCY_DIAL.atEnd + k] = dial.atEndMs[k] as number;
    dials[base + LATENCY_DIAL.inFlight + k] = dial.inFlightMs[k] as number;
  }
  dials[base + LATENCY_DIAL.since] = dial.sinceMs;
}
