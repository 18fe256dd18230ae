/**
 * A probe: the one attempt that a worker makes at an endpoint which is half-open, and what it reports of it. Hot path.
 *
 * The main thread offers it (model/threads/load/capacity.ts), a worker's shares take the offer for an exchange, and the endpoint
 * remembers whose attempt it is: others that are under way there began before the ejection, or in a panic, and say nothing.
 * Cost: asked only where an endpoint has a probe; a report is one store.
 */

import type { Effect } from '../../../model/reason.ts';
import { PROBE_RESULT } from '../../../model/threads/load/capacity.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Endpoint } from '../endpoint.ts';

export interface EndpointProbe {
  /** The exchange whose attempt it is. */
  readonly by: object;
  readonly number: number;
  /** Its answer has begun: where it does not end for long, another probe may take its place. */
  isAnswered: boolean;
}

/** The response head of an exchange is there, below 500. */
export function probeAnswered(endpoint: Endpoint, by: object, recorder: Recorder): void {
  const { probe } = endpoint;
  if (probe === null || probe.by !== by) return;
  probe.isAnswered = true;
  recorder.probed(endpoint.id, probe.number, PROBE_RESULT.answered);
}

/** The attempt of an exchange is over. @param effect what it says about the endpoint. */
export function probeEnded(endpoint: Endpoint, by: object, effect: Effect, recorder: Recorder): void {
  const { probe } = endpoint;
  if (probe === null || probe.by !== by) return;
  endpoint.probe = null;
  recorder.probed(endpoint.id, probe.number, effect === 'ignore' ? PROBE_RESULT.ignored : PROBE_RESULT[effect]);
}
