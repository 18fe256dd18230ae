/**
 * Faults that are injected on purpose: which one meets a request, and how long it is held.
 *
 * Only requests of routes with faults come here. A fault that the main thread did not say is on, or whose end is over
 * whatever the main thread says, meets nobody. Of several that match the first decides.
 */

import { turnMs } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { DELAY_MS_MAX, type FaultConfig, type FaultDelay } from '../../model/threads/faults.ts';
import type { Exchange } from '../exchange.ts';
import { FIELD, type NameTable } from '../http1/fields/names.ts';

/** A fault with its header's id; `FIELD.unknown` without one. */
export interface LinkedFault extends FaultConfig {
  readonly headerField: number;
}

/** Links the faults of a route; null without any. */
export function linkFaults(
  faults: readonly FaultConfig[] | undefined,
  names: NameTable,
): readonly LinkedFault[] | null {
  if (faults === undefined) return null;
  return faults.map((fault) => {
    const { header } = fault.match;
    return { ...fault, headerField: header === null ? FIELD.unknown : names.idOf(header.name) };
  });
}

/**
 * The fault that meets an exchange, or null. To be asked while the request's head is the one that the table's parser holds, which
 * it is until the read that brought it is dealt with.
 */
export function faultOf(x: Exchange, faults: readonly LinkedFault[]): LinkedFault | null {
  for (const fault of faults) {
    if (!isOn(x, fault) || !meets(x, fault)) continue;
    return x.client.lane.random.nextFloat() < fault.ratio ? fault : null;
  }
  return null;
}

/** Did the main thread say that a fault is on, and is its end still to come? */
export function isOn(x: Exchange, { id }: LinkedFault): boolean {
  const untilMs = x.client.lane.faults.get(id);
  return untilMs !== undefined && turnMs() < untilMs;
}

function meets(x: Exchange, { match, headerField }: LinkedFault): boolean {
  const { version, color, header } = match;
  if (version !== null && x.split?.version !== version) return false;
  if (color !== null && !(x.isPinned && x.route?.byColor.get(color) === x.split)) return false;
  return header === null || x.table.requestHead.fields.value(headerField) === header.value;
}

/** How long an exchange is held, in whole ms; 0 = not at all. */
export function delayMsOf(delay: FaultDelay | null, random: Random): number {
  if (delay === null) return 0;
  if (delay.distribution === 'fixed') return delay.ms;
  return Math.min(DELAY_MS_MAX, Math.round(-Math.log(1 - random.nextFloat()) * delay.ms));
}
