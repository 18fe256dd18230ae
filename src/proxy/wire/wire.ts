/**
 * One connection without a stream around it: reads into memory that is given, writes at once. Hot path.
 *
 * A write that the kernel takes whole is done when it returns: no callback, no tick, no garbage. One that it does not
 * waits in the handle, and the owner is told when nothing waits any more. Between the two the memory of `writeBytes` must
 * not change. Small writes that may leave a little later, `writeSoon` and `writeTextSoon`, leave together at the end of the loop's round (`outbox.ts`).
 *
 * Errors are reported once, as `broken`, and never from within a call of the owner; nothing is reported after it. A write
 * that fails is reported after the loop's next round of reads, because the peer's last words may still be unread: an
 * answer that came before the request's end, with the reset of the rest behind it. An owner that throws while it is told something
 * is told that its wire is broken, so that a defect costs no other connection of the thread.
 *
 * ```
 * reading ◂─▸ paused      any error ─▸ broken      close, reset ─▸ closed
 *    └─▸ ended (the peer's FIN; writing goes on)
 * ```
 */

import { beginTurn } from '../../lib/clock.ts';
import { DEFECT, tellDefect } from '../../lib/threads/defects.ts';
import {
  EOF,
  errorName,
  READ,
  type ShutdownRequest,
  ShutdownWrap,
  STATE,
  type WireHandle,
  WRITE_ERROR,
  type WriteRequest,
} from './binding.ts';
import { viewOf, whole } from './memory/memory.ts';
import { Outbox, type Sender, SMALL_BYTES } from './outbox.ts';

/** Whom a wire tells what happens. */
export interface WireOwner {
  /** So many bytes were read, to the beginning of the wire's memory. */
  received(count: number): void;
  /** The peer sends no more. */
  ended(): void;
  /** Nothing can be read or written any more; `code` is a system error (`ECONNRESET` …), or `DEFECT`. */
  broken(code: string): void;
  /** Nothing that was written waits any more. */
  flushed(): void;
}

/** What answers are written to. */
export type Outlet = Pick<Wire, 'isBackedUp' | 'isCopying' | 'bytesSent' | 'writeText' | 'writeBytes' | 'writeSoon'>;

/** Of all wires of this thread. */
const outbox = new Outbox();

/** Has somebody send at the end of the loop's round, together with what wires are to write soon. */
export function atRoundsEnd(sender: Sender): void {
  outbox.join(sender);
}

export class Wire {
  readonly #handle: WireHandle;
  readonly #owner: WireOwner;
  /** What is written soon from the thread's memory is copied at once, whatever waits. */
  readonly isCopying: boolean = true;
  /** What reads go into. Referred to because the handle does not, and reads into it as long as it is open. */
  memory: Uint8Array;
  /** What is to be written soon is `#soon[#soonFrom..#soonEnd)`. */
  #soon: Buffer | null = null;
  #soonFrom = 0;
  #soonEnd = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #isReading = false;
  /** The peer's FIN was read: reading on would find it again. */
  #hasEnded = false;
  /** Our FIN was asked for. */
  #isEnding = false;
  /** Our FIN was asked for and has not left. */
  #isShutting = false;
  /** The error that is or was reported; 0 without one. */
  #error = 0;
  #isBroken = false;
  #isClosed = false;

  /**
   * @param memory what reads go into; nobody else may read into it before the owner is done with what was read. Neither
   * it nor what is written may ever be transferred to another thread.
   */
  constructor(handle: WireHandle, memory: Uint8Array, owner: WireOwner) {
    this.#handle = handle;
    this.#owner = owner;
    this.memory = memory;
    handle.wire = this;
    handle.useUserBuffer(memory);
    handle.onread = onRead;
    this.resume();
  }

  /** True while something that was written waits for the kernel. What is to be written soon is written to know it. */
  get isBackedUp(): boolean {
    this.flush();
    return this.#waiting > 0;
  }

  /** Bytes of the writes that are not done. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Bytes written since it was opened, those that wait included. */
  get bytesSent(): number {
    const { bytesWritten } = this.#handle;
    return this.#soon === null ? bytesWritten : bytesWritten + this.#soonEnd - this.#soonFrom;
  }

  /** From the next read on, reads go into this memory. Only within `received`, whose bytes stand in the one before. */
  readInto(memory: Uint8Array): void {
    this.memory = memory;
  }

  pause(): void {
    if (!this.#isReading || this.#isClosed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#isReading || this.#hasEnded || this.#isBroken || this.#isClosed) return;
    this.#isReading = true;
    const status = this.#handle.readStart();
    if (status !== 0) this.#fail(status);
  }

  /** Writes a text of Latin-1 characters; of others the lower byte would leave, so that U+010A became a line feed. */
  writeText(text: string): void {
    this.flush();
    if (this.#error !== 0 || this.#isClosed) return;
    const result = this.#handle.writeLatin1String(null, text);
    if (result !== 0) this.#wait(result, text.length, null);
  }

  /** Writes `bytes[from..end)`, which must not change while `isBackedUp`. */
  writeBytes(bytes: Buffer, from: number, end: number): void {
    this.flush();
    if (this.#error !== 0 || this.#isClosed) return;
    const isWhole = from === 0 && end === bytes.length;
    const part = isWhole ? bytes : bytes.subarray(from, end);
    const result = this.#handle.writeBuffer(null, part);
    if (result !== 0) this.#wait(result, end - from, part);
  }

  /**
   * As `writeBytes`, but what is small may leave at the end of the loop's round, and what is written or asked of the wire
   * until then comes behind it.
   * @returns whether the bytes may change now; else not while `isBackedUp`. In the thread's memory they always may.
   */
  writeSoon(bytes: Buffer, from: number, end: number): boolean {
    if (end - from > SMALL_BYTES || this.isBackedUp) {
      if (bytes === whole) this.writeBytes(Buffer.from(bytes.subarray(from, end)), 0, end - from);
      else this.writeBytes(bytes, from, end);
      return bytes === whole || this.#waiting === 0;
    }
    if (this.#error !== 0 || this.#isClosed) return true;
    this.#keep(outbox.put(this, bytes, from, end), end - from);
    return true;
  }

  /** As `writeText`, but what is small leaves at the end of the loop's round, as with `writeSoon`. */
  writeTextSoon(text: string): void {
    if (text.length > SMALL_BYTES || this.isBackedUp) this.writeText(text);
    else if (this.#error === 0 && !this.#isClosed) this.#keep(outbox.putText(this, text), text.length);
  }

  /** So much of what stands in the outbox from there is to be written soon. */
  #keep(from: number, length: number): void {
    this.#soonFrom = from;
    this.#soonEnd = from + length;
    this.#soon = outbox.bytes;
  }

  /** Writes what is to be written soon. */
  flush(): void {
    const bytes = this.#soon;
    if (bytes === null) return;
    this.#soon = null;
    if (this.#error !== 0 || this.#isClosed) return;
    const from = this.#soonFrom;
    const part = bytes === whole ? viewOf(from, this.#soonEnd - from) : bytes.subarray(from, this.#soonEnd);
    const result = this.#handle.writeBuffer(null, part);
    if (result !== 0) this.#wait(result, part.length, part);
    if (this.#waiting > 0) outbox.giveUp(bytes, from);
  }

  /** Sends what waits, then FIN. Reading goes on; what is written afterwards breaks the wire (`EPIPE`). */
  end(): void {
    this.flush();
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    const request = new ShutdownWrap();
    request.oncomplete = onShutdown;
    request.wire = this;
    this.#isShutting = this.#handle.shutdown(request) === 0;
  }

  /**
   * Lets go of the connection, which must not be backed up: whoever gets the handle owns it, and this wire says nothing
   * any more. Null when there is nothing left to own.
   */
  release(): WireHandle | null {
    this.flush();
    if (this.#isClosed || this.#hasEnded || this.#error !== 0) return null;
    this.pause();
    this.#isClosed = true;
    this.#handle.onread = ignore;
    return this.#handle;
  }

  /** Closes at once; what waits is lost. Nobody is told. */
  close(): void {
    this.flush();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle.close();
  }

  /** Closes at once with RST, so that the peer can tell this from a regular end. */
  reset(): void {
    this.flush();
    if (this.#isClosed) return;
    this.#isClosed = true;
    // With a FIN under way a reset is refused, and the descriptor would stay open for good.
    if (this.#isShutting) this.#handle.close();
    else this.#handle.reset();
  }

  /** Called by the runtime: the outcome of a read. @returns the memory of the next one if it is to be another. */
  hear(count: number): Uint8Array | undefined {
    if (this.#isBroken || this.#isClosed) return undefined;
    beginTurn();
    const { memory } = this;
    try {
      this.#heard(count);
    } catch (error) {
      // Who has the connection now: the owner may have handed it over.
      (this.#handle.wire ?? this).#defect(error);
    }
    return this.memory === memory ? undefined : this.memory;
  }

  #heard(count: number): void {
    if (count > 0) this.#owner.received(count);
    else if (count === EOF) {
      this.#hasEnded = true;
      this.#owner.ended();
    } else if (count < 0) {
      this.#error = count;
      this.tellBroken();
    }
  }

  /** Called by the runtime: a write that waited is done. */
  settle(byteCount: number, status: number): void {
    this.#waiting--;
    this.#waitingBytes -= byteCount;
    if (this.#isBroken || this.#isClosed) return;
    beginTurn();
    try {
      if (status < 0) this.#fail(status);
      else if (this.#waiting === 0) this.#owner.flushed();
    } catch (error) {
      this.#defect(error);
    }
  }

  /** Called by the runtime: our FIN has left, or cannot. The latter says nothing new: the peer's own end will, or a write. */
  shut(): void {
    this.#isShutting = false;
  }

  /** Called by the loop: reports the error, unless somebody did or closed before. */
  tellBroken(): void {
    if (this.#isBroken || this.#isClosed) return;
    beginTurn();
    this.#breakWith(errorName(this.#error));
  }

  /** Where telling of it fails as well, there is nobody who could close it. */
  #defect(error: unknown): void {
    tellDefect(error);
    if (this.#isBroken) this.close();
    else this.#breakWith(DEFECT);
  }

  #breakWith(code: string): void {
    this.#isBroken = true;
    this.pause();
    this.#owner.broken(code);
  }

  /** The kernel did not take all: keeps what waits, or the error that it was. */
  #wait(result: WriteRequest | number, byteCount: number, buffer: Uint8Array | null): void {
    const status = typeof result === 'number' ? result : (STATE[WRITE_ERROR] as number);
    if (status !== 0) {
      this.#fail(status);
      return;
    }
    const request = result as WriteRequest;
    request.oncomplete = onWritten;
    request.handle = this.#handle;
    request.bytes = byteCount;
    request.buffer = buffer;
    this.#waiting++;
    this.#waitingBytes += byteCount;
  }

  #fail(status: number): void {
    if (this.#error !== 0) return;
    this.#error = status;
    // The first turn ends this round of the loop, whose reads were chosen before; the second comes after the next one's.
    setImmediate(afterNextReads, this);
  }
}

function afterNextReads(wire: Wire): void {
  setImmediate(tellBroken, wire);
}

function tellBroken(wire: Wire): void {
  wire.tellBroken();
}

function onRead(this: WireHandle): Uint8Array | undefined {
  return (this.wire as Wire).hear(STATE[READ] as number);
}

function onWritten(this: WriteRequest, status: number): void {
  if (this.buffer !== null) outbox.takeBack(this.buffer);
  (this.handle.wire as Wire).settle(this.bytes, status);
}

function onShutdown(this: ShutdownRequest): void {
  (this.wire as Wire).shut();
}

/** A handle between two owners reads nothing. */
function ignore(): undefined {}
