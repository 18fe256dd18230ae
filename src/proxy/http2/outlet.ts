/**
 * Where a stream's answer is written: takes what an HTTP/1.1 client would get, and says it in HTTP/2.
 *
 * Whoever answers writes one form for all clients (the upstream's connection, refusals, fallbacks). A head is said when it is
 * whole; the gateway wrote it, so it is cut apart and not judged. What the client cannot be sent yet waits in the stream, which says
 * when it is backed up.
 * ```
 * head (interim ones too) ─▸ body ─▸ over      the stream is gone ─▸ over
 * ```
 * Source: RFC 9113 sections 8.1, 8.1.1.
 */

import { latin1Of } from '../../lib/latin1.ts';
import { BodyReader, DATA, END } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Outlet } from '../wire/wire.ts';
import { responseFields, trailerFields } from './rules.ts';
import type { Http2Stream } from './session/stream.ts';

const HEAD_END = '\r\n\r\n';

export class StreamOutlet implements Outlet {
  /** Of the head in the form that it came in, and the body. */
  bytesSent = 0;
  /** The answer is handed over as a whole. */
  isOver = false;
  readonly #stream: Http2Stream;
  readonly #body = new BodyReader();
  /** Whether it answers HEAD. */
  isHead = false;
  /** The client understands fields behind the body. */
  wantsTrailers = false;
  /** Of a head that comes in parts, as one that is slowed down does. */
  #begun = '';
  #hasHead = false;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  /** What the client's session does not take at once stays where it is. */
  readonly isCopying = false;

  get isBackedUp(): boolean {
    return this.#stream.isBackedUp;
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
    return this.isOver || this.#stream.isClosed;
  }

  #answer(head: string): void {
    this.bytesSent += head.length;
    const { status, fields, isChunked, length } = responseFields(head);
    if (status < 200) {
      this.#stream.respond(fields, false);
      return;
    }
    this.#hasHead = true;
    this.isOver = this.isHead || status === 204 || status === 304 || (!isChunked && length <= 0);
    if (!this.isOver) this.#body.start(isChunked ? CHUNKED : length, isChunked && this.wantsTrailers);
    this.#stream.respond(fields, this.isOver);
  }

  #take(bytes: Buffer, from: number, end: number): void {
    const body = this.#body;
    let step = body.next(bytes, from, end);
    if (step === END) this.#end();
    while (step === DATA) {
      const { dataStart, dataEnd } = body;
      // Looking on tells whether this is the last: a frame of its own for the end is saved.
      step = body.next(bytes, body.position, end);
      const isLast = step === END && body.trailers === '';
      this.bytesSent += dataEnd - dataStart;
      if (isLast) this.isOver = true;
      this.#stream.write(bytes, dataStart, dataEnd, isLast);
      if (step === END && !isLast) this.#end();
    }
  }

  #end(): void {
    const { trailers } = this.#body;
    this.isOver = true;
    this.#stream.end(trailers === '' ? null : trailerFields(trailers));
  }
}
