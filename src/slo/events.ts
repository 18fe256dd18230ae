/**
 * Takes the bad events out of the workers' rings, as plain objects.
 *
 * One ring per worker, one writer, one reader. The writer fills an entry and then raises `written`; the reader copies
 * entries and then raises `read`; both count modulo 2^32. A full ring drops the newest event and counts it in `lost`.
 *
 * ```
 *          read = 5            written = 8
 *             v                     v
 *   . . . . . [5] [6] [7] . . . . . . . .      entry n lies at n mod EVENTS_MAX
 * ```
 */

import type { Reason } from '../model/reason.ts';
import {
  deltaOf,
  EVENT,
  EVENT_WORDS,
  EVENTS_HEAD,
  EVENTS_HEAD_WORDS,
  EVENTS_MAX,
  type Tallies,
} from '../model/tallies.ts';
import { type Region, RegionRoll } from './regions.ts';

/** One exchange that was bad for its version. */
export interface BadEvent {
  /** End of the exchange, on the process's monotonic clock. */
  readonly atMs: number;
  /** Cell of route x version. */
  readonly cell: number;
  /** Hash of the user key. */
  readonly user: number;
  /** Slot of the endpoint, or -1 when none was reached. */
  readonly endpoint: number;
  readonly reason: Reason;
  /** Response status, 0 when none was given. */
  readonly status: number;
  /** 32 hex digits, or empty when the request id was not of that form. */
  readonly requestId: string;
}

export class EventReader {
  readonly #roll = new RegionRoll();
  /** `lost` of each region at the last reading. */
  readonly #lastLost = new Map<number, number>();
  #lost = 0;

  /** Events dropped by full rings since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Everything that is waiting, in each worker's order. At most EVENTS_MAX per region. */
  drain(current: readonly Region[]): BadEvent[] {
    const events: BadEvent[] = [];
    const regions = this.#roll.turn(current);
    for (const region of regions) {
      this.#countLost(region);
      drainRing(region.tallies, events);
    }
    if (this.#lastLost.size > current.length) {
      for (const id of this.#lastLost.keys())
        if (!current.some((region) => region.id === id)) this.#lastLost.delete(id);
    }
    return events;
  }

  #countLost({ id, tallies }: Region): void {
    const lost = Atomics.load(tallies.events, EVENTS_HEAD.lost);
    this.#lost += deltaOf(lost, this.#lastLost.get(id) ?? 0);
    this.#lastLost.set(id, lost);
  }
}

function drainRing(tallies: Tallies, events: BadEvent[]): void {
  const words = tallies.events;
  const written = Atomics.load(words, EVENTS_HEAD.written);
  const read = Atomics.load(words, EVENTS_HEAD.read);
  const waiting = deltaOf(written, read);
  for (let n = 0; n < waiting; n++) events.push(eventAt(tallies, (read + n) & (EVENTS_MAX - 1)));
  Atomics.store(words, EVENTS_HEAD.read, written);
}

function eventAt({ events, eventFloats }: Tallies, entry: number): BadEvent {
  const base = EVENTS_HEAD_WORDS + entry * EVENT_WORDS;
  const outcome = events[base + EVENT.outcome] as number;
  return {
    atMs: eventFloats[(base + EVENT.atMs) >> 1] as number,
    cell: events[base + EVENT.cell] as number,
    user: (events[base + EVENT.user] as number) >>> 0,
    endpoint: events[base + EVENT.endpoint] as number,
    reason: (outcome >>> 16) as Reason,
    status: outcome & 0xffff,
    requestId: requestIdAt(events, base + EVENT.requestId),
  };
}

const idBytes = Buffer.alloc(16);

function requestIdAt(words: Int32Array, at: number): string {
  let any = 0;
  for (let n = 0; n < 4; n++) {
    const word = words[at + n] as number;
    any |= word;
    idBytes.writeInt32BE(word, 4 * n);
  }
  return any === 0 ? '' : idBytes.toString('hex');
}
