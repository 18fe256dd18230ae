/**
 * Terms of a session: what it is bounded by, whom it tells, and whom its streams tell.
 */

import type { Abuse } from '../../../model/threads/load/http2.ts';
import type { FrameLimits } from '../frame-budget.ts';
import type { FieldLimits } from '../hpack/decoder.ts';
import type { Http2Stream } from './stream.ts';

/** What a session is bounded by. */
export interface SessionLimits extends FrameLimits {
  readonly fields: FieldLimits;
  readonly streamsMax: number;
  /** What all streams together may have sent that nobody has taken. */
  readonly windowBytes: number;
}

export interface SessionEvents {
  /** A request. It needs an owner now. */
  begins(stream: Http2Stream, fields: readonly string[]): void;
  /** A stream is closed. */
  closes(): void;
  /** There was too much of something, or an error. The peer has been told; nothing of it is dealt with any more. */
  fails(why: Abuse): void;
  /** The peer begins no more requests. */
  leaves(): void;
  /** The peer has answered our PING. */
  answers(): void;
  /** Nobody knows what has been said: the session is to end, not before whoever is speaking is done. */
  breaks(error: unknown): void;
}

/** Whose stream it is. */
export interface StreamOwner {
  /**
   * The peer has sent `bytes[from..end)`, which stand there until this returns. @param isEnd with them it has sent everything
   * @returns false: not now; they are kept until `read`
   */
  takes(bytes: Buffer, from: number, end: number, isEnd: boolean): boolean;
  /** Something is kept that was not, or the peer has ended. */
  arrived(): void;
  /** It is backed up no more. */
  flushed(): void;
  /** We have ended it, and all of that has left. */
  finished(): void;
  /** Nothing can be sent any more, and nothing will come. @param detail why, if a side has reset it or the session is over; else empty */
  closed(detail: string): void;
}
