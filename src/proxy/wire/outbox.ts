/**
 * Small writes of one round of the loop, sent one after another at its end. Hot path.
 *
 * A write wakes its reader if he sleeps, and a reader who is done before the next write comes sleeps again, at the writer's
 * cost. Written back to back they need half as many wake-ups (bench/README.md). What is put here is copied, so that nobody's
 * memory waits; where the kernel does not take it whole, its memory is given up to the write and another is begun: one of a
 * few in the thread's own memory, or a fresh one while all of those are given up.
 */

import { putLatin1 } from '../../lib/latin1.ts';
import { code, offsetOf, whole } from './memory/memory.ts';
import { Slabs } from './memory/slabs.ts';

/** Sent earlier than at the end of the round when it is full: that bounds how long the first one waits. */
const OUTBOX_BYTES = 16_384;
/** Longer writes are not worth a copy. */
export const SMALL_BYTES = 4096;

const PLACES = 16;
const slabs = new Slabs(PLACES, OUTBOX_BYTES);
const NOTHING = Buffer.alloc(0);

/** Who put something here. */
export interface Sender {
  /** Sends what it put here, if that was not sent before. */
  flush(): void;
}

/** One per thread. */
export class Outbox {
  /** What is put here goes to `#bytes[#used..#end)`; the outbox has what begins at `#begin`. */
  #bytes: Buffer = NOTHING;
  #begin = 0;
  #used = 0;
  #end = 0;
  /** How many writes wait that a place was given up to. */
  readonly #given = new Map<number, number>();
  /** Places that no write waits for any more, while somebody may still have to send what he put there. */
  readonly #returned = new Set<number>();
  /** The first `#count`; the list keeps its length, as a shorter one would grow anew in every round. */
  readonly #senders: (Sender | null)[] = [];
  #count = 0;
  #isDue = false;
  readonly #onRoundsEnd = (): void => {
    this.#isDue = false;
    this.flush();
  };

  /** What was put here last stands in this memory. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /**
   * Takes a copy of `bytes[from..end)`, at most `SMALL_BYTES`, and has its sender flush at the end of the round.
   * @returns where in `bytes` it stands
   */
  put(sender: Sender, bytes: Buffer, from: number, end: number): number {
    const at = this.#reserve(sender, end - from);
    const source = this.#bytes === whole ? offsetOf(bytes) : -1;
    if (source < 0) bytes.copy(this.#bytes, at, from, end);
    else code.copy(at, source + from, end - from);
    return at;
  }

  /** As `put`, of a text of Latin-1 characters. */
  putText(sender: Sender, text: string): number {
    const at = this.#reserve(sender, text.length);
    putLatin1(this.#bytes, text, at);
    return at;
  }

  /** Has a sender flush at the end of the round that keeps what it sends in memory of its own. */
  join(sender: Sender): void {
    if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(this.#onRoundsEnd);
    }
    this.#senders[this.#count++] = sender;
  }

  /** Has everybody send now. */
  flush(): void {
    const senders = this.#senders;
    for (let i = 0; i < this.#count; i++) {
      (senders[i] as Sender).flush();
      senders[i] = null;
    }
    this.#count = 0;
    this.#used = this.#begin;
    if (this.#returned.size === 0) return;
    for (const place of this.#returned) slabs.give(place);
    this.#returned.clear();
  }

  /**
   * A write waits for what was put there from `at` on: nothing is put into this memory any more, until all writes that it was
   * given up to are done.
   */
  giveUp(bytes: Buffer, at: number): void {
    const place = bytes === whole ? slabs.slabOf(at) : -1;
    if (place >= 0) {
      this.#given.set(place, (this.#given.get(place) ?? 0) + 1);
      this.#returned.delete(place);
    }
    if (bytes !== this.#bytes || (place >= 0 && place !== this.#begin)) return;
    this.#bytes = NOTHING;
    this.#begin = 0;
    this.#used = 0;
    this.#end = 0;
  }

  /** A write of these bytes waited, and is done. */
  takeBack(bytes: Uint8Array): void {
    if (bytes.buffer !== whole.buffer) return;
    const place = slabs.slabOf(bytes.byteOffset);
    const count = this.#given.get(place);
    if (count === undefined) return;
    if (count > 1) {
      this.#given.set(place, count - 1);
      return;
    }
    this.#given.delete(place);
    if (this.#count > 0) this.#returned.add(place);
    else slabs.give(place);
  }

  #reserve(sender: Sender, length: number): number {
    if (this.#used + length > this.#end && this.#bytes !== NOTHING) this.flush();
    if (this.#used === this.#begin && this.#bytes !== whole) this.#settle();
    const at = this.#used;
    this.#used += length;
    this.join(sender);
    return at;
  }

  /** Nothing stands here: a place in the thread's memory, if there is one. */
  #settle(): void {
    const place = slabs.take();
    if (place < 0 && this.#bytes !== NOTHING) return;
    this.#bytes = place < 0 ? Buffer.allocUnsafeSlow(OUTBOX_BYTES) : whole;
    this.#begin = Math.max(place, 0);
    this.#used = this.#begin;
    this.#end = this.#begin + OUTBOX_BYTES;
  }
}
