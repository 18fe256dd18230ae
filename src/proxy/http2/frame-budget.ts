/**
 * Counts the frames of one connection that cost more to deal with than to send, and says when there were too many.
 *
 * It hears of a frame before the session does: what is too much is never dealt with. Each kind has a budget: so many at
 * once, and so many per second again. Answers pay for what clients say about them: updates of windows and pings.
 * ```
 * client ─▸ FrameBudget ─▸ session ─▸ FrameBudget (what is sent) ─▸ client
 * ```
 * What a client makes the gateway say is known when it is said. So that no more is dealt with until then, heads are taken some at
 * a time (`HEADS_AT_ONCE`): of a flood that comes in one piece the session gets as little as of one that comes in many.
 * Source: RFC 9113 section 10.5; CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671.
 */

import { turnMs } from '../../lib/clock.ts';
import { ABUSE, type Abuse } from '../../model/threads/load/http2.ts';
import { FieldBlocks } from './field-blocks.ts';
import { FLAG, FRAME, type FrameEvents, FrameReader, PREFACE } from './frames.ts';

/** Of a kind whose budget is `limits.http2AbuseMax`: how many it regains per second. In the order of `ABUSE`. */
const PER_SECOND: readonly number[] = [50, 20, 20, 5, 50, 50, 20];
/** SETTINGS cost the most and are needed the least: a part of the budget of the others. */
const SETTINGS_SHARE = 0.1;
/** Updates of windows that a DATA frame pays for, besides one for each so many bytes of it. */
const UPDATES_PER_FRAME = 4;
const UPDATE_BYTES = 1024;
/** Heads that are taken before the session has dealt with them: as many as a client may have open at a time by default. */
const HEADS_AT_ONCE = 100;
/** CONTINUATION frames of one header block, besides those that it needs at the size that every frame may have. */
const CONTINUATIONS_SPARE = 4;
const FRAME_BYTES = 16_384;

export interface FrameLimits {
  readonly http2AbuseMax: number;
  readonly headBytesMax: number;
}

export class FrameBudget implements FrameEvents {
  /** What there was too much of, once there was. */
  abuse: Abuse | null = null;
  /** Highest stream that the client has named. */
  lastStreamId = 0;
  /** What was sent of fields. */
  readonly blocks = new FieldBlocks();
  readonly #limits: FrameLimits;
  readonly #in: FrameReader;
  readonly #out: FrameReader;
  /** Spent of each budget, below 0 what was paid in advance, and when. */
  readonly #spent = new Float64Array(PER_SECOND.length);
  readonly #atMs = new Float64Array(PER_SECOND.length).fill(turnMs());
  /** Of the header block that is under way. */
  #isInBlock = false;
  #blockBytes = 0;
  #continuations = 0;
  #type: number = FRAME.settings;
  /** Resets that are the gateway's own will, and have not been sent. */
  #own = 0;
  /** Heads since the session has last had its turn. */
  #heads = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
    this.#in = new FrameReader(this, PREFACE.length);
    this.#out = new FrameReader({ frame: (type, _flags, length, id) => this.#sent(type, length, id) }, 0);
  }

  /** The client owes the rest of something that costs memory until it is here: its preface, a header block, any frame but DATA. */
  get isOwed(): boolean {
    return this.#isInBlock || (this.#in.isWithin && this.#type !== FRAME.data);
  }

  /** What was sent last ends within a frame. */
  get isSending(): boolean {
    return this.#out.isWithin;
  }

  /** How far `take` has looked: less than its end where the session is to have its turn before the rest. */
  get position(): number {
    return this.#in.position;
  }

  /** Looks at what was read, as far as the session may have it (`position`). @returns false when there was too much of something. */
  take(bytes: Uint8Array, from: number, end: number): boolean {
    if (this.abuse === null) this.#in.take(bytes, from, end);
    return this.abuse === null;
  }

  /** The session has had its turn. */
  turned(): void {
    this.#heads = 0;
  }

  /** Looks at what is about to be sent. @returns the same. */
  send(bytes: Uint8Array): boolean {
    this.#heads = 0;
    return this.abuse === null && this.#out.take(bytes, 0, bytes.length);
  }

  /** The gateway resets a stream because of somebody else than the client. */
  ownReset(): void {
    this.#own++;
  }

  /** A frame of the client's begins. */
  frame(type: number, flags: number, length: number, streamId: number): boolean {
    this.#type = type;
    if (streamId > this.lastStreamId && type === FRAME.headers) this.lastStreamId = streamId;
    switch (type) {
      case FRAME.data:
        return length > 0 || (flags & FLAG.endStream) !== 0 || this.#spend(ABUSE.emptyFrames);
      case FRAME.headers:
        return this.#block(type, flags, length, streamId) && ++this.#heads < HEADS_AT_ONCE;
      case FRAME.continuation:
        return this.#block(type, flags, length, streamId);
      case FRAME.rstStream:
        return this.#spend(ABUSE.resets);
      case FRAME.settings:
        return (flags & FLAG.ack) !== 0 || this.#spend(ABUSE.settings, SETTINGS_SHARE);
      case FRAME.ping:
        return (flags & FLAG.ack) !== 0 || this.#spend(ABUSE.pings);
      case FRAME.windowUpdate:
        return this.#spend(ABUSE.windowUpdates);
      case FRAME.goaway:
        return true;
      default:
        return this.#spend(ABUSE.priorities);
    }
  }

  part(bytes: Uint8Array, from: number, end: number, left: number): void {
    this.blocks.take(bytes, from, end, left);
  }

  #block(type: number, flags: number, length: number, streamId: number): boolean {
    this.blocks.frame(type, flags, length, streamId);
    if (type === FRAME.headers) {
      this.#blockBytes = 0;
      this.#continuations = 0;
    } else this.#continuations++;
    this.#blockBytes += length;
    this.#isInBlock = (flags & FLAG.endHeaders) === 0;
    const { headBytesMax } = this.#limits;
    const isTooMany = this.#continuations > CONTINUATIONS_SPARE + headBytesMax / FRAME_BYTES;
    return (!isTooMany && this.#blockBytes <= 2 * headBytesMax + FRAME_BYTES) || this.#stop(ABUSE.continuations);
  }

  #sent(type: number, length: number, streamId: number): boolean {
    if (type === FRAME.data) this.#pay(ABUSE.windowUpdates, UPDATES_PER_FRAME + length / UPDATE_BYTES);
    if (type === FRAME.data || type === FRAME.headers) this.#pay(ABUSE.pings, 1);
    if (type !== FRAME.rstStream) return true;
    this.blocks.forget(streamId);
    if (this.#own === 0) return this.#spend(ABUSE.forcedResets);
    this.#own--;
    return true;
  }

  #spend(kind: Abuse, share = 1): boolean {
    const now = turnMs();
    const regained = (((now - (this.#atMs[kind] as number)) / 1000) * (PER_SECOND[kind] as number)) | 0;
    const spent = this.#spent[kind] as number;
    if (regained > 0) this.#atMs[kind] = now;
    const spentNow = 1 + (spent > 0 ? Math.max(0, spent - regained) : spent);
    this.#spent[kind] = spentNow;
    return spentNow <= share * this.#limits.http2AbuseMax || this.#stop(kind);
  }

  /** At most as much in advance as the budget is. */
  #pay(kind: Abuse, amount: number): void {
    this.#spent[kind] = Math.max(-this.#limits.http2AbuseMax, (this.#spent[kind] as number) - amount);
  }

  #stop(abuse: Abuse): false {
    this.abuse = abuse;
    return false;
  }
}
