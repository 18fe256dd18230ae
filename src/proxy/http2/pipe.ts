/**
 * What the runtime's HTTP/2 session reads from and writes to: a stream between it and a connection's wire.
 *
 * The session would rather have a socket. It gets this instead, so that every frame is seen before it is dealt with, and so that
 * connections with TLS and without are the same to it (docs/adr/0027-node-http2.md).
 */

import { Duplex } from 'node:stream';

/** Bytes that may wait for the session before the wire is paused. */
const WAITING_BYTES = 65_536;

/** The connection, as the session's stream needs it. */
export interface PipeEvents {
  /** The session can take more. */
  wants(): void;
  /** @param left to be called when the bytes have left. */
  sends(bytes: Buffer, left: () => void): void;
  /** The session has sent everything. */
  ends(): void;
}

export class Pipe extends Duplex {
  readonly #events: PipeEvents;

  constructor(events: PipeEvents) {
    super({ readableHighWaterMark: WAITING_BYTES, writableHighWaterMark: WAITING_BYTES });
    this.#events = events;
  }

  override _read(): void {
    this.#events.wants();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#events.sends(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#events.sends(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#events.ends();
    done();
  }
}
