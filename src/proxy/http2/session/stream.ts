/**
 * One stream of a session: what the peer sends on it until somebody takes it, and what it is sent until it has left. Hot path.
 *
 * Bytes that come are offered where they were read; what nobody takes now is kept, which the stream's window bounds, and the window
 * is opened again as it is taken. Of bytes to be sent that must wait, few are copied; many stay where they are, and the stream is
 * backed up until they have left. Whoever writes, often an upstream in its own turn, is not told of a defect: the session is.
 * ```
 * open ─▸ the peer has ended │ we have ended ─▸ closed      a reset of either side ─▸ closed
 * ```
 * Source: RFC 9113 sections 5.1, 5.2, 8.1.1.
 */

import { CODE, type Code, UPDATE_BYTES, WINDOW_BYTES } from '../frames.ts';
import { type Piece, Pieces } from './pieces.ts';
import type { Session } from './session.ts';
import type { StreamOwner } from './terms.ts';

/** Bytes that are copied when they must wait, and as many as may wait before the stream is backed up. */
const COPY_BYTES_MAX = 16_384;
const AHEAD_BYTES = 65_536;
/** Bytes of one frame that are worth passing on by themselves. */
const MUCH_BYTES = 4096;

export class Http2Stream {
  readonly id: number;
  /** It did not end with its head. */
  readonly hasBody: boolean;
  readonly #session: Session;
  owner: StreamOwner | null = null;
  /** The fields that it began with, until it has an owner. */
  fields: string[] | null;
  /** What may be sent, and what may come. The former is below zero when the peer took some of it back. */
  sendWindow: number;
  receiveWindow = WINDOW_BYTES;
  /** Taken, and the window not opened for it. */
  #taken = 0;
  /** Body bytes that are still to come, as announced; -1: nothing was. */
  #announced = -1;
  /** Kept, in their order. */
  #kept: Pieces | null = null;
  /** Of the session's: its owner is to hear of it. */
  isFresh = false;
  /** The peer has sent everything, and the fields that it ended with. */
  hasEnded: boolean;
  trailers: string[] | null = null;
  /** To be sent, in their order. */
  #waiting: Pieces | null = null;
  #wasBackedUp = false;
  /** It ends behind what waits: with these fields if there are some. */
  #isEnding = false;
  #lastFields: readonly string[] | null = null;
  /** We have sent everything. */
  hasFinished = false;
  #isWaived = false;
  isClosed = false;
  /** One of both sides has reset it, or the session is over. */
  isReset = false;
  /** Of the sender's queue. */
  isQueued = false;
  next: Http2Stream | null = null;
  before: Http2Stream | null = null;

  /** @param hasEnded with its head already */
  constructor(session: Session, id: number, fields: string[], hasEnded: boolean) {
    this.#session = session;
    this.id = id;
    this.fields = fields;
    this.hasBody = !hasEnded;
    this.hasEnded = hasEnded;
    this.sendWindow = session.sender.streamWindow;
  }

  // ── what comes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The peer has announced so many bytes. @returns false when it sent others, and else resets the stream as soon as it does */
  expect(byteCount: number): boolean {
    this.#announced = byteCount - this.keptBytes;
    return this.#announced === 0 || (this.#announced > 0 && !this.hasEnded);
  }

  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#kept === null ? 0 : this.#kept.byteCount;
  }

  /** From the session: bytes of the peer's. Few are kept until all of the read was looked at, so that they go on together. */
  receive(bytes: Buffer, from: number, end: number, isEnd: boolean): void {
    this.hasEnded = isEnd;
    if (!this.#isAsAnnounced(end - from)) {
      this.#session.reset(this, CODE.protocol, true);
      this.#session.giveBack(end - from);
      return;
    }
    const { owner } = this;
    const isMuch = end - from >= MUCH_BYTES && this.keptBytes === 0;
    if (isMuch && owner !== null && owner.takes(bytes, from, end, isEnd)) {
      this.giveBack(end - from);
    } else {
      if (end > from) {
        this.#kept ??= new Pieces();
        this.#kept.copy(bytes, from, end);
      }
      if (owner !== null) this.#session.tellLater(this);
    }
    this.#endIfOver();
  }

  /** From the session: the fields behind the body. */
  receiveTrailers(fields: string[]): void {
    this.hasEnded = true;
    if (!this.#isAsAnnounced(0)) return this.#session.reset(this, CODE.protocol, true);
    this.trailers = fields;
    this.owner?.arrived();
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.hasEnded && this.hasFinished && !this.isClosed) this.#session.ended(this);
  }

  #isAsAnnounced(byteCount: number): boolean {
    if (this.#announced < 0) return true;
    this.#announced -= byteCount;
    return this.#announced === 0 || (this.#announced > 0 && !this.hasEnded);
  }

  /** The next bytes that are kept, which are the caller's from now on; null: there are none. */
  read(): Buffer | null {
    const bytes = this.#kept === null ? null : this.#kept.shift();
    if (bytes !== null) this.giveBack(bytes.length);
    return bytes;
  }

  /** Nobody wants what is kept. */
  discard(): void {
    const byteCount = this.keptBytes;
    this.#kept = null;
    this.giveBack(byteCount);
  }

  /** Opens the windows for bytes that were taken, or were none of the body's. */
  giveBack(byteCount: number): void {
    if (byteCount === 0) return;
    this.#session.giveBack(byteCount);
    if (this.hasEnded || this.isClosed) return;
    this.#taken += byteCount;
    if (this.#taken < UPDATE_BYTES) return;
    this.#session.sender.windowUpdate(this.id, this.#taken);
    this.receiveWindow += this.#taken;
    this.#taken = 0;
  }

  // ── what is sent ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something that was written must not change yet, or enough waits. */
  get isBackedUp(): boolean {
    const waiting = this.#waiting;
    return waiting !== null && (waiting.lentCount > 0 || waiting.byteCount >= AHEAD_BYTES);
  }

  /** Something waits to be sent. */
  get #isWaiting(): boolean {
    return this.#waiting !== null && this.#waiting.byteCount > 0;
  }

  /** @param fields names in lower case and values in turn @param isEnd nothing follows */
  respond(fields: readonly string[], isEnd: boolean): void {
    if (this.isClosed) return;
    try {
      this.#session.sender.headers(this.id, fields, isEnd);
      if (isEnd) this.#finished();
    } catch (error) {
      this.#session.events.breaks(error);
    }
  }

  /** Sends `bytes[from..end)`, which must not change while it is backed up. @param isEnd nothing follows */
  write(bytes: Buffer, from: number, end: number, isEnd: boolean): void {
    if (this.isClosed || this.#isEnding || this.hasFinished) return;
    if (from === end) {
      if (isEnd) this.end(null);
      return;
    }
    try {
      this.#write(bytes, from, end, isEnd);
    } catch (error) {
      this.#session.events.breaks(error);
    }
  }

  #write(bytes: Buffer, from: number, end: number, isEnd: boolean): void {
    const { sender } = this.#session;
    let at = from;
    if (!this.#isWaiting && !sender.hasQueue) {
      at = sender.data(this, { bytes, from, end }, isEnd, Number.POSITIVE_INFINITY);
      if (at === end) {
        if (isEnd) this.#finished();
        return;
      }
    }
    this.#wait(bytes, at, end);
    this.#isEnding = isEnd;
    if (this.sendWindow <= 0) return;
    sender.enqueue(this);
    sender.drain();
  }

  /** Ends it behind what waits. @param trailers names in lower case and values in turn; null: there are none */
  end(trailers: readonly string[] | null): void {
    if (this.isClosed || this.#isEnding || this.hasFinished) return;
    this.#lastFields = trailers;
    if (this.#isWaiting) this.#isEnding = true;
    else this.#endOrBreak();
  }

  #endOrBreak(): void {
    try {
      this.#endNow();
    } catch (error) {
      this.#session.events.breaks(error);
    }
  }

  /** Its turn has come: sends a frame, and waits for the next turn if there is more. From the sender. */
  sendOn(): void {
    if (this.isClosed || !this.#isWaiting) return;
    const { sender } = this.#session;
    const waiting = this.#waiting as Pieces;
    const first = waiting.first as Piece;
    const isLast = this.#isEnding && waiting.size === 1 && this.#lastFields === null;
    waiting.drop(sender.data(this, first, isLast, 1) - first.from);
    if (waiting.byteCount > 0) {
      if (this.sendWindow > 0) sender.enqueue(this);
    } else if (this.#isEnding) {
      if (isLast) this.#finished();
      else this.#endNow();
    }
    this.#relieve();
  }

  /** The peer takes so many bytes more, or less. From the session. */
  widen(byteCount: number): void {
    const before = this.sendWindow;
    this.sendWindow += byteCount;
    if (before <= 0 && this.sendWindow > 0 && this.#isWaiting) this.#session.sender.enqueue(this);
  }

  #wait(bytes: Buffer, from: number, end: number): void {
    this.#waiting ??= new Pieces();
    if (end - from > COPY_BYTES_MAX) this.#waiting.lend(bytes, from, end);
    else this.#waiting.copy(bytes, from, end);
    this.#wasBackedUp ||= this.isBackedUp;
  }

  #relieve(): void {
    if (!this.#wasBackedUp || this.isBackedUp) return;
    this.#wasBackedUp = false;
    this.owner?.flushed();
  }

  #endNow(): void {
    const { sender } = this.#session;
    if (this.#lastFields === null) sender.endData(this.id);
    else sender.headers(this.id, this.#lastFields, true);
    this.#finished();
  }

  #finished(): void {
    this.hasFinished = true;
    this.#isEnding = false;
    this.owner?.finished();
    this.#endIfOver();
    if (!this.isClosed && this.#isWaived) this.#session.reset(this, CODE.noError, false);
  }

  // ── the end before its time ─────────────────────────────────────────────────────────────────────────────────────

  /** Once it is answered its peer need not send the rest. */
  waive(): void {
    this.discard();
    if (this.isClosed || this.hasEnded) return;
    this.#isWaived = true;
    if (this.hasFinished) this.#session.reset(this, CODE.noError, false);
  }

  /** Resets it, and not because of its peer. */
  cut(code: Code = CODE.internal): void {
    if (!this.isClosed) this.#session.reset(this, code, false);
  }

  /** Resets it because of what its peer sent. */
  refuse(): void {
    if (!this.isClosed) this.#session.reset(this, CODE.protocol, true);
  }

  /** From the session: it is not in the table any more. @param isReset nothing of it is of use */
  close(isReset: boolean, detail: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isReset = isReset;
    this.fields = null;
    if (isReset) this.discard();
    this.#waiting = null;
    this.#session.sender.dequeue(this);
    this.owner?.closed(detail);
  }
}
