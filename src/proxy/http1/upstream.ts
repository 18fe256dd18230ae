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
import type { Exchange } from '../exchange.ts';
import { isAnswering, isSending, towardsClient, towardsUpstream } from '../filter/pace.ts';
import { beginAnswer, INTERIMS_MAX, observeAnswer, passInterim } from '../forward/attempt.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { Lifetime } from '../forward/keep-alive.ts';
import { type Piece, SentHead, sendPiece, sendRequest } from '../forward/replay.ts';
import { type Taking, take } from '../forward/retry/idempotency/capture.ts';
import { isUnwelcome, PASSES_ON } from '../forward/retry/rescue.ts';
import type { UpstreamEvents, UpstreamExchange } from '../forward/sides.ts';
import { type ClientFraming, clientFraming, editInPlace, responseText } from '../header/response.ts';
import type { Lane } from '../lane.ts';
import { streamingOf } from '../record/streaming.ts';
import type { WireHandle } from '../wire/binding.ts';
import type { Connecting } from '../wire/connect.ts';
import { whole } from '../wire/memory/memory.ts';
import { reach } from '../wire/tls/reach.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { BodyReader, BROKEN, END, EXCESS } from './body.ts';
import { FIELD } from './fields/names.ts';
import type { Pool } from './pool.ts';
import { Carry, frameChunk, LAST_CHUNK, lastChunk, RelayMemory, SHORT_AT, SHORT_BYTES, sendPart } from './relay.ts';
import type { ResponseHead } from './response-head.ts';

type State = 'connecting' | 'idle' | 'head' | 'body' | 'closed';

export class UpstreamConnection implements UpstreamExchange, Timed, WireOwner {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly #pool: Pool;
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: UpstreamEvents;
  readonly #body = new BodyReader();
  #memory!: RelayMemory; // from the moment it is connected
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
  #keeping: Taking | null = null;
  #framing: ClientFraming = 'as-is';
  #keepAlive = true;
  #isPaused = false;
  #isFull = false;
  /** Where a head that was made in place begins, for the body that follows it; -1 = there is none. */
  #headStart = -1;
  #hasServed = false;
  preface = ''; // what it begins with, before TLS: the header that names the client whom it is for; empty: for anybody

  constructor(pool: Pool, endpoint: Endpoint, lane: Lane, events: UpstreamEvents) {
    this.#pool = pool;
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
      else this.#connect(addresses, connectMs);
    });
    this.#connecting ??= resolving; // known at once, the name is behind us already
  }

  #connect(addresses: readonly string[], connectMs: number): void {
    this.#connecting = reach(this.#endpoint.reachedAs(this.preface), addresses, connectMs, (handle, ...why) => {
      if (handle !== null) this.#connected(handle);
      else this.#connectFailed(...why);
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
    if (this.#exchange !== null) sendPiece(this.#exchange, towardsUpstream(this.#exchange, this.#wire as Wire), piece);
  }

  get isBackedUp(): boolean {
    return this.#wire?.isBackedUp === true || isSending(this.#exchange);
  }

  resume(): void {
    const x = this.#exchange;
    if (!this.#isPaused || isAnswering(x)) return;
    this.#isPaused = false;
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

  turnTo(x: Exchange | null): void {
    this.#exchange = x;
  }

  /** Closes at once. Tells nobody but the pool. */
  destroy(): void {
    this.#exchange = null;
    this.#keeping?.drop();
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
    this.#connectTook();
    this.#fail(reason, detail);
  }

  #connectTook(): void {
    const x = this.#exchange;
    if (x === null) return;
    const sinceMs = this.deadlineAtMs - x.table.timeouts.connectMs;
    this.#lane.recorder.connectTook(x, sinceMs, this.#connecting?.handshakeMs?.(sinceMs));
  }

  #connected(handle: WireHandle): void {
    const x = this.#exchange;
    this.#connectTook();
    this.#memory = new RelayMemory();
    this.#sent = new SentHead();
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
    if (this.deadlineAtMs > now) this.#pool.release(this);
    else this.destroy();
  }

  received(count: number): void {
    const x = this.#exchange;
    // Nobody asked for anything: what is this an answer to?
    if (x === null || this.#state === 'idle') return this.destroy();
    // A full buffer may hide more: bytes after the response that the kernel still has, or with TLS the next record. See #leave.
    this.#isFull = this.#memory.isFull(count) || this.#endpoint.security !== null;
    const { bytes, start } = this.#memory;
    const end = start + count;
    if (this.#state === 'body') this.#relay(bytes, start, end, '');
    else if (this.#carry === null && count <= SHORT_BYTES && towardsClient(x).isCopying) {
      bytes.copy(whole, SHORT_AT, start, end);
      this.#readHead(x, whole, SHORT_AT, SHORT_AT + count);
    } else if (this.#carry === null) this.#readHead(x, bytes, start, end);
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
    const isTooMany = ++this.#interims > INTERIMS_MAX;
    if (head.status === 101 || isTooMany) {
      this.#fail(REASON.upstreamProtocol, isTooMany ? 'too many interim responses' : 'a 101 that nobody asked for');
      return false;
    }
    passInterim(x, head);
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
      return this.#events.refused(arm, status, course);
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
    this.#body.start(head.bodyLength, false, x.table.limits);
    const isRead = this.#body.gather(bytes, from, end) === END && this.#body.position === end;
    const isSent = x.requestDone && !this.isBackedUp;
    this.#exchange = null;
    if (isRead && head.keepAlive && isSent) this.#leave();
    else this.destroy();
  }

  #observe(x: Exchange, head: ResponseHead): void {
    if (head.fields.seen(FIELD.keepAlive) !== 0) this.#lifetime?.hear(head.fields.value(FIELD.keepAlive) ?? '');
    observeAnswer(x, this.#endpoint, head.status);
  }

  #begin(x: Exchange, head: ResponseHead): void {
    this.#observe(x, head);
    beginAnswer(x, head);
    this.#keepAlive = head.keepAlive;
    this.#framing = clientFraming(head, x.minor);
    this.#body.start(head.bodyLength, x.wantsTrailers && this.#framing === 'chunked', x.table.limits);
    this.#state = 'body';
    this.#keeping = take(x, head);
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
    const out = towardsClient(x);
    const step = this.#body.gather(bytes, from, end);
    if (this.#keeping !== null) this.#keeping.take(bytes, from, this.#body.dataEnd);
    if (this.#body.dataEnd > this.#body.dataStart && streamingOf(x) !== null) this.#lane.recorder.streamed(x);
    if (this.#headStart >= 0) this.#body.dataStart = this.#headStart;
    this.#headStart = -1;
    const last = step === END ? lastChunk(this.#body.trailers, x.table.names) : '';
    const text = this.#framing === 'chunked' ? headText + frameChunk(bytes, this.#body, last) : headText;
    const isFree = sendPart(out, bytes, this.#body, text);
    x.client.touch();
    if (step === BROKEN || step === EXCESS) {
      this.#fail(REASON.upstreamProtocol, step === EXCESS ? 'too many trailers' : 'invalid chunked body');
      return;
    }
    if (step === END && this.#body.position !== end) this.#keepAlive = false;
    // The client's connection still reads from our memory: neither read into it nor serve another exchange meanwhile.
    if (!isFree) this.#isPaused = true;
    else if (step === END) this.#complete(x);
  }

  #complete(x: Exchange): void {
    // Of a body that the upstream has not taken, the rest would go before the next request.
    const canReuse = this.#keepAlive && x.requestDone && !this.isBackedUp;
    this.#exchange = null;
    this.#isPaused = false;
    this.#keeping?.put();
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
      if (this.#framing === 'chunked') towardsClient(x).writeText(LAST_CHUNK);
      this.#keepAlive = false;
      if (towardsClient(x).isBackedUp) this.#isPaused = true;
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
    if (!isSending(this.#exchange)) this.#exchange?.client.resumeReading();
  }

  #fail(reason: Reason, detail: string): void {
    const x = this.#exchange;
    this.destroy();
    if (x !== null) this.#events.failed(x, reason, detail);
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#sent?.leave();
    this.#lane.deadlines.remove(this);
    this.#pool.forget(this, this.#wire !== null);
  }
}
