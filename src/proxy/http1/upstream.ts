/**
 * One connection to an upstream: sends a request, reads its response strictly, relays it to the client. Hot path.
 *
 * Reads go into memory of its own, with room before and behind: the client's head and the framing of chunks are written
 * around the body's bytes where they stand, and all leaves in one write. While the client's connection could not take it
 * at once, that memory is in use and reading pauses.
 *
 * ```
 * connecting ─▸ idle ◂──────────────────┐
 *      └──▸ head (request sent) ─▸ body ─┘      any error ─▸ closed
 * ```
 * Source: RFC 9112 sections 6.3, 7, 9.
 */

import { beginTurn, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { NONE } from '../decide/admission/permit.ts';
import type { Exchange } from '../exchange.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { Lifetime } from '../forward/keep-alive.ts';
import { type Piece, type SentHead, sendPiece, sendRequest } from '../forward/replay.ts';
import { isUnwelcome, PASSES_ON } from '../forward/retry/rescue.ts';
import type { UpstreamEvents } from '../forward/sides.ts';
import { type ClientFraming, clientFraming, editInPlace, interimText, responseText } from '../header/response.ts';
import type { Lane } from '../lane.ts';
import type { Handle } from '../wire/binding.ts';
import { type Connecting, connectReason, connectToAny, paceMs } from '../wire/connect.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { BodyReader, BROKEN, END, EXCESS } from './body.ts';
import { FIELD } from './fields/names.ts';
import { Carry, frameChunk, LAST_CHUNK, lastChunk, RelayMemory, sendPart } from './relay.ts';
import type { ResponseHead } from './response-head.ts';

/** Longer heads of requests are sent as text. */
const SENT_BYTES = 4096;
/** Interim responses (1xx) before the final one. */
const INTERIMS_MAX = 10;

type State = 'connecting' | 'idle' | 'head' | 'body' | 'closed';

export class UpstreamConnection implements Timed, WireOwner {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: UpstreamEvents;
  readonly #body = new BodyReader();
  /** From the moment it is connected. */
  #memory!: RelayMemory;
  /** For the head of the request: apart, as the answer may begin before all of it has left. */
  #sent: SentHead | null = null;
  #wire: Wire | null = null;
  #lifetime: Lifetime | null = null;
  #connecting: Connecting | null = null;
  #state: State = 'connecting';
  #exchange: Exchange | null = null;
  /** The beginning of a head whose end is still to come. */
  #carry: Carry | null = null;
  #interims = 0;
  #framing: ClientFraming = 'as-is';
  #keepAlive = true;
  #isPaused = false;
  #isFull = false;
  /** Where a head that was made in place begins, for the body that follows it; -1 = there is none. */
  #headStart = -1;
  #hasServed = false;

  constructor(endpoint: Endpoint, lane: Lane, events: UpstreamEvents) {
    this.#endpoint = endpoint;
    this.#lane = lane;
    this.#events = events;
  }

  /** Connects and then serves `x`. */
  open(x: Exchange): void {
    this.#exchange = x;
    x.opening = this;
    const now = turnMs();
    const { connectMs, dnsMs } = x.table.timeouts;
    this.deadlineAtMs = now + connectMs;
    this.#lane.deadlines.add(this);
    const resolving = this.#lane.resolver.resolve(this.#endpoint.host, now, dnsMs, (addresses, code) => {
      if (this.#state !== 'connecting') return;
      if (addresses.length === 0) this.#connectFailed(REASON.dnsFailed, `${code} while resolving the name`);
      else this.#connect(addresses, paceMs(connectMs, addresses.length));
    });
    // Known at once, the name is behind us already.
    this.#connecting ??= resolving;
  }

  #connect(addresses: readonly string[], nextAfterMs: number): void {
    this.#connecting = connectToAny(addresses, this.#endpoint.port, nextAfterMs, (handle, code) => {
      if (handle !== null) this.#connected(handle);
      else this.#connectFailed(connectReason(code), `${code} while connecting`);
    });
  }

  /** Sends the exchange's head on this connection. */
  serve(x: Exchange): void {
    this.#exchange = x;
    x.isOnReused = this.#hasServed;
    this.#hasServed = true;
    this.#state = 'head';
    this.#interims = 0;
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    x.upstream = this;
    x.opening = null;
    sendRequest(x, this.#wire as Wire, this.#sent as SentHead);
    this.#events.sent(x);
  }

  /** Sends some of the request's body. What the caller owns must not change while this is backed up. */
  sendBody(piece: Piece): void {
    if (this.#exchange !== null) sendPiece(this.#exchange, this.#wire as Wire, piece);
  }

  /** The upstream does not keep up: the client must wait until it is told. */
  get isBackedUp(): boolean {
    return this.#wire?.isBackedUp === true;
  }

  /** The client's socket took everything: go on reading. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const x = this.#exchange;
    if (x !== null && this.#state === 'body' && this.#body.isDone) {
      // Nothing was read since the pause: as after a full buffer, more may lie behind the response.
      this.#isFull = true;
      this.#complete(x);
    }
    this.#wire?.resume();
  }

  /** Still connecting, and nobody waits for it any more. */
  get isUnwanted(): boolean {
    return this.#state === 'connecting' && this.#exchange?.isFinished !== false;
  }

  /** Serves this exchange's attempt from now on, or nobody's while it is opened: then it goes to the pool. */
  turnTo(x: Exchange | null): void {
    this.#exchange = x;
  }

  /** Closes at once. Tells nobody but the pool. */
  destroy(): void {
    this.#exchange = null;
    this.#close();
    this.#connecting?.cancel();
    this.#wire?.close();
  }

  expire(): void {
    if (this.#state === 'connecting') this.#connectFailed(REASON.connectTimeout, 'no connection in time');
    else this.destroy();
  }

  #connectFailed(reason: Reason, detail: string): void {
    this.#lane.recorder.connectFailed(this.#endpoint.id);
    this.#lane.recorder.connectTook(this.#exchange, this.deadlineAtMs);
    this.#fail(reason, detail);
  }

  #connected(handle: Handle): void {
    const x = this.#exchange;
    this.#lane.recorder.connectTook(x, this.deadlineAtMs);
    this.#memory = new RelayMemory();
    this.#sent = { bytes: Buffer.allocUnsafeSlow(SENT_BYTES), length: 0, of: null };
    this.#wire = new Wire(handle, this.#memory.readable, this);
    this.#lane.recorder.connect(this.#endpoint.id, 1);
    this.#lifetime = new Lifetime(turnMs(), this.#lane.table.timeouts.upstreamLifetimeMs, this.#lane.random);
    this.#state = 'idle';
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    if (x === null || x.isFinished) this.#park();
    else this.serve(x);
  }

  /**
   * Back to the pool; but what may already lie behind the response would answer the next request, so a connection that
   * was not read to the end rests until the loop has read once more. Bytes on an idle connection end it.
   */
  #leave(): void {
    if (!this.#isFull) {
      this.#park();
      return;
    }
    this.#state = 'idle';
    // The first turn ends this round of the loop, the second comes after the next round's reads.
    setImmediate(() => {
      setImmediate(() => {
        beginTurn();
        if (this.#state === 'idle') this.#park();
      });
    });
  }

  #park(): void {
    this.#exchange = null;
    this.#state = 'idle';
    this.#carry = null;
    const now = turnMs();
    this.deadlineAtMs = (this.#lifetime as Lifetime).idleUntil(now, this.#lane.table.timeouts.upstreamIdleMs);
    if (this.deadlineAtMs > now) this.#endpoint.pool.release(this);
    else this.destroy();
  }

  received(count: number): void {
    const x = this.#exchange;
    // Nobody asked for anything: what is this an answer to?
    if (x === null || this.#state === 'idle') return this.destroy();
    // A full buffer may hide more: bytes after the response that the kernel still has. See #complete.
    this.#isFull = this.#memory.isFull(count);
    const { bytes, start } = this.#memory;
    const end = start + count;
    if (this.#state === 'body') this.#relay(bytes, start, end, '');
    else if (this.#carry === null) this.#readHead(x, bytes, start, end);
    else if (this.#carry.take(bytes, start, end) || this.#carry.length > x.table.limits.headBytesMax) {
      this.#readHead(x, this.#carry.bytes, this.#carry.start, this.#carry.end);
    }
    if (this.#isPaused) this.#wire?.pause();
  }

  /** Reads heads up to the final one and answers the client with it and what came along with it. */
  #readHead(x: Exchange, bytes: Buffer, start: number, end: number): void {
    const head = x.table.responseHead;
    x.isOnReused = false;
    for (let from = start; from < end; ) {
      const next = head.parse(bytes, from, end, x.isHead);
      if (next <= 0) {
        if (next < 0) this.#fail(REASON.upstreamProtocol, head.detail);
        else if (this.#carry?.bytes === bytes) this.#carry.start = from;
        else this.#carry = new Carry(bytes, from, end);
        return;
      }
      from = next;
      if (head.status >= 200) {
        this.#carry = null;
        this.#answer(x, bytes, from, end);
        return;
      }
      if (!this.#passInterim(x, head)) return;
    }
    this.#carry = null;
  }

  #passInterim(x: Exchange, head: ResponseHead): boolean {
    if (head.status === 101) {
      this.#fail(REASON.upstreamProtocol, 'a 101 that nobody asked for');
      return false;
    }
    if (++this.#interims > INTERIMS_MAX) {
      this.#fail(REASON.upstreamProtocol, 'too many interim responses');
      return false;
    }
    x.awaitsContinue = false;
    if (!x.isShadow) x.client.touch();
    if (x.minor === 1 && (x.hedge === null || x.hedge.shadow === null)) {
      x.isSpent = true;
      x.client.out.writeText(interimText(head));
    }
    return true;
  }

  #answer(arm: Exchange, bytes: Buffer, from: number, end: number): void {
    const head = arm.table.responseHead;
    if (head.bodyLength >= 0 && end - from > head.bodyLength) {
      this.#fail(REASON.upstreamProtocol, 'more body than announced');
      return;
    }
    const { status } = head;
    const course = isUnwelcome(arm, status) ? this.#events.refuses(arm, status) : PASSES_ON;
    if (course !== PASSES_ON) {
      this.#drop(arm, bytes, from, end);
      this.#events.refused(arm, status, course);
      return;
    }
    const x = arm.hedge === null ? arm : this.#events.won(arm);
    this.#begin(x, head);
    this.#headStart = this.#framing === 'as-is' ? editInPlace(x, head, bytes, from) : -1;
    const text = this.#headStart < 0 ? responseText(x, head, this.#framing, !x.keepAlive) : '';
    this.#lane.recorder.headCame(x);
    this.#relay(bytes, from, end, text);
  }

  /** Nobody gets this answer; the connection can serve again if it is here as a whole. */
  #drop(x: Exchange, bytes: Buffer, from: number, end: number): void {
    const head = x.table.responseHead;
    this.#observe(x, head);
    this.#body.start(head.bodyLength);
    const isRead = this.#body.gather(bytes, from, end) === END && this.#body.position === end;
    this.#exchange = null;
    if (isRead && head.keepAlive && x.requestDone) this.#leave();
    else this.destroy();
  }

  #observe(x: Exchange, head: ResponseHead): void {
    const now = turnMs();
    if (head.fields.seen(FIELD.keepAlive) !== 0) this.#lifetime?.hear(head.fields.value(FIELD.keepAlive) ?? '');
    if (head.status < 500) {
      this.#endpoint.observe(now - x.attemptAtMs, now);
      if (x.permit !== NONE) x.split?.admission?.sample(x, now - x.attemptAtMs);
    } else this.#endpoint.observeFailure(now - x.attemptAtMs, now);
  }

  #begin(x: Exchange, head: ResponseHead): void {
    this.#observe(x, head);
    x.status = head.status;
    if (head.status >= 500) x.keepRequest(); // the log of failures looks at it later
    x.responseStarted = true;
    if (x.bodyLength !== 0) x.dropBody();
    if (x.drawn !== null) x.drawn.respondedAtMs = turnMs();
    this.#keepAlive = head.keepAlive;
    this.#framing = clientFraming(head, x.minor);
    this.#body.start(head.bodyLength, x.wantsTrailers && this.#framing === 'chunked');
    this.#state = 'body';
    // An answer before the request's end: what the client still sends must never be read as a request.
    if (this.#framing === 'close' || !x.requestDone) x.keepAlive = false;
    x.keepAlive = x.client.willKeepAlive(x);
  }

  /**
   * Passes on the body bytes in `bytes[from..end)`, with room around them.
   * @param headText goes before them.
   */
  #relay(bytes: Buffer, from: number, end: number, headText: string): void {
    const x = this.#exchange as Exchange;
    const out = x.client.out;
    const step = this.#body.gather(bytes, from, end);
    if (this.#headStart >= 0) this.#body.dataStart = this.#headStart;
    this.#headStart = -1;
    const isChunked = this.#framing === 'chunked';
    const last = step === END ? lastChunk(this.#body.trailers, x.table.names) : '';
    const text = isChunked ? headText + frameChunk(bytes, this.#body, last) : headText;
    sendPart(out, bytes, this.#body, text);
    x.client.touch();
    if (step === BROKEN || step === EXCESS) {
      this.#fail(REASON.upstreamProtocol, 'invalid chunked body');
      return;
    }
    if (step === END && this.#body.position !== end) this.#keepAlive = false;
    // The client's connection still reads from our memory: neither read into it nor serve another exchange meanwhile.
    if (out.isBackedUp) this.#isPaused = true;
    else if (step === END) this.#complete(x);
  }

  #complete(x: Exchange): void {
    const canReuse = this.#keepAlive && x.requestDone;
    this.#exchange = null;
    this.#isPaused = false;
    // Free before the news: the client's next pipelined request may take this very connection.
    if (canReuse && this.#state !== 'closed') this.#leave();
    else this.destroy();
    this.#events.completed(x);
  }

  /** The upstream said it is done: the regular end of a body that ends with its connection. */
  ended(): void {
    const x = this.#exchange;
    if (x !== null && this.#state === 'body' && this.#body.endsWithConnection) {
      this.#body.start(0);
      if (this.#framing === 'chunked') x.client.out.writeText(LAST_CHUNK);
      this.#keepAlive = false;
      if (x.client.out.isBackedUp) this.#isPaused = true;
      else this.#complete(x);
      return;
    }
    this.broken('closed');
  }

  broken(detail: string): void {
    if (this.#state === 'body') {
      // The whole response is here and only waits for a slow client: not a failure, but nothing to use again.
      if (this.#body.isDone && this.#isPaused) this.#keepAlive = false;
      else this.#fail(REASON.upstreamTruncated, 'the response ended early');
    } else {
      this.#fail(REASON.upstreamReset, `${detail} before the response`);
    }
  }

  /** Request bytes that waited have left. */
  flushed(): void {
    this.#exchange?.client.resumeReading();
  }

  #fail(reason: Reason, detail: string): void {
    const x = this.#exchange;
    this.destroy();
    if (x !== null) this.#events.failed(x, reason, detail);
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#lane.deadlines.remove(this);
    this.#endpoint.pool.forget(this, this.#wire !== null);
  }
}
