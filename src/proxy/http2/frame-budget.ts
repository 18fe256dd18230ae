/**
 * Counts the frames of one connection that cost more to deal with than to send, and says when there were too many.
 *
 * It hears of a frame when it begins: what is too much is never dealt with. Each kind has a budget: so many at once, and so many
 * per second again. Answers pay for what clients say about them: updates of windows and pings.
 * Source: RFC 9113 section 10.5; CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671.
 */

import { turnMs } from '../../lib/clock.ts';
import { ABUSE, type Abuse } from '../../model/threads/load/http2.ts';
import { FLAG, FRAME, FRAME_BYTES_MAX, type FrameHead } from './frames.ts';

/** Of a kind whose budget is `limits.http2AbuseMax`: how many it regains per second. In the order of `ABUSE`. */
const PER_SECOND: readonly number[] = [50, 20, 20, 5, 50, 50, 20];
/** SETTINGS cost the most and are needed the least: a part of the budget of the others. */
const SETTINGS_SHARE = 0.1;
/** Updates of windows that a DATA frame pays for, besides one for each so many bytes of it. */
const UPDATES_PER_FRAME = 4;
const UPDATE_BYTES = 1024;
/** CONTINUATION frames of one header block, besides those that it needs at the size that every frame may have. */
const CONTINUATIONS_SPARE = 4;

export interface FrameLimits {
  readonly http2AbuseMax: number;
  readonly headBytesMax: number;
}

export class FrameBudget {
  /** What there was too much of, once there was. */
  abuse: Abuse | null = null;
  /** All that have begun. */
  frameCount = 0;
  readonly #limits: FrameLimits;
  /** Spent of each budget, below 0 what was paid in advance, and when. */
  readonly #spent = new Float64Array(PER_SECOND.length);
  readonly #atMs = new Float64Array(PER_SECOND.length).fill(turnMs());
  /** Of the header block that is under way. */
  #blockBytes = 0;
  #continuations = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** A frame of the client's begins. @returns false when there are too many of its kind */
  frame({ type, flags, length }: FrameHead): boolean {
    this.frameCount++;
    switch (type) {
      case FRAME.data:
        return length > 0 || (flags & FLAG.endStream) !== 0 || this.#spend(ABUSE.emptyFrames);
      case FRAME.headers:
        this.#blockBytes = length;
        this.#continuations = 0;
        return this.#isBlockFine();
      case FRAME.continuation:
        this.#blockBytes += length;
        this.#continuations++;
        return this.#isBlockFine();
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

  /** The client has made the gateway reset a stream. @returns false when it has too often */
  forcedReset(): boolean {
    return this.#spend(ABUSE.forcedResets);
  }

  /** A DATA frame of so many bytes leaves. */
  sentData(byteCount: number): void {
    this.#pay(ABUSE.windowUpdates, UPDATES_PER_FRAME + byteCount / UPDATE_BYTES);
    this.#pay(ABUSE.pings, 1);
  }

  /** A header block leaves. Some clients widen each stream as they begin it, whether its answer has a body or not. */
  sentHeaders(): void {
    this.#pay(ABUSE.windowUpdates, 1);
    this.#pay(ABUSE.pings, 1);
  }

  #isBlockFine(): boolean {
    const { headBytesMax } = this.#limits;
    const isTooMany = this.#continuations > CONTINUATIONS_SPARE + headBytesMax / FRAME_BYTES_MAX;
    return (!isTooMany && this.#blockBytes <= 2 * headBytesMax + FRAME_BYTES_MAX) || this.#stop(ABUSE.continuations);
  }

  #spend(kind: Abuse, share = 1): boolean {
    const atMs = this.#atMs[kind] as number;
    const perMs = (PER_SECOND[kind] as number) / 1000;
    const regained = Math.floor((turnMs() - atMs) * perMs);
    const spent = this.#spent[kind] as number;
    // What has passed of the time for the next one counts for that.
    if (regained > 0) this.#atMs[kind] = atMs + regained / perMs;
    const spentNow = 1 + (spent > 0 ? Math.max(0, spent - regained) : spent);
    this.#spent[kind] = spentNow;
    return spentNow <= share * this.#limits.http2AbuseMax || this.#stop(kind);
  }

  /** At most as much in advance as the budget is. */
  #pay(kind: Abuse, amount: number): void {
    this.#spent[kind] = Math.max(-this.#limits.http2AbuseMax, (this.#spent[kind] as number) - amount);
  }

  #stop(abuse: Abuse): false {
    this.abuse ??= abuse;
    return false;
  }
}
