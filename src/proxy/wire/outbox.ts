/**
 * Small writes of one round of the loop, sent one after another at its end. Hot path.
 *
 * A write wakes its reader if he sleeps, and a reader who is done before the next write comes sleeps again, at the writer's
 * cost. Written back to back they need half as many wake-ups (bench/README.md). What is put here is copied, so that nobody's
 * memory waits; where the kernel does not take it whole, its memory is given up to the write and another is begun.
 */

import { putLatin1 } from '../../lib/latin1.ts';

/** Sent earlier than at the end of the round when it is full: that bounds how long the first one waits. */
const OUTBOX_BYTES = 16_384;
/** Longer writes are not worth a copy. */
export const SMALL_BYTES = 4096;

/** Who put something here. */
export interface Sender {
  /** Sends what it put here, if that was not sent before. */
  flush(): void;
}

/** One per thread. */
export class Outbox {
  #bytes = Buffer.allocUnsafeSlow(OUTBOX_BYTES);
  #used = 0;
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
    bytes.copy(this.#bytes, at, from, end);
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
    this.#used = 0;
  }

  /** Some of `bytes` is still being sent: nothing is put there any more. */
  giveUp(bytes: Buffer): void {
    if (bytes !== this.#bytes) return;
    this.#bytes = Buffer.allocUnsafeSlow(OUTBOX_BYTES);
    this.#used = 0;
  }

  #reserve(sender: Sender, length: number): number {
    if (this.#used + length > OUTBOX_BYTES) this.flush();
    const at = this.#used;
    this.#used += length;
    this.join(sender);
    return at;
  }
}
