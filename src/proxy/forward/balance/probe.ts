/**
 * A probe: an attempt that a worker makes at an endpoint which is half-open, and what it reports of it. Hot path.
 *
 * The main thread offers it (model/threads/load/capacity.ts), a worker's shares take the offer for an exchange, and the endpoint
 * remembers whose attempt it is: others that are under way there began before the ejection, or in a panic, and say nothing.
 * A worker has several where the main thread gave one up and offered the next, or began another trial: each reports by its number.
 * Cost: asked only where an endpoint has a probe; a report is one store.
 */

import type { Effect } from '../../../model/reason.ts';
import { PROBE_RESULT } from '../../../model/threads/load/capacity.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Endpoint } from '../endpoint.ts';

/** Numbers of the probes of one endpoint that this worker has under way, by the exchanges whose attempts they are. */
export type EndpointProbes = Map<object, number>;

/** The next attempt of an exchange is a probe of the endpoint. */
export function beginProbe(endpoint: Endpoint, by: object, number: number): void {
  endpoint.probes ??= new Map();
  endpoint.probes.set(by, number);
}

/** The response head of an exchange is there, below 500. */
export function probeAnswered(endpoint: Endpoint, by: object, recorder: Recorder): void {
  const number = endpoint.probes?.get(by);
  if (number !== undefined) recorder.probed(endpoint.id, number, PROBE_RESULT.answered);
}

/** The attempt of an exchange is over. @param effect what it says about the endpoint. */
export function probeEnded(endpoint: Endpoint, by: object, effect: Effect, recorder: Recorder): void {
  const { probes } = endpoint;
  const number = probes?.get(by);
  if (probes === null || number === undefined) return;
  probes.delete(by);
  if (probes.size === 0) endpoint.probes = null;
  recorder.probed(endpoint.id, number, effect === 'ignore' ? PROBE_RESULT.ignored : PROBE_RESULT[effect]);
}
