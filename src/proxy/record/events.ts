/**
 * Writes bad events to the ring of a worker's tallies, from which the main thread takes them for the decision log.
 */

import { EVENT, EVENT_WORDS, EVENTS_HEAD, EVENTS_HEAD_WORDS, EVENTS_MAX, type Tallies } from '../../model/tallies.ts';
import type { Exchange } from '../exchange.ts';
import { idWords } from '../header/fresh.ts';

/** Adds the exchange, which was bad for the version of this cell; where the ring is full, counts it as lost. */
export function writeEvent(tallies: Tallies, x: Exchange, cell: number): void {
  const { events, eventFloats } = tallies;
  const written = Atomics.load(events, EVENTS_HEAD.written);
  if (((written - Atomics.load(events, EVENTS_HEAD.read)) | 0) >= EVENTS_MAX) {
    Atomics.add(events, EVENTS_HEAD.lost, 1);
    return;
  }
  const base = EVENTS_HEAD_WORDS + (written & (EVENTS_MAX - 1)) * EVENT_WORDS;
  eventFloats[(base + EVENT.atMs) >> 1] = x.endedAtMs;
  events[base + EVENT.cell] = cell;
  events[base + EVENT.user] = x.userKey | 0;
  events[base + EVENT.endpoint] = x.endpoint === null ? -1 : x.endpoint.id;
  events[base + EVENT.outcome] = (x.reason << 16) | x.status;
  events.set(idWords(x.requestId), base + EVENT.requestId);
  Atomics.store(events, EVENTS_HEAD.written, written + 1);
}
