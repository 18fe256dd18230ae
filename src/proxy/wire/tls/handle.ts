/**
 * TLS under a wire: the runtime's TLS socket in the form of a handle, so that the lane above it is the same with TLS and
 * without.
 *
 * Plain connections never come here. What was read is copied into the wire's memory; what arrives while the wire does not
 * read stays in the socket. A write is encrypted within the call, and done when it returns if the kernel has taken all of it, as
 * without TLS. The runtime says so later in the turn; what is written until then waits. Closing says goodbye (`close_notify`) if
 * nothing waits, as a client could else take a whole answer for one that was cut off.
 * Source: RFC 8446 section 6.1; docs/adr/0026-tls.md.
 */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  EOF,
  type Handle,
  type ShutdownRequest,
  STATE,
  type WireHandle,
  WRITE_ERROR,
  type WriteRequest,
} from '../binding.ts';
import type { Wire } from '../wire.ts';

/** As libuv has them on the systems Sluice runs on. */
const EPIPE = -32;
const EPROTO = -71;
const ECONNRESET = -104;
/** A goodbye that the peer takes no bytes of. */
const GOODBYE_MS = 1000;

/** The TCP socket under a TLS socket that was given away. */
const rawOf = new WeakMap<Socket, Socket>();

/** The TCP socket under a TLS socket that a `SecureHandle` was made of; any other socket itself. */
export function tcpOf(socket: Socket): Socket {
  return rawOf.get(socket) ?? socket;
}

export class SecureHandle implements WireHandle {
  wire: Wire | null = null;
  onread: WireHandle['onread'] = null;
  reading = false;
  bytesWritten = 0;
  readonly #socket: TLSSocket;
  readonly #raw: Socket;
  /** Under way, in their order; null: the kernel has it, and the runtime has not said so yet. */
  readonly #writes: (WriteRequest | null)[] = [];
  /** Those of them that wait. */
  #waiting = 0;
  #isStopped = true;
  #isClosed = false;
  /** Nothing more is told. */
  #isOver = false;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => this.#tell(EOF);
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#tell(errnoOf(error));
  readonly #onClose = (): void => this.#tell(ECONNRESET);
  readonly #onWritten = (error?: Error | null): void => this.#settle(error ?? null);

  /** @param socket whose handshake is done and that nobody reads from. @param raw the TCP socket under it. */
  constructor(socket: TLSSocket, raw: Socket) {
    this.#socket = socket;
    this.#raw = raw;
    rawOf.set(socket, raw);
    socket.allowHalfOpen = true;
    raw.allowHalfOpen = true;
    socket.on('error', this.#onError);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    // The first listener of it makes the socket read; only `readStart` shall.
    socket.pause();
    socket.on('data', this.#onData);
  }

  readStart(): number {
    this.#isStopped = false;
    this.#socket.resume();
    return 0;
  }

  readStop(): number {
    this.#isStopped = true;
    this.#socket.pause();
    return 0;
  }

  /** The wire's memory is asked for at each read. */
  useUserBuffer(): void {}

  writeLatin1String(_request: null, text: string): WriteRequest | number {
    const isIdle = this.#isIdle;
    this.#socket.write(text, 'latin1', this.#onWritten);
    return this.#begun(text.length, isIdle);
  }

  writeBuffer(_request: null, bytes: Uint8Array): WriteRequest | number {
    const isIdle = this.#isIdle;
    this.#socket.write(bytes, this.#onWritten);
    return this.#begun(bytes.length, isIdle);
  }

  shutdown(request: ShutdownRequest): number {
    this.#socket.end(() => request.oncomplete?.(0));
    return 0;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOver = true;
    const socket = this.#socket;
    if (this.#waiting > 0 || socket.writableEnded || socket.destroyed) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
    socket.once('close', () => clearTimeout(timer));
    socket.destroySoon();
  }

  reset(): number {
    if (this.#isClosed) return 0;
    this.#isClosed = true;
    this.#isOver = true;
    if (this.#raw.destroyed) this.#socket.destroy();
    else this.#raw.resetAndDestroy();
    return 0;
  }

  /**
   * Gives the socket away, as a new one that reads but does not flow.
   * @param early bytes that come first
   */
  surrender(early: Buffer): Socket {
    const socket = this.#socket;
    this.#isOver = true;
    this.#isClosed = true;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    // Paused by hand it would stay so, whoever listens to it.
    (socket as { readableFlowing: boolean | null }).readableFlowing = null;
    if (early.length > 0) socket.unshift(early);
    socket.read(0);
    return socket;
  }

  /** Nothing is under way, of ours or of TLS itself: what is written goes straight to the kernel (within a handshake: into a copy). */
  get #isIdle(): boolean {
    return this.#writes.length === 0 && handleOf(this.#socket)?.writeQueueSize === 0;
  }

  /** Of a write that was just handed over. The runtime tells of it in another tick at the earliest. */
  #begun(byteCount: number, wasIdle: boolean): WriteRequest | number {
    this.bytesWritten += byteCount;
    if (wasIdle && handleOf(this.#raw)?.writeQueueSize === 0) {
      this.#writes.push(null);
      return 0;
    }
    STATE[WRITE_ERROR] = 0;
    this.#waiting++;
    const request: WriteRequest = { oncomplete: null, handle: this, bytes: byteCount, buffer: null };
    this.#writes.push(request);
    return request;
  }

  #settle(error: Error | null): void {
    const request = this.#writes.shift() ?? null;
    // The error of one that was done is the socket's, which tells of it itself.
    if (request === null) return;
    this.#waiting--;
    // Also when it is over: the memory of what waited is free now.
    request.oncomplete?.call(request, error === null ? 0 : errnoOf(error));
  }

  /** In pieces as large as the wire's memory; what it does not want any more goes back. */
  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      // Closed or given away: the wire's memory is somebody else's.
      if (this.#isOver) return;
      if (this.#isStopped) {
        this.#socket.unshift(chunk.subarray(at));
        return;
      }
      const wire = this.wire as Wire;
      const count = Math.min(wire.memory.length, chunk.length - at);
      wire.memory.set(chunk.subarray(at, at + count));
      at += count;
      wire.hear(count);
    }
  }

  #tell(count: number): void {
    if (this.#isOver) return;
    if (count !== EOF) this.#isOver = true;
    this.wire?.hear(count);
  }
}

/** What a socket is made of, with TLS and without; null once it is closed. Not public: test/unit pins it. */
function handleOf(socket: Socket): Pick<Handle, 'writeQueueSize'> | null {
  return (socket as unknown as { readonly _handle: Handle | null })._handle;
}

/** The system's number of an error, or the nearest there is. */
function errnoOf(error: NodeJS.ErrnoException): number {
  if (typeof error.errno === 'number' && error.errno < 0) return error.errno;
  if (error.code === 'ECONNRESET') return ECONNRESET;
  return error.code === 'ERR_STREAM_WRITE_AFTER_END' || error.code === 'ERR_STREAM_DESTROYED' ? EPIPE : EPROTO;
}
