/**
 * Where log lines leave the process: an ordered, bounded, never-blocking writer to a file descriptor.
 *
 * One asynchronous write is under way at a time; lines that arrive meanwhile queue up to `bytesMax`, further ones are
 * dropped and counted. A failed write (ENOSPC, EIO) loses its lines, is counted, and the next one is tried afresh, so a
 * full disk costs lines and never the process; EPIPE closes the sink for good, because nobody reads any more; EAGAIN is
 * tried again, ever more slowly. When the process exits, what is queued is written with one attempt and no waiting: an exit never hangs.
 */

import { write, writeSync } from 'node:fs';

/** Losses since the sink was opened. */
export interface SinkLosses {
  /** Writes that failed. */
  readonly errors: number;
  /** Lines that were never written. */
  readonly lines: number;
  /** Code of the newest failure, or empty. */
  readonly lastCode: string;
}

export interface LineSink {
  /** Takes one line that ends in a newline. Never throws, never blocks. */
  write(line: string): void;
  /** Takes such lines in their order, which leave together while nothing waits. The same otherwise. */
  writeAll(lines: readonly string[]): void;
  losses(): SinkLosses;
  /** Resolves when nothing is queued, at the latest after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/** `write` of node:fs, replaced in tests. */
export type WriteCall = (
  fd: number,
  bytes: Uint8Array,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

const BYTES_MAX = 1_048_576;
/** Pause before EAGAIN is tried again: doubled from the first to the second. A pipe holds 64 KiB, so a pause is a limit. */
const RETRY_MS_MIN = 1;
const RETRY_MS_MAX = 32;

class FdSink implements LineSink {
  readonly #fd: number;
  readonly #write: WriteCall;
  readonly #bytesMax: number;
  #queue: string[] = [];
  #queuedBytes = 0;
  /** What the write under way still has to write; empty when none is. */
  #current: Buffer = Buffer.alloc(0);
  #isWriting = false;
  #retryMs = RETRY_MS_MIN;
  /** A flush gave up waiting for the reader. */
  #isStalled = false;
  #isClosed = false;
  #errors = 0;
  #lines = 0;
  #lastCode = '';
  #idle: (() => void)[] = [];

  constructor(fd: number, writeCall: WriteCall, bytesMax: number) {
    this.#fd = fd;
    this.#write = writeCall;
    this.#bytesMax = bytesMax;
  }

  write(line: string): void {
    this.#take(line);
    if (!this.#isWriting) this.#next();
  }

  writeAll(lines: readonly string[]): void {
    for (const line of lines) this.#take(line);
    if (!this.#isWriting) this.#next();
  }

  #take(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isClosed || this.#queuedBytes + bytes > this.#bytesMax) {
      this.#lines += 1;
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += bytes;
  }

  losses(): SinkLosses {
    return { errors: this.#errors, lines: this.#lines, lastCode: this.#lastCode };
  }

  flush(timeoutMs: number): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#isStalled = true;
        resolve();
      }, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        this.#isStalled = false;
        resolve();
      });
    });
  }

  /** The one attempt at exit; the event loop is gone, so a write under way may be written twice in part. */
  writeRest(): void {
    const rest = Buffer.concat([this.#current, Buffer.from(this.#queue.join(''))]);
    this.#queue = [];
    // A reader that did not take what a flush waited for would hang the exit.
    if (rest.length === 0 || this.#isClosed || this.#isStalled) return;
    try {
      writeSync(this.#fd, rest);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException, rest);
    }
  }

  #next(): void {
    if (this.#queue.length === 0) {
      this.#isWriting = false;
      for (const done of this.#idle.splice(0)) done();
      return;
    }
    this.#isWriting = true;
    this.#current = Buffer.from(this.#queue.join(''));
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#put();
  }

  #put(): void {
    this.#write(this.#fd, this.#current, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#put(), this.#retryMs).unref();
        this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
        return;
      }
      this.#retryMs = RETRY_MS_MIN;
      if (error !== null) {
        this.#fail(error, this.#current);
        this.#current = Buffer.alloc(0);
        this.#next();
        return;
      }
      this.#current = this.#current.subarray(written);
      if (this.#current.length > 0) this.#put();
      else this.#next();
    });
  }

  #fail(error: NodeJS.ErrnoException, lost: Buffer): void {
    this.#errors += 1;
    this.#lastCode = error.code ?? 'UNKNOWN';
    this.#lines += countLines(lost);
    if (error.code !== 'EPIPE') return;
    this.#isClosed = true;
    this.#lines += this.#queue.length;
    this.#queue = [];
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte === 10) count += 1;
  return count;
}

/** Opens a sink on a file descriptor, which stays the caller's to close. `bytesMax` bounds the queue. */
export function openSink(fd: number, writeCall: WriteCall = write, bytesMax: number = BYTES_MAX): LineSink {
  const sink = new FdSink(fd, writeCall, bytesMax);
  process.once('exit', () => sink.writeRest());
  return sink;
}
