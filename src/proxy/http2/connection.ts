/**
 * One client connection that speaks HTTP/2: a session over a wire, and the limits of both.
 *
 * What is read goes to the session; what it says leaves at the end of the loop's round. Each stream is a client of its own to
 * everything behind it (`stream.ts`). Draining: the client is told first that no more streams are wanted, which loses none that is
 * on its way, and when it has heard that, which was the last.
 * ```
 * open ─▸ leaving (GOAWAY) ─▸ closing (GOAWAY with the last stream) ─▸ lingering (FIN, discarding input) ─▸ closed
 *    └────(too much of something: GOAWAY with an error)────────────────────▴
 * ```
 * Source: RFC 9113 sections 3.4, 5.4.1, 6.8, 9.1, 10.5.
 */

import { beginTurn, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { DEFECT, tellDefect } from '../../lib/threads/defects.ts';
import { ABUSE, type Abuse, HTTP2_WORD } from '../../model/threads/load/http2.ts';
import type { PeerLines } from '../header/forwarded.ts';
import {
  type Caller,
  type ConnectionEvents,
  LINGER_BYTES_MAX,
  LINGER_MS,
  UNSENT_BYTES_MAX,
} from '../http1/client-terms.ts';
import type { Lane } from '../lane.ts';
import type { WireHandle } from '../wire/binding.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { CODE } from './frames.ts';
import type { StreamHome } from './home.ts';
import { Output } from './session/output.ts';
import { Session } from './session/session.ts';
import type { Http2Stream } from './session/stream.ts';
import type { SessionEvents } from './session/terms.ts';
import { opening, sessionLimits } from './settings.ts';
import { ClientStream } from './stream.ts';

/** How long the client may take to say that it has heard of the end. */
const NOTICE_MS = 1000;
/** Requests, or frames, in one read with which a connection has had its part of the loop's round: what more it has sent is read in the next. */
const REQUESTS_A_ROUND = 100;
const FRAMES_A_ROUND = 1000;

type State = 'open' | 'leaving' | 'closing' | 'lingering' | 'closed';

export class Http2Connection implements Caller, Timed, WireOwner, SessionEvents, StreamHome {
  deadlineAtMs: number;
  slot = -1;
  place = -1;
  readonly lane: Lane;
  readonly lines: PeerLines;
  readonly #events: ConnectionEvents;
  readonly #wire: Wire;
  readonly #output: Output;
  readonly #session: Session;
  #state: State = 'open';
  #served = 0;
  /** The client has said that it goes. */
  #hasClientLeft = false;
  /** The client will send no more. */
  #hasEnded = false;
  #lingered = 0;
  #idleSinceMs: number;
  /** Since when the client owes the rest of something; 0: it does not. */
  #owedSinceMs: number;
  #noticeUntilMs = Number.POSITIVE_INFINITY;
  /** By then the client has acknowledged our SETTINGS. */
  readonly #acknowledgedByMs: number;

  constructor(handle: WireHandle, lane: Lane, lines: PeerLines, events: ConnectionEvents) {
    const { limits, timeouts } = lane.table;
    this.lane = lane;
    this.lines = lines;
    this.#events = events;
    this.#idleSinceMs = turnMs();
    this.#owedSinceMs = this.#idleSinceMs;
    this.#acknowledgedByMs = this.#idleSinceMs + timeouts.headMs;
    this.deadlineAtMs = this.#acknowledgedByMs;
    lane.deadlines.add(this);
    lane.recorder.http2(HTTP2_WORD.connections);
    this.#wire = new Wire(handle, lane.readBuffer, this);
    this.#output = new Output(this.#wire);
    this.#session = new Session(this.#output, sessionLimits(limits), this);
    this.#output.put(opening(limits));
  }

  // ── from the listener ───────────────────────────────────────────────────────────────────────────────────────────

  drain(): void {
    this.#leave();
  }

  destroy(): void {
    this.#gone('closed by the gateway');
  }

  broke(): void {
    this.#gone(DEFECT);
  }

  expire(now: number): void {
    if (this.#state === 'lingering') this.#close();
    else if (this.#owedSinceMs !== 0 && now >= this.#owedSinceMs + this.lane.table.timeouts.headMs) {
      this.#session.stop(ABUSE.stalled);
    } else if (!this.#session.hasAcknowledged && now >= this.#acknowledgedByMs) {
      this.#session.stop(ABUSE.stalled, CODE.settingsTimeout);
    } else if (this.#state === 'leaving') this.#sayLast();
    else if (this.#state === 'open') this.#leave();
    else this.#gone('closed by the gateway');
  }

  // ── from the wire ───────────────────────────────────────────────────────────────────────────────────────────────

  received(count: number): void {
    if (this.#state === 'lingering') {
      this.#lingered += count;
      if (this.#lingered > LINGER_BYTES_MAX) this.#close();
      return;
    }
    const servedBefore = this.#served;
    const framesBefore = this.#session.frameCount;
    this.#session.take(this.lane.readBuffer, 0, count);
    // A client that asks and does not take what it is told is asked for nothing more.
    if (!this.#isOver && this.#isStuffed) this.#wire.pause();
    else if (!this.#isOver && this.#hasHadItsPart(servedBefore, framesBefore)) this.#rest();
    this.#setDeadline();
  }

  #hasHadItsPart(servedBefore: number, framesBefore: number): boolean {
    const { frameCount } = this.#session;
    return this.#served - servedBefore >= REQUESTS_A_ROUND || frameCount - framesBefore >= FRAMES_A_ROUND;
  }

  get #isStuffed(): boolean {
    return this.#output.waitingBytes > UNSENT_BYTES_MAX;
  }

  /** The kernel may have much more of what it sent: others come first. */
  #rest(): void {
    this.#wire.pause();
    setImmediate(goOn, this);
  }

  /** Reads on, unless the client is to take something before. */
  goOn(): void {
    if (!this.#isOver && !this.#isStuffed) this.#wire.resume();
  }

  /** Who has asked for nothing that is not answered may still take what waits. */
  ended(): void {
    this.#hasEnded = true;
    this.#output.flush();
    if (this.#session.streamCount === 0 && this.#output.isHeldUp) this.#linger();
    else this.#gone('closed');
  }

  broken(code: string): void {
    this.#gone(code);
  }

  flushed(): void {
    if (this.#state === 'lingering') this.#hasSaidAll();
    if (this.#isOver) return;
    this.#session.sender.drain();
    this.goOn();
  }

  // ── from the session ────────────────────────────────────────────────────────────────────────────────────────────

  begins(stream: Http2Stream, fields: readonly string[]): void {
    const { recorder, isDraining, table } = this.lane;
    recorder.http2(HTTP2_WORD.requests);
    new ClientStream(this, stream).begin(fields);
    if (++this.#served >= table.limits.requestsPerConnectionMax || isDraining) this.#leave();
  }

  closes(): void {
    if (this.#session.streamCount > 0) return;
    this.#idleSinceMs = turnMs();
    if (this.#state === 'closing') this.#linger();
    else if (this.lane.isDraining) this.#leave();
    this.#setDeadline();
  }

  fails(why: Abuse): void {
    if (why !== ABUSE.protocol || !this.#hasClientLeft) this.lane.recorder.http2(HTTP2_WORD.abuses + why);
    this.#linger();
  }

  leaves(): void {
    this.#hasClientLeft = true;
    if (this.#state === 'open' || this.#state === 'leaving') this.#sayLast();
  }

  answers(): void {
    if (this.#state === 'leaving') this.#sayLast();
  }

  /** From the next turn on: who is speaking may be in the middle of its own. */
  breaks(error: unknown): void {
    tellDefect(error);
    this.#output.drop();
    setImmediate(end, this);
  }

  // ── from streams ────────────────────────────────────────────────────────────────────────────────────────────────

  stalled(): void {
    this.lane.recorder.http2(HTTP2_WORD.abuses + ABUSE.stalled);
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get #isOver(): boolean {
    return this.#state === 'lingering' || this.#state === 'closed';
  }

  #setDeadline(): void {
    if (this.#isOver) return;
    const { headMs, idleMs } = this.lane.table.timeouts;
    if (!this.#session.isOwed) this.#owedSinceMs = 0;
    else if (this.#owedSinceMs === 0) this.#owedSinceMs = turnMs();
    let atMs = this.#session.streamCount === 0 ? this.#idleSinceMs + idleMs : Number.POSITIVE_INFINITY;
    if (!this.#session.hasAcknowledged) atMs = Math.min(atMs, this.#acknowledgedByMs);
    if (this.#owedSinceMs !== 0) atMs = Math.min(atMs, this.#owedSinceMs + headMs);
    this.deadlineAtMs = Math.min(atMs, this.#noticeUntilMs);
  }

  /** No more streams are wanted. */
  #leave(): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#noticeUntilMs = turnMs() + NOTICE_MS;
    this.#session.leave();
    this.#setDeadline();
  }

  /** The client has heard that no more are wanted: which is there is there. The connection ends with its last stream. */
  #sayLast(): void {
    this.#state = 'closing';
    this.#idleSinceMs = beginTurn();
    this.#noticeUntilMs = Number.POSITIVE_INFINITY;
    this.#session.close();
    if (this.#session.streamCount === 0) this.#linger();
    this.#setDeadline();
  }

  /**
   * Says FIN, then discards what still comes for a bounded while, so that the last words are not reset away. Before, the client has
   * as long to take what waits as for any part of an answer.
   */
  #linger(): void {
    if (this.#isOver) return;
    this.#state = 'lingering';
    this.#output.close();
    this.deadlineAtMs = turnMs() + (this.#output.isHeldUp ? this.lane.table.timeouts.bodyIdleMs : LINGER_MS);
    this.#wire.end();
    this.#wire.resume();
    this.#session.destroy('closed by the gateway');
  }

  /** FIN is on its way too. */
  #hasSaidAll(): void {
    if (this.#hasEnded) this.#close();
    else this.deadlineAtMs = turnMs() + LINGER_MS;
  }

  #gone(detail: string): void {
    if (this.#state === 'closed') return;
    this.#close();
    this.#session.destroy(detail);
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.lane.deadlines.remove(this);
    this.#output.close();
    this.#wire.close();
    this.#events.closed(this);
  }
}

function goOn(connection: Http2Connection): void {
  connection.goOn();
}

function end(connection: Http2Connection): void {
  beginTurn();
  connection.broke();
}
