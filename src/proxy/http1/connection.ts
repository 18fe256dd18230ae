/**
 * One client connection: reads requests in order, one exchange at a time, and writes their responses. Hot path.
 *
 * Further requests that arrive while an exchange is under way wait, up to a limit at which reading pauses. A refused or
 * early-answered request closes the connection after the answer: what follows is discarded, never parsed.
 *
 * ```
 * idle ─▸ head (some bytes of it) ─▸ exchange ─▸ idle │ lingering (answered, discarding input) ─▸ closed
 * ```
 * Source: RFC 9112 sections 9.3 to 9.6.
 */

import { nowMs, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { AWAITS_TOKEN, decide } from '../decide/decide.ts';
import { Exchange } from '../exchange.ts';
import type { Answer } from '../filter/filters.ts';
import { abandon, forward, gatherBody } from '../forward/forwarder.ts';
import { isPoured, ownAnswer, pour } from '../forward/retry/fallback/answer.ts';
import { isGathering } from '../forward/retry/idempotency/gather.ts';
import type { Asker } from '../forward/sides.ts';
import { bodyFaultText, takeSmallBody } from '../forward/small-body.ts';
import { expireExchange } from '../forward/stall.ts';
import type { PeerLines } from '../header/forwarded.ts';
import { answerText, OPTIONS_ANSWER, refusalText } from '../header/rejection.ts';
import type { Lane } from '../lane.ts';
import { quietUntilMs, tookBody } from '../record/streaming.ts';
import type { WireHandle } from '../wire/binding.ts';
import { Wire, type WireOwner } from '../wire/wire.ts';
import { BodyReader, BROKEN, END, EXCESS } from './body.ts';
import type { Caller, ConnectionEvents, State } from './client-terms.ts';
import * as BOUND from './client-terms.ts';
import { Input } from './input.ts';
import type { RequestHead } from './request-head.ts';

export class ClientConnection implements Asker, Caller, Timed, WireOwner {
  deadlineAtMs: number;
  slot = -1;
  place = -1;
  readonly lane: Lane;
  /** Towards the client. */
  readonly out: Wire;
  readonly lines: PeerLines;
  readonly #events: ConnectionEvents;
  /** Of the request under way. */
  readonly body = new BodyReader();
  #state: State = 'idle';
  #exchange: Exchange | null = null;
  readonly #input: Input;
  #isConsuming = false;
  #isPaused = false;
  /** The client said that the request under way, which has no body, is its last. */
  #saidLast = false;
  #served = 0;
  /** When the request came whose token is awaited; 0: none is. */
  #cameAtMs = 0;
  #lingered = 0;
  /** The client will send no more. */
  #hasEnded = false;

  constructor(handle: WireHandle, lane: Lane, lines: PeerLines, events: ConnectionEvents) {
    this.lane = lane;
    this.lines = lines;
    this.#events = events;
    this.deadlineAtMs = turnMs() + lane.table.timeouts.headMs;
    lane.deadlines.add(this);
    this.#input = new Input(lane.readBuffer, lane.relays);
    this.out = new Wire(handle, lane.readBuffer, this);
  }

  waitAtMost(x: Exchange, limitMs: number): void {
    this.deadlineAtMs = Math.min(x.deadlineAtMs, turnMs() + limitMs);
  }

  /** Body bytes moved: the idle limit starts anew. */
  touch(): void {
    const x = this.#exchange;
    // Bytes of an earlier response say nothing about an answer that is still owed.
    if (x === null || x.upstream === null || (x.requestDone && !x.responseStarted)) return;
    const idleAtMs = quietUntilMs(x);
    this.deadlineAtMs = x.responseStarted ? idleAtMs : Math.min(x.deadlineAtMs, idleAtMs);
  }

  /** May another request follow this exchange on the connection? */
  willKeepAlive(x: Exchange): boolean {
    return x.keepAlive && !this.lane.isDraining && this.#served < x.table.limits.requestsPerConnectionMax;
  }

  upstreamReady(x: Exchange): void {
    if (x.requestDone) return this.#awaitResponse(x);
    if (x.awaitsContinue) this.waitAtMost(x, x.table.timeouts.bodyIdleMs);
    else this.touch();
    this.resumeReading();
  }

  resumeReading(): void {
    this.#input.lend(false);
    if (this.#exchange?.requestDone === false) this.#proceed();
  }

  exchangeDone(x: Exchange): void {
    this.#finish(x);
    if (this.#state === 'closed') return;
    if (this.#saidLast && this.#input.isEmpty && !this.out.isBackedUp) this.destroy();
    else if (!x.keepAlive || (this.lane.isDraining && this.#input.isEmpty)) this.#linger();
    else this.#nextRequest();
  }

  /** No response has begun: answer with what there is for it, or the reason's own. */
  reject(x: Exchange): void {
    // A body that is still coming would be read as the next request.
    if (!x.requestDone) x.keepAlive = false;
    x.keepAlive = this.willKeepAlive(x);
    this.out.writeTextSoon(ownAnswer(x, this.lines.peer, this.lane.date.at(turnMs()), !x.keepAlive));
    this.#pour(x);
  }

  /** An answer of the gateway's goes on as the client takes it. */
  #pour(x: Exchange): void {
    if (pour(x, this.out)) this.exchangeDone(x);
    else this.deadlineAtMs = turnMs() + x.table.timeouts.bodyIdleMs;
  }

  /** The response cannot be completed: cut the connection so that the client can tell. */
  cutOff(x: Exchange): void {
    this.#finish(x);
    this.#close();
    this.out.reset();
  }

  /** Draining: closes an idle connection; a busy one closes after its exchange, a new one may send its first request. */
  drain(): void {
    if (this.#state !== 'idle') return;
    if (this.out.isBackedUp) this.#linger();
    else if (this.#served > 0) this.destroy();
    else this.deadlineAtMs = Math.min(this.deadlineAtMs, nowMs() + BOUND.FIRST_REQUEST_MS);
  }

  /** Ends the connection now, its exchange with it. */
  destroy(): void {
    this.#gone('closed by the gateway');
  }

  broke(): void {
    this.destroy();
  }

  expire(): void {
    const x = this.#exchange;
    if (x !== null) expireExchange(x, !this.#isPaused);
    else if (this.#state === 'head') this.#refuse(REASON.headTimeout, 'the head did not arrive in time');
    else this.destroy();
  }

  /** Bytes stand in memory that the next read overwrites: what is not understood at once is copied out of it. */
  received(count: number): void {
    const input = this.#input;
    if (this.#state === 'lingering') {
      this.#lingered += count;
      if (this.#lingered > BOUND.LINGER_BYTES_MAX) this.destroy();
    } else {
      input.take(count);
      // A head that trickles in is looked at again only where a line may end, or one-byte packets would cost O(n^2).
      const isWaste = this.#state === 'head' && !input.mayEndLine(count);
      if (!isWaste || input.length >= this.lane.table.limits.headBytesMax) this.#consume();
      input.keep();
    }
    this.out.readInto(input.turn());
  }

  /** Works through the input. Not re-entrant: what it calls may end an exchange and call it again. */
  #consume(): void {
    if (this.#isConsuming) return;
    this.#isConsuming = true;
    while (!this.#input.isEmpty && this.#step());
    this.#isConsuming = false;
  }

  /** Handles some of the input; false when the rest must wait. */
  #step(): boolean {
    if (this.#state === 'closed' || this.#state === 'lingering') {
      this.#input.clear();
      return false;
    }
    const x = this.#exchange;
    if (x === null) {
      if (this.out.waitingBytes <= BOUND.UNSENT_BYTES_MAX) return this.#readHead();
      if (this.#state === 'head') this.#nextRequest(); // read anew once the client has read, with its time from then on
      return this.#pause();
    }
    // Reading on is how a client that leaves is noticed; so many bytes of further requests may come along.
    if (x.requestDone) return this.#input.length < BOUND.PIPELINED_BYTES_MAX ? false : this.#pause();
    if (isGathering(x)) {
      const fault = gatherBody(x, this.body, this.#input);
      return fault === REASON.none || this.#bodyFault(x, fault);
    }
    if (x.upstream === null || x.upstream.isBackedUp) return this.#pause();
    return this.#relayBody(x, x.upstream);
  }

  #pause(): false {
    this.out.pause();
    this.#isPaused = true;
    return false;
  }

  #proceed(): void {
    const wasPaused = this.#isPaused;
    this.#isPaused = false;
    this.#consume();
    if (wasPaused && !this.#isPaused && this.#state !== 'closed') this.out.resume();
  }

  #readHead(): boolean {
    const table = this.lane.table;
    const head = table.requestHead;
    const input = this.#input;
    this.lane.draft.end(); // of whoever is being admitted, and has others leave: what it is drafted from is read over
    const next = head.parse(input.bytes, input.from, input.end);
    if (next === 0) {
      if (input.length <= BOUND.EMPTY_LINE_BYTES) return false; // may stand before a request, and is not its beginning
      if (this.#state === 'idle') this.deadlineAtMs = turnMs() + table.timeouts.headMs;
      this.#state = 'head';
      return false;
    }
    const { from } = input;
    input.from = next < 0 ? input.end : next;
    if (next < 0) this.#refuse(head.reason, head.detail);
    else if (!this.#begin(head)) return this.#awaitToken(from);
    return true;
  }

  /** The request is read and decided anew when its token is known. */
  #awaitToken(from: number): false {
    this.#input.from = from;
    this.#cameAtMs ||= (this.#exchange as Exchange).startedAtMs;
    this.#exchange = null;
    this.#state = 'head';
    this.#served--;
    this.lane.tokens.whenKnown(() => this.#proceed());
    return this.#pause();
  }

  /** False: nothing is decided, as its token is not known yet. */
  #begin(head: RequestHead): boolean {
    const x = new Exchange(this, this.lane.table, this.#cameAtMs || turnMs());
    this.#state = 'exchange';
    this.#exchange = x;
    this.#served++;
    x.take(head);
    this.#saidLast = !head.keepAlive && head.bodyLength === 0;
    this.body.start(head.bodyLength, x.wantsTrailers, x.table.limits);
    x.requestDone = this.body.isDone;
    if (head.isForUs) {
      this.#answer(x, OPTIONS_ANSWER);
      return true;
    }
    const reason = decide(x, head, this.lines.peer, this.lane.random);
    if (reason === AWAITS_TOKEN) return false;
    this.#cameAtMs = 0;
    this.lane.draft.begin(x, head, this.lines);
    if (this.lane.accessLog.draw()) this.lane.accessLog.keep(x, head, this.lines.peer);
    const fault = reason === REASON.none ? takeSmallBody(x, this.body, this.#input) : REASON.none;
    if (x.requestDone) x.startClock(x.startedAtMs);
    this.deadlineAtMs = x.deadlineAtMs;
    this.lane.recorder.begin(x);
    x.reason = reason;
    if (x.answer !== null) this.#answer(x, x.answer);
    else if (reason !== REASON.none) this.reject(x);
    else if (fault !== REASON.none) this.#bodyFault(x, fault);
    else if (head.wantsUpgrade && this.lane.upgrades.take(x, head, this.out, this.#input.rest)) this.#close();
    else forward(x);
    this.lane.draft.end();
    return true;
  }

  /** Answers without an upstream and without a failure. */
  #answer(x: Exchange, answer: Answer): void {
    if (!x.requestDone) x.keepAlive = false;
    x.keepAlive = this.willKeepAlive(x);
    x.status = answer.status;
    this.out.writeTextSoon(answerText(x, answer, this.lane.date.at(turnMs()), !x.keepAlive));
    this.exchangeDone(x);
  }

  /** A request that never became an exchange. */
  #refuse(reason: Reason, detail: string): void {
    this.#input.clear();
    this.out.writeText(refusalText(reason, detail, this.lane.date.at(turnMs())));
    this.lane.recorder.refused(reason);
    this.lane.accessLog.refused(reason, this.lines.peer.address, turnMs());
    this.#linger();
  }

  #relayBody(x: Exchange, upstream: NonNullable<Exchange['upstream']>): boolean {
    const body = this.body;
    const input = this.#input;
    x.awaitsContinue = false;
    const isOwn = x.isSpent && input.claim();
    const { bytes } = input;
    const step = body.gather(bytes, input.from, input.end);
    if (body.received > x.table.limits.bodyBytesMax) return this.#bodyFault(x, REASON.bodyTooLarge);
    if (step === BROKEN || step === EXCESS) return this.#bodyFault(x, REASON.badRequest);
    input.from = body.position;
    // What follows the body would be written over.
    if (isOwn) input.keep();
    tookBody(x, body.dataEnd - body.dataStart);
    upstream.sendBody({ bytes, body, isEnd: step === END, isOwn });
    if (isOwn) input.lend(upstream.isBackedUp);
    if (step === END) {
      input.release();
      x.requestDone = true;
      x.startClock(turnMs());
      this.#awaitResponse(x);
    } else if (upstream.isBackedUp) return this.#pause();
    return !input.isEmpty;
  }

  #bodyFault(x: Exchange, reason: Reason): false {
    this.#input.clear();
    x.keepAlive = false;
    abandon(x, reason, bodyFaultText(reason));
    return false;
  }

  #awaitResponse(x: Exchange): void {
    if (x.responseStarted) return;
    this.waitAtMost(x, x.responseLimitMs);
    // Go on reading: a client that goes away must cancel the upstream at once.
    if (this.#isPaused && this.#input.isEmpty) this.#proceed();
  }

  #finish(x: Exchange): void {
    if (x.isFinished) return;
    this.#exchange = null;
    this.#input.abandon();
    if (x.client !== this) return; // goes on without its client
    x.isFinished = true;
    x.endedAtMs = turnMs();
    this.lane.recorder.end(x);
  }

  #nextRequest(): void {
    this.#state = 'idle';
    this.deadlineAtMs = turnMs() + this.lane.table.timeouts.idleMs;
    if (!this.#input.isEmpty || this.#isPaused) this.#proceed();
  }

  /** What was written has left. */
  flushed(): void {
    const x = this.#exchange;
    if (x !== null && isPoured(x)) this.#pour(x);
    else if (x !== null) {
      this.touch();
      x.upstream?.resume();
    } else if (this.#state === 'lingering') {
      if (this.#hasEnded) this.#gone('closed');
      else this.deadlineAtMs = turnMs() + BOUND.LINGER_MS;
    } else if (this.#state === 'idle' && this.#isPaused) this.#proceed();
  }

  /** Answered for the last time: say so with FIN, then discard what still comes for a bounded while. */
  #linger(): void {
    this.#state = 'lingering';
    this.#input.clear();
    this.deadlineAtMs = turnMs() + (this.out.isBackedUp ? this.lane.table.timeouts.bodyIdleMs : BOUND.LINGER_MS);
    this.out.end();
    this.out.resume();
    this.#isPaused = false;
  }

  /** The client will send no more: with an exchange under way it has gone away, as most clients that close look so. */
  ended(): void {
    this.#hasEnded = true;
    if (this.#exchange === null && this.out.isBackedUp) {
      if (this.#state !== 'lingering') this.#linger();
    } else this.#gone('closed');
  }

  broken(code: string): void {
    this.#gone(code);
  }

  #gone(detail: string): void {
    if (this.#state === 'closed') return;
    const x = this.#exchange;
    this.#close();
    this.out.close();
    if (x !== null) abandon(x, REASON.clientClosed, detail);
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#input.clear();
    this.lane.deadlines.remove(this);
    this.#events.closed(this);
  }
}
