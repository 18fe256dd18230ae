/**
 * Writes responses to one client socket and knows when the kernel has taken them. Hot path.
 *
 * A write that completes synchronously costs no callback. Body bytes come from a buffer that the upstream connection
 * reuses: while `isBackedUp` they must not change, and `flushed` says when they may.
 */

import type { Socket } from 'node:net';

/** Unsent bytes above which no further pipelined request is begun; above the socket's own high-water mark. */
const FULL_BYTES = 262_144;

export class ResponseWriter {
  readonly #socket: Socket;
  readonly #afterWrite: () => void;

  /** @param flushed called when nothing that was written waits any more; it may be called without need. */
  constructor(socket: Socket, flushed: () => void) {
    this.#socket = socket;
    this.#afterWrite = () => {
      if (!this.isBackedUp) flushed();
    };
    socket.on('drain', this.#afterWrite);
  }

  /** True while written bytes wait for the kernel. */
  get isBackedUp(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** True when the client is so far behind that no further response should be begun. */
  get isFull(): boolean {
    return this.#socket.writableLength > FULL_BYTES;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
    this.#watch();
  }

  /** The usual write is done when it returns; only one that waits is given a callback, behind it. */
  #watch(): void {
    if (this.isBackedUp) this.#socket.write('', this.#afterWrite);
  }

  /** Writes a head, an interim response or a small complete response. The text is ASCII or Latin-1. */
  sendText(text: string): void {
    this.#socket.write(text, 'latin1');
    if (this.#socket.writableCorked === 0) this.#watch();
  }

  /** Writes body bytes, as a chunk of their own if `framed`. */
  sendBytes(bytes: Buffer, framed: boolean): void {
    if (framed) this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(bytes);
    if (framed) this.#socket.write('\r\n', 'latin1');
    if (this.#socket.writableCorked === 0) this.#watch();
  }

  /** Ends a chunked response body. */
  sendLastChunk(): void {
    this.sendText('0\r\n\r\n');
  }
}
