/**
 * One stream of a client's in the place of a connection: what the upgrade lane has where an HTTP/1.1 client has a socket.
 *
 * Until the switch it is written to in the form of HTTP/1.1, as every client is: the 101 becomes the 200 that opens the tunnel, and
 * any other answer goes through the stream's outlet. From then on bytes are bytes. What is not read stays with the stream, whose
 * window then stays closed. END_STREAM is a FIN, RST_STREAM (CANCEL) is a reset, in both directions.
 * ```
 * head (interim ones too) ─▸ open (bytes both ways)
 *    └───▸ answered: the stream ends, and its client need not send the rest
 * ```
 * Source: RFC 8441 sections 4, 5; RFC 9113 section 8.1.
 */

import { Duplex } from 'node:stream';
import { CODE } from './frames.ts';
import type { StreamOutlet } from './outlet.ts';
import { responseFields } from './rules.ts';
import type { Http2Stream } from './session/stream.ts';
import type { StreamOwner } from './session/terms.ts';

/** Bytes that may wait here in each direction. */
const WAITING_BYTES = 65_536;
/** How a 101 begins, and every interim response. */
const SWITCHING = 'HTTP/1.1 101 ';
const INTERIM = 'HTTP/1.1 1';
const OK = '200';

type State = 'head' | 'open' | 'answered';

/** Hears of its stream by the stream's owner. */
export class Tunnel extends Duplex implements Omit<StreamOwner, 'closed'> {
  readonly #stream: Http2Stream;
  readonly #outlet: StreamOutlet;
  #state: State = 'head';
  /** More may be read from the stream. */
  #isWanted = false;
  /** The client has sent, and has been sent, everything. */
  #hasEnded = false;
  #hasFinished = false;
  #whenFlushed: (() => void) | null = null;
  #whenFinished: (() => void) | null = null;

  /** @param outlet of the stream */
  constructor(stream: Http2Stream, outlet: StreamOutlet) {
    super({ allowHalfOpen: true, readableHighWaterMark: WAITING_BYTES, writableHighWaterMark: WAITING_BYTES });
    this.#stream = stream;
    this.#outlet = outlet;
    // Whoever has it may have let go of it already.
    this.on('error', () => undefined);
  }

  // ── from the stream ─────────────────────────────────────────────────────────────────────────────────────────────

  takes(bytes: Buffer, from: number, end: number, isEnd: boolean): boolean {
    if (!this.#isWanted) return this.destroyed;
    if (end > from) this.#isWanted = this.push(Buffer.from(bytes.subarray(from, end)));
    if (isEnd) this.#pump();
    return true;
  }

  arrived(): void {
    this.#pump();
  }

  flushed(): void {
    const done = this.#whenFlushed;
    this.#whenFlushed = null;
    done?.();
  }

  finished(): void {
    this.#hasFinished = true;
    const done = this.#whenFinished;
    this.#whenFinished = null;
    done?.();
  }

  /** Before its end. What was kept of it is lost. */
  broke(): void {
    if (!this.#hasEnded || !this.#hasFinished) this.destroy(new Error('the stream was reset'));
  }

  // ── as a socket ─────────────────────────────────────────────────────────────────────────────────────────────────

  resetAndDestroy(): void {
    this.destroy();
  }

  /** Called when the other side broke. */
  destroySoon(): void {
    this.destroy();
  }

  // What is set on sockets is the connection's matter.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#pump();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#state === 'head') {
      // Each head is written at once, and none that is final is followed by another.
      const begin = bytes.toString('latin1', 0, SWITCHING.length);
      if (begin === SWITCHING) {
        this.#open(bytes);
        done();
        return;
      }
      if (!begin.startsWith(INTERIM)) this.#state = 'answered';
    }
    if (this.#state === 'open') this.#stream.write(bytes, 0, bytes.length, false);
    else this.#outlet.writeBytes(bytes, 0, bytes.length);
    if (this.#stream.isBackedUp) this.#whenFlushed = done;
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    const stream = this.#stream;
    if (this.#state === 'head') stream.cut(CODE.cancel);
    if (stream.isClosed || stream.hasFinished) this.#hasFinished = true;
    else stream.end(null);
    if (this.#hasFinished) done();
    else this.#whenFinished = done;
    // Answered, its client need not send the rest.
    if (this.#state !== 'open') stream.waive();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#hasEnded || !this.#hasFinished) this.#stream.cut(CODE.cancel);
    this.#stream.discard();
    this.flushed();
    done(error);
  }

  #pump(): void {
    const stream = this.#stream;
    while (this.#isWanted) {
      const bytes = stream.read();
      if (bytes === null) break;
      this.#isWanted = this.push(bytes);
    }
    if (!stream.hasEnded || stream.keptBytes > 0 || this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
    // An end with nothing before it is told only to who reads.
    this.read(0);
  }

  #open(head: Buffer): void {
    this.#state = 'open';
    const { fields } = responseFields(head.toString('latin1'));
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      if (name === ':status') kept.push(name, OK);
      // It answers a key that the client did not send.
      else if (name !== 'sec-websocket-accept') kept.push(name, fields[i + 1] as string);
    }
    this.#stream.respond(kept, false);
  }
}
