/**
 * The HTTP/2 session of a server: what its client's frames mean, and which of them may come. Hot path.
 *
 * One pass over what was read counts each frame, checks it and does what it says. Requests are begun when all of a read has been
 * looked at: a body that came along is here then, and of what was taken back in the same breath nothing has been begun. Whatever
 * is wrong ends a stream or this session, never more.
 * ```
 * preface ─▸ SETTINGS ─▸ frames (requests) ─▸ closing (GOAWAY: no further requests) ─▸ over (GOAWAY with an error, or closed)
 * ```
 * Source: RFC 9113; RFC 8441 section 3.
 */

import { ABUSE, type Abuse } from '../../../model/threads/load/http2.ts';
import { FrameBudget } from '../frame-budget.ts';
import {
  CODE,
  type Code,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  type FrameHead,
  PREFACE,
  STREAM_ID_MAX,
  UPDATE_BYTES,
  WINDOW_BYTES_MAX,
  wordAt,
} from '../frames.ts';
import { type Block, BlockReader } from './blocks.ts';
import { ClosedStreams } from './closed.ts';
import { FreshStreams } from './fresh.ts';
import type { Output } from './output.ts';
import { applySettings, SETTING_BYTES } from './peer-settings.ts';
import { type FrameEvents, FrameReader } from './reader.ts';
import { FrameSender } from './sender.ts';
import { Http2Stream } from './stream.ts';
import { StreamTable } from './table.ts';
import type { SessionEvents, SessionLimits } from './terms.ts';

const PREFACE_BYTES = Buffer.from(PREFACE, 'latin1');
/** Requests that are begun at the latest when there are so many: of a flood in one piece no more is looked at than of one in many. */
const HEADS_AT_ONCE = 100;
/** What a PING of ours brings: the peer's answer to it is told from what else it may say. */
const OUR_PING = Buffer.from('graceful', 'latin1');

export class Session implements FrameEvents {
  readonly sender: FrameSender;
  /** Highest stream that the peer has begun. */
  lastId = 0;
  readonly #limits: SessionLimits;
  readonly events: SessionEvents;
  readonly #budget: FrameBudget;
  readonly #reader = new FrameReader(this, PREFACE_BYTES);
  readonly #blocks: BlockReader;
  readonly #streams = new StreamTable<Http2Stream>();
  readonly #closed = new ClosedStreams();
  #hasSettings = false;
  /** The peer has acknowledged our SETTINGS. */
  hasAcknowledged = false;
  /** Of the DATA frame under way; null: nobody wants it. */
  #dataOf: Http2Stream | null = null;
  #dataEnds = false;
  /** Bytes of it that the windows were not opened for, its padding included. */
  #dataLeft = 0;
  /** What the peer may still send on the connection, and what was taken that it has not been told of. */
  #window: number;
  #taken = 0;
  /** Requests that have not been begun. */
  #heads: Http2Stream[] = [];
  readonly #fresh = new FreshStreams();
  #isClosing = false;
  #isOver = false;

  constructor(output: Output, limits: SessionLimits, events: SessionEvents) {
    this.#limits = limits;
    this.events = events;
    this.#window = limits.windowBytes;
    this.#budget = new FrameBudget(limits);
    this.#blocks = new BlockReader(limits.fields);
    this.sender = new FrameSender(output, this.#budget);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Frames of the peer's that were looked at. */
  get frameCount(): number {
    return this.#budget.frameCount;
  }

  openStreams(): readonly Http2Stream[] {
    return this.#streams.all();
  }

  /** The peer owes the rest of something that costs memory until it is here: its preface, a header block, any frame but DATA. */
  get isOwed(): boolean {
    return this.#blocks.openId !== 0 || this.#reader.isCut;
  }

  /** Takes what was read, which is anybody's again when it returns. */
  take(bytes: Buffer, from: number, end: number): void {
    if (this.#isOver) return;
    if (!this.#reader.take(bytes, from, end) || !this.#beginAll()) return;
    this.#fresh.tellAll();
    this.sender.drain();
  }

  /** No more requests are wanted; those that are on their way are served. Then the peer is asked whether it has heard. */
  leave(): void {
    this.sender.goaway(STREAM_ID_MAX);
    this.sender.ping(OUR_PING, 0, false);
  }

  /** Those that are here are the last. */
  close(): void {
    this.#isClosing = true;
    this.sender.goaway(this.lastId);
  }

  /** Ends it because of something that the peer did, or did not do. */
  stop(why: Abuse, code: Code = CODE.calm): false {
    return this.#end(code, why);
  }

  /** Nothing more is taken or begun, and what is open ends. @param detail why */
  destroy(detail: string): void {
    this.#isOver = true;
    for (const stream of this.#streams.all()) {
      this.#streams.remove(stream);
      stream.close(true, detail);
    }
  }

  // ── asked by streams ────────────────────────────────────────────────────────────────────────────────────────────

  ended(stream: Http2Stream): void {
    this.#closed.ended(stream.id);
    this.#forget(stream, false, '');
  }

  /** @param isForced by what the peer sent */
  reset(stream: Http2Stream, code: Code, isForced: boolean): void {
    if (stream.isClosed) return;
    this.sender.reset(stream.id, code);
    this.#closed.reset(stream.id, true);
    if (isForced) this.#budget.forcedReset();
    this.#forget(stream, true, isForced ? 'malformed' : 'closed by the gateway');
  }

  /** Its owner hears of what is kept when all of the read was looked at. */
  tellLater(stream: Http2Stream): void {
    this.#fresh.add(stream);
  }

  /** Somebody took bytes, or they were nobody's. */
  giveBack(byteCount: number): void {
    this.#taken += byteCount;
    if (this.#isOver || this.#taken < UPDATE_BYTES) return;
    this.#window += this.#taken;
    this.sender.windowUpdate(0, this.#taken);
    this.#taken = 0;
  }

  #forget(stream: Http2Stream, isReset: boolean, detail: string): void {
    this.#streams.remove(stream);
    stream.close(isReset, detail);
    this.events.closes();
  }

  // ── from the reader ─────────────────────────────────────────────────────────────────────────────────────────────

  begins(head: FrameHead): boolean {
    if (this.#isOver) return false;
    if (!this.#budget.frame(head)) return this.#goesOn();
    const { length, type, flags, id } = head;
    if (length > FRAME_BYTES_MAX) return this.#fail(CODE.frameSize);
    const { openId } = this.#blocks;
    if (openId !== 0 && (type !== FRAME.continuation || id !== openId)) return this.#fail(CODE.protocol);
    if (!this.#hasSettings && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) return this.#fail(CODE.protocol);
    return type !== FRAME.data || this.#dataBegins(head);
  }

  frame(head: FrameHead, bytes: Buffer, from: number, end: number): boolean {
    switch (head.type) {
      case FRAME.headers:
        if ((head.id & 1) === 0) return this.#fail(CODE.protocol);
        return this.#heard(this.#blocks.begin(head, bytes, from, end));
      case FRAME.continuation:
        return this.#heard(this.#blocks.goOn(head, bytes, from, end));
      case FRAME.windowUpdate:
        return this.#windowUpdate(head, bytes, from);
      case FRAME.rstStream:
        return this.#reset(head);
      case FRAME.settings:
        return this.#settings(head, bytes, from, end);
      case FRAME.ping:
        return this.#ping(head, bytes, from);
      case FRAME.priority:
        return this.#priority(head, bytes, from);
      case FRAME.goaway:
        return this.#goaway(head);
      case FRAME.pushPromise:
        return this.#fail(CODE.protocol);
      default:
        return true;
    }
  }

  malformed(): false {
    return this.#fail(CODE.protocol);
  }

  // ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #dataBegins({ length, flags, id }: FrameHead): boolean {
    if (this.#isIdle(id)) return this.#fail(CODE.protocol);
    this.#window -= length;
    if (this.#window < 0) return this.#fail(CODE.flowControl);
    this.#dataEnds = (flags & FLAG.endStream) !== 0;
    this.#dataLeft = length;
    const stream = this.#streams.get(id);
    this.#dataOf = stream;
    if (stream === null) return this.#strays(id, length);
    if (stream.hasEnded) return this.#refuseData(stream, CODE.streamClosed, length);
    stream.receiveWindow -= length;
    return stream.receiveWindow >= 0 || this.#refuseData(stream, CODE.flowControl, length);
  }

  #refuseData(stream: Http2Stream, code: Code, length: number): boolean {
    this.#dataOf = null;
    this.reset(stream, code, true);
    this.giveBack(length);
    return this.#goesOn();
  }

  data(bytes: Buffer, from: number, end: number, isLast: boolean): boolean {
    const stream = this.#dataOf;
    if (stream === null) return true;
    this.#dataLeft -= end - from;
    if (isLast) this.#dataOf = null;
    if (isLast && this.#dataLeft > 0) stream.giveBack(this.#dataLeft);
    if (stream.isClosed) this.giveBack(end - from);
    else stream.receive(bytes, from, end, isLast && this.#dataEnds);
    return this.#goesOn();
  }

  // ── heads ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param block null: it is not complete, or nobody can read it */
  #heard(block: Block | null): boolean {
    if (block === null) return this.#blocks.fault === CODE.noError || this.#fail(this.#blocks.fault);
    const { id, isEnd, fields, fault } = block;
    if (id > this.lastId) return this.#opens(id, fields, isEnd, fault);
    const stream = this.#streams.get(id);
    if (stream === null) return this.#closed.howOf(id) === 'forgotten' ? this.#fail(CODE.protocol) : this.#strays(id);
    if (stream.hasEnded) this.reset(stream, CODE.streamClosed, true);
    else if (fault !== CODE.noError) this.reset(stream, fault, true);
    // Fields behind the body that do not end it are malformed.
    else if (!isEnd) this.reset(stream, CODE.protocol, true);
    else stream.receiveTrailers(fields);
    return this.#goesOn();
  }

  /** @param code why it is refused; `noError`: it is not */
  #opens(id: number, fields: string[], hasEnded: boolean, code: Code): boolean {
    // The peer was told that it will not be dealt with.
    if (this.#isClosing) return true;
    this.lastId = id;
    if (code !== CODE.noError) return this.#refuse(id, code);
    if (this.#streams.size >= this.#limits.streamsMax) return this.#refuse(id, CODE.refused);
    const stream = new Http2Stream(this, id, fields, hasEnded);
    this.#streams.add(stream);
    this.#heads.push(stream);
    return this.#heads.length < HEADS_AT_ONCE || this.#beginAll();
  }

  #beginAll(): boolean {
    const heads = this.#heads;
    if (heads.length === 0) return true;
    this.#heads = [];
    for (const stream of heads) {
      const { fields } = stream;
      if (fields === null) continue;
      stream.fields = null;
      this.events.begins(stream, fields);
      if (!this.#goesOn()) return false;
    }
    return true;
  }

  /** It was never begun. */
  #isIdle(id: number): boolean {
    return (id & 1) === 0 || (id > this.lastId && !this.#isClosing);
  }

  /** A frame with a body or a head on a stream that is not open any more. @param byteCount that nobody takes */
  #strays(id: number, byteCount = 0): boolean {
    this.giveBack(byteCount);
    const how = this.#closed.howOf(id);
    if (id > this.lastId || how === 'ours') return true;
    // What is forgotten may have been reset by us, however many others were since.
    return how === 'ended' ? this.#fail(CODE.streamClosed) : this.#refuse(id, CODE.streamClosed);
  }

  /** Resets a stream that is none. */
  #refuse(id: number, code: Code): boolean {
    this.sender.reset(id, code);
    this.#closed.reset(id, true);
    this.#budget.forcedReset();
    return this.#goesOn();
  }

  #reset({ length, id }: FrameHead): boolean {
    if (length !== 4) return this.#fail(CODE.frameSize);
    if (this.#isIdle(id)) return this.#fail(CODE.protocol);
    const stream = this.#streams.get(id);
    if (stream === null) return true;
    this.#closed.reset(id, false);
    this.#forget(stream, true, 'reset by the client');
    return this.#goesOn();
  }

  #priority({ length, id }: FrameHead, bytes: Buffer, from: number): boolean {
    if (length !== 5) return this.#fail(CODE.frameSize);
    return (id !== 0 && wordAt(bytes, from) !== id) || this.#fail(CODE.protocol);
  }

  #windowUpdate({ length, id }: FrameHead, bytes: Buffer, from: number): boolean {
    if (length !== 4) return this.#fail(CODE.frameSize);
    const byteCount = wordAt(bytes, from);
    if (id !== 0) return this.#widen(id, byteCount);
    if (byteCount === 0) return this.#fail(CODE.protocol);
    this.sender.window += byteCount;
    return this.sender.window <= WINDOW_BYTES_MAX || this.#fail(CODE.flowControl);
  }

  #widen(id: number, byteCount: number): boolean {
    if (this.#isIdle(id)) return this.#fail(CODE.protocol);
    const stream = this.#streams.get(id);
    if (stream === null) return true;
    if (byteCount === 0) this.reset(stream, CODE.protocol, true);
    else if (stream.sendWindow + byteCount > WINDOW_BYTES_MAX) this.reset(stream, CODE.flowControl, true);
    else stream.widen(byteCount);
    return this.#goesOn();
  }

  // ── about the connection ────────────────────────────────────────────────────────────────────────────────────────

  #settings({ length, flags, id }: FrameHead, bytes: Buffer, from: number, end: number): boolean {
    if (id !== 0) return this.#fail(CODE.protocol);
    const isAck = (flags & FLAG.ack) !== 0;
    if (length % SETTING_BYTES !== 0 || (isAck && length > 0)) return this.#fail(CODE.frameSize);
    if (isAck) this.hasAcknowledged = true;
    if (isAck) return true;
    this.#hasSettings = true;
    const fault = applySettings(this, bytes, from, end);
    if (fault !== CODE.noError) return this.#fail(fault);
    this.sender.acknowledgeSettings();
    return true;
  }

  #ping({ length, flags, id }: FrameHead, bytes: Buffer, from: number): boolean {
    if (id !== 0) return this.#fail(CODE.protocol);
    if (length !== OUR_PING.length) return this.#fail(CODE.frameSize);
    if ((flags & FLAG.ack) === 0) this.sender.ping(bytes, from, true);
    else if (OUR_PING.compare(bytes, from, from + length) === 0) this.events.answers();
    return true;
  }

  #goaway({ length, id }: FrameHead): boolean {
    if (id !== 0) return this.#fail(CODE.protocol);
    if (length < 8) return this.#fail(CODE.frameSize);
    this.events.leaves();
    return this.#goesOn();
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #goesOn(): boolean {
    const { abuse } = this.#budget;
    return abuse === null ? !this.#isOver : this.stop(abuse);
  }

  #fail(code: Code): false {
    return this.#end(code, ABUSE.protocol);
  }

  #end(code: Code, why: Abuse): false {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.sender.goaway(this.lastId, code);
    this.events.fails(why);
    return false;
  }
}
