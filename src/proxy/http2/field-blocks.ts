/**
 * Counts the fields of each header block that a client sends, so that none can be left out without a word.
 *
 * nghttp2 drops a field whose name or value may not be (CR, LF, NUL …) and goes on; a request without it is another request.
 * How many fields a block has can be told without decoding any: each is a few bits, and texts whose lengths stand before them.
 * Whoever gets fewer than there were refuses the message.
 * ```
 * 1xxxxxxx index            01xxxxxx, 0000xxxx, 0001xxxx index of the name, or 0 and the name; then the value
 * 001xxxxx size of the table, no field      a text: its length, then so many bytes
 * ```
 * Blocks are kept until their stream is over; of streams that the session has not begun so many (`WAITING_MAX`).
 * Source: RFC 7541 sections 5.1, 5.2, 6; RFC 9113 sections 6.2, 6.10, 8.2.1.
 */

import { FLAG, FRAME } from './frames.ts';

/** Of a HEADERS frame. */
const PRIORITY_BYTES = 5;
/** Most streams whose blocks wait: the session begins them in the turn that it reads them in. Those that are forgotten are refused. */
const WAITING_MAX = 1000;
/** A text that would be longer is refused by the session, whatever comes of it here. */
const LENGTH_MAX = 2 ** 31;

/** How many fields the blocks of a stream have; -1: there is none yet. */
export interface Blocks {
  head: number;
  trailer: number;
}

type Place = 'field' | 'index' | 'length' | 'longer' | 'text';

export class FieldBlocks {
  /** Of streams that have not been begun, by number, in rising order. */
  readonly #waiting = new Map<number, Blocks>();
  readonly #begun = new Map<number, Blocks>();
  /** Highest stream that has had a block. */
  #last = 0;
  /** Of the block that is being read. */
  #streamId = 0;
  #count = 0;
  #place: Place = 'field';
  /** Texts of the field that are still to come. */
  #texts = 0;
  #length = 0;
  #scale = 1;
  /** Of the frame that is being read: bytes before the block's part of it, of that part, and whether the block ends with it. */
  #before = 0;
  #isPadded = false;
  #inside = 0;
  #isLast = false;

  /** Streams that something is known of. */
  get size(): number {
    return this.#waiting.size + this.#begun.size;
  }

  /** A frame of the client's begins: of those that carry blocks all bytes are to be given to `take`. */
  frame(type: number, flags: number, length: number, streamId: number): void {
    const isFirst = type === FRAME.headers;
    if (isFirst) {
      this.#streamId = streamId;
      this.#count = 0;
      this.#place = 'field';
    }
    this.#isPadded = isFirst && (flags & FLAG.padded) !== 0;
    this.#before = (this.#isPadded ? 1 : 0) + (isFirst && (flags & FLAG.priority) !== 0 ? PRIORITY_BYTES : 0);
    this.#inside = length - this.#before;
    this.#isLast = (flags & FLAG.endHeaders) !== 0;
    if (length === 0) this.#frameEnds();
  }

  /** Some of the bytes behind a frame's header. @param left how many more there are of it */
  take(bytes: Uint8Array, from: number, end: number, left: number): void {
    let at = from;
    for (; at < end && this.#before > 0; at++, this.#before--) {
      if (!this.#isPadded) continue;
      this.#isPadded = false;
      this.#inside -= bytes[at] as number;
    }
    const until = Math.min(end, at + Math.max(0, this.#inside));
    this.#inside -= until - at;
    this.#read(bytes, at, until);
    if (left === 0) this.#frameEnds();
  }

  /** The session begins this stream. @returns null when it has had no block, or was reset already */
  begin(streamId: number): Blocks | null {
    const blocks = this.#waiting.get(streamId) ?? null;
    // The session begins streams in their order: those before will not be.
    for (const id of this.#waiting.keys()) {
      if (id > streamId) break;
      this.#waiting.delete(id);
    }
    if (blocks !== null) this.#begun.set(streamId, blocks);
    return blocks;
  }

  /** The stream is over, or was reset before it was begun. */
  forget(streamId: number): void {
    this.#waiting.delete(streamId);
    this.#begun.delete(streamId);
  }

  #frameEnds(): void {
    if (!this.#isLast) return;
    const id = this.#streamId;
    if (id > this.#last) {
      this.#last = id;
      this.#waiting.set(id, { head: this.#count, trailer: -1 });
      if (this.#waiting.size > WAITING_MAX) this.#forgetFirst();
      return;
    }
    const blocks = this.#waiting.get(id) ?? this.#begun.get(id);
    // It is read ahead of the session: a further one, which that refuses, must not change what is said of the first.
    if (blocks !== undefined && blocks.trailer < 0) blocks.trailer = this.#count;
  }

  #forgetFirst(): void {
    for (const id of this.#waiting.keys()) {
      this.#waiting.delete(id);
      return;
    }
  }

  #read(bytes: Uint8Array, from: number, end: number): void {
    for (let at = from; at < end; ) {
      if (this.#place !== 'text') {
        this.#step(bytes[at++] as number);
        continue;
      }
      const skipped = Math.min(this.#length, end - at);
      at += skipped;
      this.#length -= skipped;
      if (this.#length === 0) this.#textEnds();
    }
  }

  #step(byte: number): void {
    switch (this.#place) {
      case 'field':
        this.#field(byte);
        break;
      case 'index':
        if (byte < 0x80) this.#indexEnds();
        break;
      case 'length':
        this.#length = byte & 0x7f;
        if (this.#length === 0x7f) {
          this.#scale = 1;
          this.#place = 'longer';
        } else this.#lengthEnds();
        break;
      default:
        this.#length = Math.min(LENGTH_MAX, this.#length + (byte & 0x7f) * this.#scale);
        this.#scale = Math.min(LENGTH_MAX, this.#scale * 0x80);
        if (byte < 0x80) this.#lengthEnds();
    }
  }

  #field(byte: number): void {
    const bits = byte >= 0x80 ? 7 : byte >= 0x40 ? 6 : byte >= 0x20 ? 5 : 4;
    const most = (1 << bits) - 1;
    const index = byte & most;
    if (bits >= 7) this.#count++;
    this.#texts = bits === 6 || bits === 4 ? (index === 0 ? 2 : 1) : 0;
    if (index === most) this.#place = 'index';
    else this.#indexEnds();
  }

  #indexEnds(): void {
    this.#place = this.#texts > 0 ? 'length' : 'field';
  }

  #lengthEnds(): void {
    this.#place = 'text';
    if (this.#length === 0) this.#textEnds();
  }

  #textEnds(): void {
    if (--this.#texts === 0) {
      this.#count++;
      this.#place = 'field';
    } else this.#place = 'length';
  }
}
