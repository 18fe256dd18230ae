/**
 * What a client connection has received and not yet understood. Hot path.
 *
 * Bytes are read into memory that all connections of a worker share. What is understood at once, as nearly everything
 * is, is looked at there; what must wait for more is copied out before the next connection reads. What trickles in
 * doubles its memory when it is full, so that it is copied a bounded number of times per byte.
 *
 * A large body is read into memory of its own, with room around it, so that it can be sent on from where it stands:
 * ```
 * shared ─claim─▸ own, from the next read on ─release─▸ shared, from the next read on; the memory goes back to the pool
 *                                                       once nothing reads into it and nothing is sent from it
 * ```
 */

import { mayEndLine } from './chars.ts';
import { type RelayMemory, type RelayPool, UPLOAD_READ_BYTES } from './relay.ts';

/** Fewer bytes are copied sooner than memory of 138 KiB is given out, which a slow client would hold for long. */
const CLAIM_BYTES_MIN = 16_384;

export class Input {
  readonly #shared: Buffer;
  readonly #pool: RelayPool;
  /** What is left is `bytes[from..end)`. */
  bytes: Buffer;
  from = 0;
  end = 0;
  #own: RelayMemory | null = null;
  /** The next read shall go there. */
  #isWanted = false;
  /** Reads go there. */
  #isReadInto = false;
  /** Somebody sends from there. */
  #isLent = false;

  /** @param shared the memory that is read into. @param pool where memory of its own comes from. */
  constructor(shared: Buffer, pool: RelayPool) {
    this.#shared = shared;
    this.#pool = pool;
    this.bytes = shared;
  }

  get isEmpty(): boolean {
    return this.from === this.end;
  }

  get length(): number {
    return this.end - this.from;
  }

  /** What is left. */
  get rest(): Buffer {
    return this.bytes.subarray(this.from, this.end);
  }

  /** Takes in what was read: `count` bytes at the beginning of the memory that is read into. */
  take(count: number): void {
    const own = this.#isReadInto ? (this.#own as RelayMemory) : null;
    const bytes = own === null ? this.#shared : own.bytes;
    const start = own === null ? 0 : own.start;
    if (this.isEmpty) {
      this.bytes = bytes;
      this.from = start;
      this.end = start + count;
      return;
    }
    if (this.end + count > this.bytes.length) this.#grow(2 * (this.length + count));
    this.end += bytes.copy(this.bytes, this.end, start, start + count);
  }

  /** May the `count` bytes that were taken last have ended a line, or shown that a CR stands alone? */
  mayEndLine(count: number): boolean {
    return mayEndLine(this.bytes, this.end - count, this.end);
  }

  /** Copies what is left out of memory that is not its alone, which the next read overwrites. */
  keep(): void {
    if (this.isEmpty) this.clear();
    else if (this.bytes === this.#shared || this.#isOwn) this.#grow(this.length);
  }

  clear(): void {
    this.bytes = this.#shared;
    this.from = 0;
    this.end = 0;
  }

  /** To be called when a read is dealt with. @returns the memory that the next one goes into. */
  turn(): Buffer {
    this.#isReadInto = this.#isWanted;
    if (this.#isReadInto) return (this.#own as RelayMemory).readable;
    this.#giveBack();
    return this.#shared;
  }

  /**
   * Sees to it that what is left stands in memory of its own, to be sent from there.
   * @returns false when it does not: it is too little to be worth it.
   */
  claim(): boolean {
    if (this.#isOwn) return true;
    const { length } = this;
    if (length < CLAIM_BYTES_MIN || length > UPLOAD_READ_BYTES) return false;
    this.#own ??= this.#pool.take();
    const { bytes, start } = this.#own;
    this.bytes.copy(bytes, start, this.from, this.end);
    this.bytes = bytes;
    this.from = start;
    this.end = start + length;
    this.#isWanted = true;
    return true;
  }

  /** Takes whether its own memory is being sent from: until it is not, nothing may be read into it. */
  lend(isLent: boolean): void {
    this.#isLent = isLent;
    if (!isLent) this.#giveBack();
  }

  /** Needs no memory of its own any more: the body is complete. */
  release(): void {
    this.#isWanted = false;
    this.#giveBack();
  }

  /**
   * The exchange is over, and nobody will say any more whether memory is being sent from. An incomplete body's is not: its
   * upstream is closed. A complete one's may be, and is then left to whoever sends it.
   */
  abandon(): void {
    if (this.#isLent && !this.#isReadInto) this.#own = null;
    this.#isLent = false;
    this.release();
  }

  get #isOwn(): boolean {
    return this.#own !== null && this.bytes === this.#own.bytes;
  }

  #giveBack(): void {
    if (this.#own === null || this.#isWanted || this.#isReadInto || this.#isLent) return;
    this.#pool.give(this.#own);
    this.#own = null;
  }

  /** Moves what is left into fresh memory: what was understood may still be referred to where it stands. */
  #grow(byteCount: number): void {
    const bytes = Buffer.allocUnsafe(byteCount);
    this.end = this.bytes.copy(bytes, 0, this.from, this.end);
    this.bytes = bytes;
    this.from = 0;
  }
}
