/**
 * What a client connection has received and not yet understood. Hot path.
 *
 * Bytes are read into memory that all connections of a worker share. What is understood at once, as nearly everything
 * is, is looked at there; what must wait for more is copied out before the next connection reads. Memory of its own
 * doubles when it is full, so that what trickles in is copied a bounded number of times per byte.
 */

import { CR, LF } from './chars.ts';

export class Input {
  readonly #shared: Buffer;
  /** What is left is `bytes[from..end)`. */
  bytes: Buffer;
  from = 0;
  end = 0;

  /** @param shared the memory that is read into. */
  constructor(shared: Buffer) {
    this.#shared = shared;
    this.bytes = shared;
  }

  get isEmpty(): boolean {
    return this.from === this.end;
  }

  get length(): number {
    return this.end - this.from;
  }

  /** Takes in what was read: `count` bytes at the beginning of the shared memory. */
  take(count: number): void {
    if (this.isEmpty) {
      this.bytes = this.#shared;
      this.from = 0;
      this.end = count;
      return;
    }
    if (this.end + count > this.bytes.length) this.#grow(2 * (this.length + count));
    this.end += this.#shared.copy(this.bytes, this.end, 0, count);
  }

  /** May the `count` bytes that were taken last have ended a line, or shown that a CR stands alone? */
  mayEndLine(count: number): boolean {
    return mayEndLine(this.bytes, this.end - count, this.end);
  }

  /** Copies what is left out of the shared memory, which the next read overwrites. */
  keep(): void {
    if (this.isEmpty) this.clear();
    else if (this.bytes === this.#shared) this.#grow(this.length);
  }

  clear(): void {
    this.bytes = this.#shared;
    this.from = 0;
    this.end = 0;
  }

  /** Moves what is left into fresh memory: what was understood may still be referred to where it stands. */
  #grow(byteCount: number): void {
    const bytes = Buffer.allocUnsafe(byteCount);
    this.end = this.bytes.copy(bytes, 0, this.from, this.end);
    this.bytes = bytes;
    this.from = 0;
  }
}

/**
 * May `bytes[from..end)` have ended a line, or shown that a CR stands alone, perhaps that before them? Nothing else is worth
 * another look at a head that was not complete.
 */
export function mayEndLine(bytes: Buffer, from: number, end: number): boolean {
  if (bytes[from - 1] === CR) return true;
  const part = bytes.subarray(from, end);
  return part.includes(CR) || part.includes(LF);
}
