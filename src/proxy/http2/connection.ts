/**
 * One client connection that speaks HTTP/2: a session of the runtime's over a wire, and the limits of both.
 *
 * Bytes are looked at by the frame budget, then the session has them; what it sends goes the same way back. Each stream is a client of
 * its own to everything behind it (`stream.ts`). Draining: the client is told first that no more streams are wanted, which loses
 * none that is on its way, and when it has heard that, which was the last.
 * ```
 * open ─▸ leaving (GOAWAY) ─▸ closing (GOAWAY with the last stream) ─▸ lingering (FIN, discarding input) ─▸ closed
 *    └────(too much of something: GOAWAY with an error)────────────────────▴
 * ```
 * Source: RFC 9113 sections 3.4, 5.4.1, 6.8, 9.1, 10.5.
 */

import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { beginTurn, nowMs, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { ABUSE, type Abuse, HTTP2_WORD } from '../../model/threads/load/http2.ts';
import type { PeerLines } from '../header/forwarded.ts';
import { type Caller, type ConnectionEvents, LINGER_BYTES_MAX, LINGER_MS } from '../http1/client-terms.ts';
import type { Lane } from '../lane.ts';
import type { WireHandle } from '../wire/binding.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { FrameBudget } from './frame-budget.ts';
import { goawayFrame } from './frames.ts';
import type { StreamHome } from './home.ts';
import { CODE } from './outlet.ts';
import { Pipe, type PipeEvents } from './pipe.ts';
import { sessionOptions } from './settings.ts';
import { ClientStream } from './stream.ts';

/** Any stream that the client has begun by the time it hears of this will be served. */
const LAST_STREAM_ANY = 2 ** 31 - 1;
/** How long the client may take to say that it has heard of the end. */
const NOTICE_MS = 1000;

type State = 'open' | 'leaving' | 'closing' | 'lingering' | 'closed';

export class Http2Connection implements Caller, Timed, WireOwner, PipeEvents, StreamHome<ClientStream> {
  deadlineAtMs: number;
  slot = -1;
  place = -1;
  readonly lane: Lane;
  readonly lines: PeerLines;
  readonly #events: ConnectionEvents;
  readonly #wire: Wire;
  readonly #pipe: Pipe;
  readonly #session: ServerHttp2Session;
  readonly #budget: FrameBudget;
  readonly #streams = new Set<ClientStream>();
  #state: State = 'open';
  #served = 0;
  /** The client has said that it goes. */
  #hasClientLeft = false;
  #hasFailed = false;
  #lingered = 0;
  #idleSinceMs: number;
  /** Since when the client owes the rest of something; 0: it does not. */
  #owedSinceMs: number;
  #noticeUntilMs = Number.POSITIVE_INFINITY;
  /** To be told when what was written has left. */
  #left: (() => void) | null = null;
  /** What was read and waits until the session has dealt with what came before; the wire is paused meanwhile. */
  #rest: Buffer | null = null;

  constructor(handle: WireHandle, lane: Lane, lines: PeerLines, events: ConnectionEvents) {
    this.lane = lane;
    this.lines = lines;
    this.#events = events;
    this.#idleSinceMs = turnMs();
    this.#owedSinceMs = this.#idleSinceMs;
    this.deadlineAtMs = this.#idleSinceMs + lane.table.timeouts.headMs;
    lane.deadlines.add(this);
    lane.recorder.http2(HTTP2_WORD.connections);
    this.#budget = new FrameBudget(lane.table.limits);
    this.#wire = new Wire(handle, lane.readBuffer, this);
    this.#pipe = new Pipe(this);
    this.#session = performServerHandshake(this.#pipe, sessionOptions(lane.table.limits));
    this.#session.on('stream', (stream, _headers, _flags, fields) => this.#begin(stream, fields));
    this.#session.on('error', () => {
      this.#hasFailed = true;
    });
    this.#session.on('goaway', () => {
      this.#hasClientLeft = true;
    });
    this.#session.on('close', () => this.ends());
  }

  // ── from the listener ───────────────────────────────────────────────────────────────────────────────────────────

  drain(): void {
    this.#leave();
  }

  destroy(): void {
    this.#gone('closed by the gateway');
  }

  expire(): void {
    const now = nowMs();
    if (this.#state === 'lingering') this.#close();
    else if (this.#owedSinceMs !== 0 && now >= this.#owedSinceMs + this.lane.table.timeouts.headMs) {
      this.#stop(ABUSE.stalled);
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
    // Copied: the session may read it later, and the next connection reads into the same memory.
    if (!this.#take(Buffer.from(this.lane.readBuffer.subarray(0, count)))) this.#wire.pause();
    this.#setDeadline();
  }

  ended(): void {
    this.#gone('closed');
  }

  broken(code: string): void {
    this.#gone(code);
  }

  flushed(): void {
    const left = this.#left;
    this.#left = null;
    left?.();
    if (this.#rest !== null) this.#goOnLater();
  }

  // ── from the session ────────────────────────────────────────────────────────────────────────────────────────────

  wants(): void {
    if (this.#state !== 'closed' && this.#rest === null) this.#wire.resume();
  }

  sends(bytes: Buffer, left: () => void): void {
    if (this.#isOver) {
      left();
      return;
    }
    const isFine = this.#budget.send(bytes);
    this.#wire.writeBytes(bytes, 0, bytes.length);
    if (this.#wire.isBackedUp) this.#left = left;
    else left();
    // Not from within the session's own call.
    if (!isFine) setImmediate(() => this.#stop(this.#budget.abuse as Abuse));
  }

  /** Unless somebody wanted it to, it ends because of a connection error, and has said so. */
  ends(): void {
    if (this.#isOver) return;
    const isError = this.#hasFailed || this.#state === 'open';
    if (isError && !this.#hasClientLeft) this.lane.recorder.http2(HTTP2_WORD.abuses + ABUSE.protocol);
    this.#linger();
  }

  /** Gives the session what was read, or what of it may come before its turn. @returns whether more may be read */
  #take(bytes: Buffer): boolean {
    if (!this.#budget.take(bytes, 0, bytes.length)) {
      this.#stop(this.#budget.abuse as Abuse);
      return true;
    }
    const upTo = this.#budget.position;
    const isWanted = this.#pipe.push(upTo === bytes.length ? bytes : bytes.subarray(0, upTo));
    if (upTo === bytes.length) return isWanted;
    this.#rest = bytes.subarray(upTo);
    this.#goOnLater();
    return false;
  }

  /** When the session has said what there is to say about what it has. */
  #goOnLater(): void {
    setImmediate(() => {
      const rest = this.#rest;
      // While the client takes nothing `flushed` comes here again.
      if (rest === null || this.#left !== null || this.#isOver) return;
      beginTurn();
      this.#rest = null;
      this.#budget.turned();
      if (this.#take(rest)) this.#wire.resume();
      this.#setDeadline();
    });
  }

  #begin(stream: ServerHttp2Stream, fields: readonly string[]): void {
    stream.on('error', ignore);
    // Taken back in the same breath: nothing of it has been begun.
    if (stream.destroyed || stream.closed) return;
    const { recorder, isDraining, table } = this.lane;
    recorder.http2(HTTP2_WORD.requests);
    const client = new ClientStream(this, stream);
    this.#streams.add(client);
    client.begin(fields, this.#budget.blocks.begin(client.id));
    if (++this.#served >= table.limits.requestsPerConnectionMax || isDraining) this.#leave();
    this.#setDeadline();
  }

  // ── from streams ────────────────────────────────────────────────────────────────────────────────────────────────

  over(stream: ClientStream): void {
    this.#streams.delete(stream);
    this.#budget.blocks.forget(stream.id);
    if (this.#streams.size > 0) return;
    this.#idleSinceMs = turnMs();
    if (this.lane.isDraining) this.#leave();
    this.#setDeadline();
  }

  ownReset(): void {
    this.#budget.ownReset();
  }

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
    if (!this.#budget.isOwed) this.#owedSinceMs = 0;
    else if (this.#owedSinceMs === 0) this.#owedSinceMs = turnMs();
    let atMs = this.#streams.size === 0 ? this.#idleSinceMs + idleMs : Number.POSITIVE_INFINITY;
    if (this.#owedSinceMs !== 0) atMs = Math.min(atMs, this.#owedSinceMs + headMs);
    this.deadlineAtMs = Math.min(atMs, this.#noticeUntilMs);
  }

  /** No more streams are wanted. */
  #leave(): void {
    if (this.#state !== 'open' || this.#session.destroyed) return;
    this.#state = 'leaving';
    this.#noticeUntilMs = turnMs() + NOTICE_MS;
    // Said by the session, it would take no more streams from now on.
    if (!this.#budget.isSending) this.#say(goawayFrame(LAST_STREAM_ANY, CODE.noError));
    if (!this.#session.ping(() => this.#sayLast())) this.#sayLast();
    this.#setDeadline();
  }

  /** The client has heard that no more are wanted: which is there is there. The session closes with its last stream. */
  #sayLast(): void {
    if (this.#state !== 'leaving') return;
    this.#state = 'closing';
    this.#idleSinceMs = beginTurn();
    this.#noticeUntilMs = Number.POSITIVE_INFINITY;
    this.#session.close();
    this.#setDeadline();
  }

  /** Too much of something: nothing of it is dealt with any more. */
  #stop(abuse: Abuse): void {
    if (this.#isOver) return;
    this.lane.recorder.http2(HTTP2_WORD.abuses + abuse);
    this.#say(goawayFrame(this.#budget.lastStreamId, CODE.calm));
    this.#linger();
  }

  /** Between two frames of the session's: it writes none in parts. */
  #say(frame: Buffer): void {
    this.#wire.writeBytes(frame, 0, frame.length);
  }

  /** Says FIN, then discards what still comes for a bounded while, so that the last words are not reset away. */
  #linger(): void {
    if (this.#isOver) return;
    this.#state = 'lingering';
    this.deadlineAtMs = turnMs() + LINGER_MS;
    this.#wire.end();
    this.#wire.resume();
    this.#letGo('closed by the gateway');
  }

  #gone(detail: string): void {
    if (this.#state === 'closed') return;
    this.#close();
    this.#letGo(detail);
  }

  /** Ends the streams that are left, and the session. */
  #letGo(detail: string): void {
    this.#rest = null;
    for (const stream of [...this.#streams]) stream.lost(detail);
    this.#session.destroy();
    this.flushed();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.lane.deadlines.remove(this);
    this.#wire.close();
    this.#events.closed(this);
  }
}

/** What is wrong with a stream is told when it closes. */
function ignore(): void {}
