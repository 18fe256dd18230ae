/**
 * Bodies that a fault slows down: so many bytes a second, each direction by itself.
 *
 * What was read stays where it is and is sent piece by piece, by a timer; meanwhile it counts as not taken, so that who reads it
 * pauses as with a slow reader. So nothing is copied, and no more waits than one read brought, or than is kept of a request's
 * body. The head of a response goes with its body. What is not sent for want of a reader is not made up for in one go.
 */

import { Transform, type Writable } from 'node:stream';
import { beginTurn, turnMs } from '../../lib/clock.ts';
import type { FaultBandwidth } from '../../model/threads/faults.ts';
import type { Exchange } from '../exchange.ts';
import { whole } from '../wire/memory/memory.ts';
import type { Outlet } from '../wire/wire.ts';

/** Least time between two pieces. */
const TICK_MS = 20;
/** What may be made up for at most when a timer comes late. */
const BURST_MS = 100;

/** Where the two bodies of an exchange are slowed down. */
export interface Pacing {
  readonly request: number | null;
  readonly response: number | null;
  toUpstream: PacedOutlet | null;
  toClient: PacedOutlet | null;
}

/** How an exchange is slowed down; it has nothing to send yet. */
export function pacingOf({ requestBytesPerS, responseBytesPerS }: FaultBandwidth): Pacing {
  return { request: requestBytesPerS, response: responseBytesPerS, toUpstream: null, toClient: null };
}

/** Where the response goes: the client's connection, unless it is slowed down. Cost: a comparison. */
export function towardsClient(x: Exchange): Outlet {
  const pacing = x.retrying === null ? null : x.retrying.pacing;
  if (pacing === null || pacing.response === null) return x.client.out;
  pacing.toClient ??= new PacedOutlet(
    x,
    pacing.response,
    () => x.client.out,
    () => x.upstream?.resume(),
  );
  return pacing.toClient;
}

/** Where the body of the request goes: the connection of the attempt, unless it is slowed down. Cost: a comparison. */
export function towardsUpstream(x: Exchange, wire: Outlet): Outlet {
  const pacing = x.retrying === null ? null : x.retrying.pacing;
  if (pacing === null || pacing.request === null) return wire;
  if (pacing.toUpstream === null || pacing.toUpstream.out !== wire) {
    pacing.toUpstream?.stop();
    pacing.toUpstream = new PacedOutlet(
      x,
      pacing.request,
      () => wire,
      () => x.client.resumeReading(),
    );
  }
  return pacing.toUpstream;
}

/** The same for a request that goes into a stream: what is written there goes on in its time. Ends with the stream. */
export function pacedInto(x: Exchange, stream: Writable): Writable {
  const pacing = x.retrying === null ? null : x.retrying.pacing;
  if (pacing === null || pacing.request === null) return stream;
  const paced = pacedStream(x, pacing.request / 1000);
  paced.pipe(stream);
  stream.once('close', () => paced.destroy());
  return paced;
}

function pacedStream(x: Exchange, bytesPerMs: number): Transform {
  const tickMs = Math.max(TICK_MS, 1 / bytesPerMs);
  let timer: NodeJS.Timeout | null = null;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let from = 0;
      const next = (): void => {
        timer = setTimeout(() => {
          const end = Math.min(chunk.length, from + Math.max(1, Math.floor(bytesPerMs * tickMs)));
          // The chunk's memory is its owner's again once all of it has gone on.
          this.push(Buffer.from(chunk.subarray(from, end)));
          from = end;
          beginTurn();
          if (!x.isFinished) x.client.touch();
          if (from < chunk.length) next();
          else done();
        }, tickMs);
      };
      next();
    },
    destroy(error, done) {
      if (timer !== null) clearTimeout(timer);
      done(error);
    },
  });
}

/** Some of the request waits for its turn. Cost: a comparison. */
export function isSending(x: Exchange | null): boolean {
  return x !== null && x.retrying !== null && x.retrying.pacing?.toUpstream?.isPending === true;
}

/** Some of the response does. */
export function isAnswering(x: Exchange | null): boolean {
  return x !== null && x.retrying !== null && x.retrying.pacing?.toClient?.isPending === true;
}

interface Span {
  readonly bytes: Buffer;
  from: number;
  readonly end: number;
}

/** An outlet that takes everything and passes it on in its time. */
class PacedOutlet implements Outlet {
  readonly #x: Exchange;
  readonly #bytesPerMs: number;
  readonly #outOf: () => Outlet;
  readonly #drained: () => void;
  readonly #spans: Span[] = [];
  #timer: NodeJS.Timeout | null = null;
  #allowed = 0;
  #allowedAtMs = 0;

  constructor(x: Exchange, bytesPerS: number, outOf: () => Outlet, drained: () => void) {
    this.#x = x;
    this.#bytesPerMs = bytesPerS / 1000;
    this.#outOf = outOf;
    this.#drained = drained;
  }

  get out(): Outlet {
    return this.#outOf();
  }

  get isPending(): boolean {
    return this.#spans.length > 0;
  }

  /** What it cannot send yet stays where it is. */
  readonly isCopying = false;

  get isBackedUp(): boolean {
    return this.isPending || this.out.isBackedUp;
  }

  get bytesSent(): number {
    return this.out.bytesSent;
  }

  /** A head, or what frames a body: at once, unless it follows what waits. */
  writeText(text: string): void {
    if (this.isPending) this.#wait(Buffer.from(text, 'latin1'), 0, text.length);
    else this.out.writeText(text);
  }

  /** @param bytes must not change while this is backed up. */
  writeBytes(bytes: Buffer, from: number, end: number): void {
    if (end > from) this.#wait(bytes, from, end);
  }

  /** What stands in the thread's memory is copied: the answer may be that of a hedge, which is not slowed down itself. */
  writeSoon(bytes: Buffer, from: number, end: number): boolean {
    if (bytes === whole) this.writeBytes(Buffer.from(bytes.subarray(from, end)), 0, end - from);
    else this.writeBytes(bytes, from, end);
    return !this.isBackedUp;
  }

  /** What waits is not sent any more. */
  stop(): void {
    this.#spans.length = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(bytes: Buffer, from: number, end: number): void {
    this.#spans.push({ bytes, from, end });
    if (this.#timer !== null) return;
    // What was allowed before there was anything to send is gone.
    this.#allowed = 0;
    this.#allowedAtMs = turnMs();
    this.#arm();
  }

  /** Until there is a byte to send. */
  #arm(): void {
    this.#timer = setTimeout(() => this.#turn(), Math.max(TICK_MS, 1 / this.#bytesPerMs));
  }

  #turn(): void {
    const nowMs = beginTurn();
    this.#timer = null;
    const x = this.#x;
    if (x.isFinished) {
      this.stop();
      return;
    }
    const burst = Math.max(1, this.#bytesPerMs * BURST_MS);
    this.#allowed = Math.min(burst, this.#allowed + (nowMs - this.#allowedAtMs) * this.#bytesPerMs);
    this.#allowedAtMs = nowMs;
    const { out } = this;
    if (!out.isBackedUp) {
      this.#send(out);
      // Slow on purpose is not stalled.
      x.client.touch();
    }
    if (this.isPending) this.#arm();
    else if (!out.isBackedUp) this.#drained();
  }

  #send(out: Outlet): void {
    for (let span = this.#spans[0]; span !== undefined && this.#allowed >= 1; span = this.#spans[0]) {
      const count = Math.min(Math.floor(this.#allowed), span.end - span.from);
      out.writeBytes(span.bytes, span.from, span.from + count);
      span.from += count;
      this.#allowed -= count;
      if (span.from === span.end) this.#spans.shift();
      // The last piece may still be read from where it stands.
      if (out.isBackedUp) return;
    }
  }
}
