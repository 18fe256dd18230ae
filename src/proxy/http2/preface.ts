/**
 * Tells by a plain connection's first bytes whether its client speaks HTTP/2 (prior knowledge), and hands it on.
 *
 * No request of HTTP/1.1 begins like HTTP/2's preface, so that nobody is asked to upgrade. Listeners that speak HTTP/1.1 only
 * never come here.
 * Source: RFC 9113 sections 3.3, 3.4.
 */

import { nowMs, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import type { Caller, ConnectionEvents } from '../http1/client-terms.ts';
import type { Lane } from '../lane.ts';
import type { WireHandle } from '../wire/binding.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { PREFACE } from './frames.ts';

const PREFACE_BYTES = Buffer.from(PREFACE, 'latin1');
/** While draining: how long a connection that was just accepted may take to say what it speaks. */
const FIRST_BYTES_MS = 500;

/** A connection that reads from the worker's memory. */
type Reader = Pick<WireOwner, 'received'>;

export interface PrefaceEvents extends ConnectionEvents {
  /** @returns who has the connection from now on. */
  told(handle: WireHandle, isHttp2: boolean): Reader;
}

export class PrefaceReader implements Caller, Timed, WireOwner {
  deadlineAtMs: number;
  slot = -1;
  place = -1;
  readonly #lane: Lane;
  readonly #events: PrefaceEvents;
  readonly #wire: Wire;
  /** Bytes of the preface that are here. */
  #have = 0;
  #isOver = false;

  constructor(handle: WireHandle, lane: Lane, events: PrefaceEvents) {
    this.#lane = lane;
    this.#events = events;
    this.deadlineAtMs = turnMs() + lane.table.timeouts.headMs;
    lane.deadlines.add(this);
    // Room for what was held back.
    this.#wire = new Wire(handle, lane.readBuffer.subarray(0, -PREFACE_BYTES.length), this);
  }

  received(count: number): void {
    const { readBuffer } = this.#lane;
    const upTo = Math.min(count, PREFACE_BYTES.length - this.#have);
    const isSame = readBuffer.compare(PREFACE_BYTES, this.#have, this.#have + upTo, 0, upTo) === 0;
    if (isSame && this.#have + upTo < PREFACE_BYTES.length) {
      this.#have += upTo;
      return;
    }
    // What was held back comes first, as if it had just been read.
    readBuffer.copyWithin(this.#have, 0, count);
    PREFACE_BYTES.copy(readBuffer, 0, 0, this.#have);
    const handle = this.#wire.release();
    // The new one is there before this one is gone, so that nobody counts none.
    const reader = handle === null ? null : this.#events.told(handle, isSame);
    if (reader === null) this.#wire.close();
    this.#leave();
    reader?.received(this.#have + count);
  }

  ended(): void {
    this.destroy();
  }

  broken(): void {
    this.destroy();
  }

  flushed(): void {}

  expire(): void {
    this.destroy();
  }

  drain(): void {
    this.deadlineAtMs = Math.min(this.deadlineAtMs, nowMs() + FIRST_BYTES_MS);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#wire.close();
    this.#leave();
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lane.deadlines.remove(this);
    this.#events.closed(this);
  }
}
