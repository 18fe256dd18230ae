/**
 * Where a stream's answer is written: takes what an HTTP/1.1 client would get, and says it in HTTP/2.
 *
 * Whoever answers writes one form for all clients (the upstream's connection, refusals, fallbacks). A head is said when it is
 * whole; the gateway wrote it, so it is cut apart and not judged. What is large is sent from where it stands, and the outlet is
 * backed up until it has left; what is small is copied, so that the upstream's connection is free at once.
 * ```
 * head (interim ones too) ─▸ body ─▸ over      the stream is gone ─▸ over
 * ```
 * Source: RFC 9113 sections 8.1, 8.1.1.
 */

import { constants, type ServerHttp2Stream } from 'node:http2';
import { latin1Of } from '../../lib/latin1.ts';
import { BodyReader, DATA, END } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Outlet } from '../wire/wire.ts';
import { objectOf, responseFields, trailerFields } from './rules.ts';

/** As much as is copied at once, and as much as may wait before the outlet is backed up. */
const COPY_BYTES_MAX = 16_384;
const AHEAD_BYTES = 65_536;
const HEAD_END = '\r\n\r\n';

export class StreamOutlet implements Outlet {
  /** Of the head in the form that it came in, and the body. */
  bytesSent = 0;
  /** The answer is handed over as a whole. */
  isOver = false;
  readonly #stream: ServerHttp2Stream;
  readonly #flushed: () => void;
  readonly #body = new BodyReader();
  /** Whether it answers HEAD. */
  isHead = false;
  /** The client understands fields behind the body. */
  wantsTrailers = false;
  /** Called when trailers that the answer still owed when it was over are on their way. */
  whenTrailed: (() => void) | null = null;
  /** The answer ends with trailers that have not been sent. */
  owesTrailers = false;
  /** Of a head that comes in parts, as one that is slowed down does. */
  #begun = '';
  #hasHead = false;
  #sendsTrailers = false;
  /** Writes under way from memory that is not ours. */
  #lent = 0;
  #wasBackedUp = false;
  readonly #onCopied = (): void => this.#left();
  readonly #onLent = (): void => {
    this.#lent--;
    this.#left();
  };

  /** @param flushed called when it is backed up no more. */
  constructor(stream: ServerHttp2Stream, flushed: () => void) {
    this.#stream = stream;
    this.#flushed = flushed;
  }

  /** Something that was written must not change yet, or enough waits. */
  get isBackedUp(): boolean {
    return this.#lent > 0 || this.#stream.writableLength >= AHEAD_BYTES;
  }

  /** Something waits for the client. */
  get isWaiting(): boolean {
    return this.#stream.writableLength > 0;
  }

  writeText(text: string): void {
    if (this.#isGone) return;
    if (this.#hasHead) {
      this.#take(Buffer.from(text, 'latin1'), 0, text.length);
      return;
    }
    const begun = this.#begun + text;
    const at = begun.indexOf(HEAD_END);
    if (at < 0) {
      this.#begun = begun;
      return;
    }
    this.#begun = '';
    const end = at + HEAD_END.length;
    this.#answer(end === begun.length ? begun : begun.slice(0, end));
    if (end < begun.length) this.writeText(begun.slice(end));
  }

  writeBytes(bytes: Buffer, from: number, end: number): void {
    if (this.#isGone) return;
    if (this.#hasHead) {
      this.#take(bytes, from, end);
      return;
    }
    const at = this.#begun === '' ? bytes.indexOf(HEAD_END, from, 'latin1') : -1;
    const bodyFrom = at + HEAD_END.length;
    if (at < 0 || bodyFrom > end) {
      this.writeText(latin1Of(bytes, from, end));
      return;
    }
    this.#answer(latin1Of(bytes, from, bodyFrom));
    if (bodyFrom < end) this.writeBytes(bytes, bodyFrom, end);
  }

  writeSoon(bytes: Buffer, from: number, end: number): boolean {
    this.writeBytes(bytes, from, end);
    return !this.isBackedUp;
  }

  get #isGone(): boolean {
    return this.isOver || this.#stream.destroyed || this.#stream.closed;
  }

  #answer(head: string): void {
    this.bytesSent += head.length;
    const { status, fields, isChunked, length } = responseFields(head);
    if (status < 200) {
      this.#stream.additionalHeaders(objectOf(fields));
      return;
    }
    this.#hasHead = true;
    this.isOver = this.isHead || status === 204 || status === 304 || (!isChunked && length <= 0);
    this.#sendsTrailers = isChunked && this.wantsTrailers && !this.isOver;
    if (!this.isOver) this.#body.start(isChunked ? CHUNKED : length, this.#sendsTrailers);
    const options = { endStream: this.isOver, waitForTrailers: this.#sendsTrailers, sendDate: false };
    this.#stream.respond(fields, options);
  }

  #take(bytes: Buffer, from: number, end: number): void {
    const body = this.#body;
    let step = body.next(bytes, from, end);
    if (step === END) this.#end();
    while (step === DATA) {
      const { dataStart, dataEnd } = body;
      // Looking on tells whether this is the last: a frame of its own for the end is saved.
      step = body.next(bytes, body.position, end);
      this.#send(bytes, dataStart, dataEnd);
      if (step === END) this.#end();
    }
    if (this.isBackedUp) this.#wasBackedUp = true;
  }

  /** The stream sends what is written when the turn is over; an end that follows goes along. */
  #send(bytes: Buffer, from: number, end: number): void {
    this.bytesSent += end - from;
    if (end - from <= COPY_BYTES_MAX) {
      this.#stream.write(Buffer.from(bytes.subarray(from, end)), this.#onCopied);
      return;
    }
    this.#lent++;
    this.#stream.write(bytes.subarray(from, end), this.#onLent);
  }

  #end(): void {
    this.isOver = true;
    if (this.#sendsTrailers) {
      this.owesTrailers = true;
      this.#stream.once('wantTrailers', () => this.#trail());
    }
    this.#stream.end();
  }

  #trail(): void {
    this.#stream.sendTrailers(objectOf(trailerFields(this.#body.trailers)));
    // The runtime sends them in a turn of its own.
    setImmediate(() => {
      this.owesTrailers = false;
      this.whenTrailed?.();
    });
  }

  #left(): void {
    if (!this.#wasBackedUp || this.isBackedUp) return;
    this.#wasBackedUp = false;
    if (!this.#stream.destroyed) this.#flushed();
  }
}

/** Codes of RFC 9113 section 7. */
export const CODE = {
  noError: constants.NGHTTP2_NO_ERROR,
  protocol: constants.NGHTTP2_PROTOCOL_ERROR,
  internal: constants.NGHTTP2_INTERNAL_ERROR,
  cancel: constants.NGHTTP2_CANCEL,
  calm: constants.NGHTTP2_ENHANCE_YOUR_CALM,
} as const;
