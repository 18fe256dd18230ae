/**
 * One TCP connection without a stream around it: reads into memory that is given, writes at once. Hot path.
 *
 * A write that the kernel takes whole is done when it returns: no callback, no tick, no garbage. One that it does not
 * waits in the handle, and the owner is told when nothing waits any more. Between the two the memory of `writeBytes` must
 * not change.
 *
 * Errors are reported once, as `broken`, and never from within a call of the owner. A write that fails while the peer's
 * last words may still be unread is reported after the next round of reads.
 */

import { beginTurn } from '../../lib/clock.ts';
import {
  EOF,
  errorName,
  type Handle,
  READ,
  ShutdownWrap,
  STATE,
  WAS_ASYNC,
  type WriteRequest,
  WriteWrap,
} from './binding.ts';

/** Whom a wire tells what happens. */
export interface WireOwner {
  /** So many bytes were read, to the beginning of the wire's memory. */
  received(count: number): void;
  /** The peer sends no more. */
  ended(): void;
  /** Nothing can be read or written any more; `code` is a system error (`ECONNRESET` …). */
  broken(code: string): void;
  /** Nothing that was written waits any more. */
  flushed(): void;
}

/** The request object of the next write; only a write that waits uses it up. */
let spare = new WriteWrap();

export class Wire {
  readonly #handle: Handle;
  readonly #owner: WireOwner;
  #waiting = 0;
  #waitingBytes = 0;
  #isReading = false;
  #isClosed = false;

  /** @param memory what reads go into; nobody else may read into it before the owner is done with what was read. */
  constructor(handle: Handle, memory: Uint8Array, owner: WireOwner) {
    this.#handle = handle;
    this.#owner = owner;
    handle.wire = this;
    handle.useUserBuffer(memory);
    handle.onread = onRead;
    this.resume();
  }

  /** True while something that was written waits for the kernel. */
  get isBackedUp(): boolean {
    return this.#waiting > 0;
  }

  /** Bytes of the writes that are not done. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Bytes written since it was opened, those that wait included. */
  get bytesSent(): number {
    return this.#handle.bytesWritten;
  }

  pause(): void {
    if (!this.#isReading || this.#isClosed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    this.#handle.readStart();
  }

  /** Writes a text of Latin-1 characters. */
  writeText(text: string): void {
    if (this.#isClosed) return;
    this.#wrote(this.#handle.writeLatin1String(spare, text), text.length, null);
  }

  /** Writes `bytes[from..end)`, which must not change while `isBackedUp`. */
  writeBytes(bytes: Buffer, from: number, end: number): void {
    if (this.#isClosed) return;
    const part = bytes.subarray(from, end);
    this.#wrote(this.#handle.writeBuffer(spare, part), end - from, part);
  }

  /** Sends what waits, then FIN. Reading goes on. */
  end(): void {
    if (this.#isClosed) return;
    const request = new ShutdownWrap();
    request.oncomplete = ignore;
    this.#handle.shutdown(request);
  }

  /** Closes at once; what waits is lost. Nobody is told. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle.close();
  }

  /** Closes at once with RST, so that the peer can tell this from a regular end. */
  reset(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Refused after `end`: then the peer has had its FIN.
    if (this.#handle.reset() !== 0) this.#handle.close();
  }

  /** Called by the runtime: the outcome of a read. */
  hear(count: number): void {
    if (this.#isClosed) return;
    beginTurn();
    if (count > 0) this.#owner.received(count);
    else if (count === EOF) this.#owner.ended();
    else if (count < 0) this.#owner.broken(errorName(count));
  }

  /** Called by the runtime: a write that waited is done. */
  settle(request: WriteRequest, status: number): void {
    this.#waiting--;
    this.#waitingBytes -= request.byteCount;
    if (this.#isClosed) return;
    beginTurn();
    if (status < 0) this.#fail(status);
    else if (this.#waiting === 0) this.#owner.flushed();
  }

  #wrote(status: number, byteCount: number, buffer: Uint8Array | null): void {
    if (status !== 0) {
      this.#fail(status);
      return;
    }
    if (STATE[WAS_ASYNC] === 0) return;
    const request = spare;
    spare = new WriteWrap();
    request.oncomplete = onWritten;
    request.wire = this;
    request.byteCount = byteCount;
    request.buffer = buffer;
    this.#waiting++;
    this.#waitingBytes += byteCount;
  }

  #fail(status: number): void {
    setImmediate(() => {
      beginTurn();
      if (!this.#isClosed) this.#owner.broken(errorName(status));
    });
  }
}

function onRead(this: Handle): void {
  (this.wire as Wire).hear(STATE[READ] as number);
}

function onWritten(this: WriteRequest, status: number): void {
  (this.wire as Wire).settle(this, status);
}

/** The end of a shutdown says nothing: what matters is the peer's own end. */
function ignore(): void {}
