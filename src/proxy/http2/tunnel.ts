/**
 * One stream of a client's in the place of a connection: what the upgrade lane has where an HTTP/1.1 client has a socket.
 *
 * Until the switch it is written to in the form of HTTP/1.1, as every client is: the 101 becomes the 200 that opens the tunnel, and
 * any other answer goes through the stream's outlet. From then on bytes are bytes. What is not read stays with the session, whose
 * window then stays closed. END_STREAM is a FIN, RST_STREAM (CANCEL) is a reset, in both directions.
 * ```
 * head (interim ones too) ─▸ open (bytes both ways)
 *    └───▸ answered: the stream ends, and its client need not send the rest
 * ```
 * Source: RFC 8441 sections 4, 5; RFC 9113 section 8.1.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { addAbortSignal, Duplex, finished } from 'node:stream';
import type { StreamHome } from './home.ts';
import { CODE, type StreamOutlet } from './outlet.ts';
import { responseFields } from './rules.ts';

/** Bytes that may wait here in each direction. */
const WAITING_BYTES = 65_536;
/** How a 101 begins, and every interim response. */
const SWITCHING = 'HTTP/1.1 101 ';
const INTERIM = 'HTTP/1.1 1';
const OK = '200';
/** The runtime resets with CANCEL what ends by a signal, and with INTERNAL_ERROR what ends by any other error. */
const ABORTED = AbortSignal.abort();

type State = 'head' | 'open' | 'answered';

export class Tunnel extends Duplex {
  readonly #stream: ServerHttp2Stream;
  readonly #outlet: StreamOutlet;
  readonly #home: Pick<StreamHome<unknown>, 'ownReset'>;
  #state: State = 'head';
  /** More may be read from the stream. */
  #isWanted = false;
  /** The client has sent, and has been sent, everything. */
  #hasEnded = false;
  #hasFinished = false;
  #whenFlushed: (() => void) | null = null;

  /** @param outlet of the stream; `flushed` is to be called when it is backed up no more. */
  constructor(stream: ServerHttp2Stream, outlet: StreamOutlet, home: Pick<StreamHome<unknown>, 'ownReset'>) {
    super({ allowHalfOpen: true, readableHighWaterMark: WAITING_BYTES, writableHighWaterMark: WAITING_BYTES });
    this.#stream = stream;
    this.#outlet = outlet;
    this.#home = home;
    // Whoever has it may have let go of it already.
    this.on('error', () => undefined);
    stream.on('readable', () => this.#pump());
    stream.on('end', () => {
      this.#hasEnded = true;
      this.push(null);
      // An end with nothing before it is told only to who reads.
      this.read(0);
    });
    const broke = (): void => {
      if (!this.#hasEnded || !this.#hasFinished) this.destroy(new Error('the stream was reset'));
    };
    stream.on('close', broke);
    // After RST_STREAM (NO_ERROR) `close` waits until all that came is read, which a side that is held up may never do.
    stream.on('aborted', broke);
  }

  /** The outlet is backed up no more. */
  flushed(): void {
    const done = this.#whenFlushed;
    this.#whenFlushed = null;
    done?.();
  }

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
    if (this.#state === 'open') {
      this.#stream.write(bytes, done);
      return;
    }
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
    this.#outlet.writeBytes(bytes, 0, bytes.length);
    if (this.#outlet.isBackedUp) this.#whenFlushed = done;
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    finished(this.#stream, { readable: false }, () => {
      this.#hasFinished = true;
      done();
    });
    if (!this.#stream.writableEnded) this.#stream.end();
    if (this.#state === 'open' || this.#hasEnded || this.#stream.closed) return;
    this.#home.ownReset();
    this.#stream.close(CODE.noError);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isOver = this.#hasEnded && this.#hasFinished;
    if (!isOver && !this.#stream.closed && !this.#stream.destroyed) {
      this.#home.ownReset();
      addAbortSignal(ABORTED, this.#stream);
    }
    // One that its client has closed stays for as long as something in it is unread.
    if (this.#stream.closed) this.#stream.destroy();
    this.flushed();
    done(error);
  }

  #pump(): void {
    while (this.#isWanted) {
      const bytes = this.#stream.read() as Buffer | null;
      if (bytes === null) return;
      this.#isWanted = this.push(bytes);
    }
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
    if (!this.#stream.closed && !this.#stream.destroyed) this.#stream.respond(kept);
  }
}
