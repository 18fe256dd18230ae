/**
 * The sending side of a session: frames, header blocks, and bodies as the peer's windows and the wire let them. Hot path.
 *
 * What may leave is written at once. A stream whose bytes must wait for the connection (its window, or the kernel that has not
 * taken what was sent) waits in a queue and then sends a frame when it is its turn, so that none waits for all of another; one that
 * must wait for its own window is in no queue. Header blocks and what is said about the connection do not wait.
 * Source: RFC 9113 sections 5.2, 6.
 */

import type { FrameBudget } from '../frame-budget.ts';
import { CODE, FLAG, FRAME, FRAME_BYTES_MAX, HEADER_BYTES, putWord, WINDOW_BYTES } from '../frames.ts';
import { HeaderEncoder } from '../hpack/encoder.ts';
import type { Output } from './output.ts';
import type { Http2Stream } from './stream.ts';

/** Room for a header block at first; longer ones are rare. */
const BLOCK_BYTES = 1024;
/** What a block may need besides its texts: for each field an index and two lengths, and what is said of the table. */
const FIELD_BYTES = 12;
const TABLE_BYTES = 16;

/** Who is paid for what is sent. */
export type Paid = Pick<FrameBudget, 'sentData' | 'sentHeaders'>;

export class FrameSender {
  readonly #output: Output;
  readonly #paid: Paid;
  readonly encoder = new HeaderEncoder();
  /** What the peer takes on the connection. */
  window = WINDOW_BYTES;
  /** What it takes on a stream at its beginning. */
  streamWindow = WINDOW_BYTES;
  /** Streams that wait for the connection, in the order of their turns. */
  #first: Http2Stream | null = null;
  #last: Http2Stream | null = null;
  #isDraining = false;

  constructor(output: Output, paid: Paid) {
    this.#output = output;
    this.#paid = paid;
  }

  /** Some stream waits for the connection. */
  get hasQueue(): boolean {
    return this.#first !== null;
  }

  get #isBlocked(): boolean {
    return this.window <= 0 || this.#output.isHeldUp;
  }

  /** @param fields names in lower case and values in turn */
  headers(id: number, fields: readonly string[], isEnd: boolean): void {
    this.#paid.sentHeaders();
    const output = this.#output;
    const into = output.reserve(HEADER_BYTES + BLOCK_BYTES);
    const from = output.end + HEADER_BYTES;
    const end = this.encoder.encode(fields, into, from);
    const flags = isEnd ? FLAG.endStream : 0;
    if (end >= 0 && end - from <= FRAME_BYTES_MAX) {
      output.frame(end - from, FRAME.headers, flags | FLAG.endHeaders, id);
      output.end = end;
      return;
    }
    this.#longHeaders(id, end < 0 ? this.#blockOf(fields) : Buffer.from(into.subarray(from, end)), flags);
  }

  #blockOf(fields: readonly string[]): Buffer {
    let bytesMax = TABLE_BYTES;
    for (const text of fields) bytesMax += text.length + FIELD_BYTES;
    const block = Buffer.allocUnsafe(bytesMax);
    return block.subarray(0, this.encoder.encode(fields, block, 0));
  }

  #longHeaders(id: number, block: Buffer, flags: number): void {
    for (let at = 0; at < block.length; at += FRAME_BYTES_MAX) {
      const part = block.subarray(at, at + FRAME_BYTES_MAX);
      const isLast = at + part.length === block.length;
      const type = at === 0 ? FRAME.headers : FRAME.continuation;
      const into = this.#output.frame(part.length, type, (at === 0 ? flags : 0) | (isLast ? FLAG.endHeaders : 0), id);
      this.#output.end += part.copy(into, this.#output.end);
    }
  }

  /**
   * Sends of `bytes[from..end)` what may be sent now.
   * @param isEnd the stream ends with the last of them @param framesMax at most so many frames @returns where it stopped
   */
  data(stream: Http2Stream, span: Span, isEnd: boolean, framesMax: number): number {
    const { bytes, end } = span;
    const output = this.#output;
    let at = span.from;
    for (let n = 0; at < end && n < framesMax && !this.#isBlocked; n++) {
      const size = Math.min(end - at, FRAME_BYTES_MAX, stream.sendWindow, this.window);
      if (size <= 0) break;
      const into = output.frame(size, FRAME.data, isEnd && at + size === end ? FLAG.endStream : 0, stream.id);
      bytes.copy(into, output.end, at, at + size);
      output.end += size;
      at += size;
      stream.sendWindow -= size;
      this.window -= size;
      this.#paid.sentData(size);
    }
    return at;
  }

  /** A DATA frame that says nothing but the stream's end. */
  endData(id: number): void {
    this.#output.frame(0, FRAME.data, FLAG.endStream, id);
  }

  reset(id: number, code: number): void {
    this.#word(FRAME.rstStream, id, code);
  }

  /** The peer may send so many bytes more; of the connection with number 0. */
  windowUpdate(id: number, byteCount: number): void {
    this.#word(FRAME.windowUpdate, id, byteCount);
  }

  #word(type: number, id: number, value: number): void {
    const into = this.#output.frame(4, type, 0, id);
    this.#output.end = putWord(into, this.#output.end, value);
  }

  acknowledgeSettings(): void {
    this.#output.frame(0, FRAME.settings, FLAG.ack, 0);
  }

  /** @param eight bytes from `at` on, which come back */
  ping(bytes: Uint8Array, at: number, isAck: boolean): void {
    const into = this.#output.frame(8, FRAME.ping, isAck ? FLAG.ack : 0, 0);
    into.set(bytes.subarray(at, at + 8), this.#output.end);
    this.#output.end += 8;
  }

  /** @param last highest stream that was or will be dealt with */
  goaway(last: number, code: number = CODE.noError): void {
    const into = this.#output.frame(8, FRAME.goaway, 0, 0);
    this.#output.end = putWord(into, putWord(into, this.#output.end, last), code);
  }

  /** Something of the stream waits for the connection. */
  enqueue(stream: Http2Stream): void {
    if (stream.isQueued) return;
    stream.isQueued = true;
    stream.before = this.#last;
    if (this.#last === null) this.#first = stream;
    else this.#last.next = stream;
    this.#last = stream;
  }

  /** It waits no more: its turn has come, or it is closed. */
  dequeue(stream: Http2Stream): void {
    if (!stream.isQueued) return;
    stream.isQueued = false;
    const { before, next } = stream;
    if (before === null) this.#first = next;
    else before.next = next;
    if (next === null) this.#last = before;
    else next.before = before;
    stream.next = null;
    stream.before = null;
  }

  /** Streams send as long as the connection takes something, a frame each in turn. Not re-entrant: what it calls may enqueue more. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let stream = this.#first; stream !== null && !this.#isBlocked; stream = this.#first) {
        this.dequeue(stream);
        stream.sendOn();
      }
    } finally {
      this.#isDraining = false;
    }
  }
}

/** Some bytes: `bytes[from..end)`. */
export interface Span {
  readonly bytes: Buffer;
  readonly from: number;
  readonly end: number;
}
