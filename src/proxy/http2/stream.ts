/**
 * One stream of a client's HTTP/2 connection: reads its request, has it decided and forwarded, and gives its answer.
 *
 * Its head takes the form of HTTP/1.1 and then the way of every request, from the strict parser on. Its body is read as the
 * upstream takes it: what is not read stays with the session, whose window then stays closed to the client.
 * ```
 * head ─▸ exchange ─▸ answered (what waits is the client's to take) ─▸ over
 *    └▸ malformed: reset
 * ```
 * Source: RFC 9113 sections 5.1, 5.2, 8.1.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { beginTurn, turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { putLatin1 } from '../../lib/latin1.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { AWAITS_TOKEN, decide } from '../decide/decide.ts';
import { Exchange } from '../exchange.ts';
import type { Answer } from '../filter/filters.ts';
import { abandon, forward, gatherBody } from '../forward/forwarder.ts';
import { ownAnswer, pour } from '../forward/retry/fallback/answer.ts';
import { isGathering } from '../forward/retry/idempotency/gather.ts';
import type { Asker } from '../forward/sides.ts';
import { bodyFaultText } from '../forward/small-body.ts';
import { expireExchange } from '../forward/stall.ts';
import { answerText, OPTIONS_ANSWER, refusalText } from '../header/rejection.ts';
import { BodyReader, END, UNTIL_CLOSE } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Lane } from '../lane.ts';
import { beginCall, quietUntilMs } from '../record/streaming.ts';
import { cut, discard, waive } from './ending.ts';
import type { Blocks } from './field-blocks.ts';
import type { StreamHome } from './home.ts';
import { CODE, StreamOutlet } from './outlet.ts';
import { requestText, trailerText } from './rules.ts';
import { takeSmallBody } from './small-body.ts';
import { Tunnel } from './tunnel.ts';

const NOTHING = Buffer.alloc(0);

export class ClientStream implements Asker, Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly lane: Lane;
  readonly lines: Asker['lines'];
  readonly out: StreamOutlet;
  readonly body = new BodyReader();
  readonly id: number;
  readonly #home: StreamHome<ClientStream>;
  readonly #stream: ServerHttp2Stream;
  #exchange: Exchange | null = null;
  #tunnel: Tunnel | null = null;
  /** Of the request, in the form of HTTP/1.1. */
  #head = '';
  #trailers = '';
  #blocks: Blocks | null = null;
  /** The client has sent everything. */
  #hasEnded: boolean;
  #isOver = false;
  #whyGone = 'reset by the client';

  constructor(home: StreamHome<ClientStream>, stream: ServerHttp2Stream) {
    this.lane = home.lane;
    this.lines = home.lines;
    this.#home = home;
    this.#stream = stream;
    this.id = stream.id as number;
    this.#hasEnded = stream.endAfterHeaders;
    this.out = new StreamOutlet(stream, () => this.#flushed());
    this.lane.deadlines.add(this);
    // After a reset with NO_ERROR `close` waits until all that came is read.
    for (const event of ['close', 'aborted']) stream.on(event, () => this.lost(this.#whyGone));
  }

  /** @param fields of the head, names and values in turn. @param blocks how many there were */
  begin(fields: readonly string[], blocks: Blocks | null): void {
    const { text, fault } = requestText(fields, !this.#hasEnded);
    this.#blocks = blocks;
    if (fault === '' && blocks !== null && blocks.head * 2 === fields.length) {
      this.#head = text;
      this.out.isHead = text.startsWith('HEAD ');
      this.#decide(turnMs());
    } else this.#malformed();
  }

  /** The stream is gone: nothing can be read or written any more. */
  lost(detail: string): void {
    if (this.#isOver) return;
    beginTurn();
    this.#isOver = true;
    const x = this.#exchange;
    if (x !== null) abandon(x, REASON.clientClosed, detail);
    this.lane.deadlines.remove(this);
    this.#home.over(this);
  }

  expire(): void {
    const x = this.#exchange;
    if (x !== null) expireExchange(x, x.upstream !== null && !x.upstream.isBackedUp);
    else {
      this.#home.stalled();
      cut(this.#stream, this.#home);
    }
  }

  // ── asked by the exchange ───────────────────────────────────────────────────────────────────────────────────────

  waitAtMost(x: Exchange, limitMs: number): void {
    this.deadlineAtMs = Math.min(x.deadlineAtMs, turnMs() + limitMs);
  }

  touch(): void {
    const x = this.#exchange;
    if (x === null || x.upstream === null || (x.requestDone && !x.responseStarted)) return;
    const idleAtMs = quietUntilMs(x);
    this.deadlineAtMs = x.responseStarted ? idleAtMs : Math.min(x.deadlineAtMs, idleAtMs);
  }

  /** Whether others follow is the connection's matter. */
  willKeepAlive(): boolean {
    return true;
  }

  upstreamReady(x: Exchange): void {
    if (x.requestDone) return this.#awaitResponse(x);
    if (x.awaitsContinue) this.waitAtMost(x, x.responseLimitMs);
    else this.touch();
    this.#pump();
  }

  resumeReading(): void {
    this.#pump();
  }

  exchangeDone(x: Exchange): void {
    this.#finish(x);
    if (this.out.isOver) this.#endEarly();
    else cut(this.#stream, this.#home);
  }

  reject(x: Exchange): void {
    if (this.#isOver) this.#finish(x);
    else {
      this.out.writeText(ownAnswer(x, this.lines.peer, this.lane.date.at(turnMs()), false));
      this.#pour(x);
    }
  }

  cutOff(x: Exchange): void {
    this.#finish(x);
    cut(this.#stream, this.#home);
  }

  // ── the request ─────────────────────────────────────────────────────────────────────────────────────────────────

  #malformed(): void {
    this.lane.recorder.refused(REASON.badRequest);
    this.lane.accessLog.refused(REASON.badRequest, this.lines.peer.address, turnMs());
    this.#stream.close(CODE.protocol);
  }

  /** Nobody reads from the connection's memory meanwhile: all of it happens in one turn. */
  #decide(cameAtMs: number): void {
    if (this.#isOver) return;
    const { table, readBuffer } = this.lane;
    const head = table.requestHead;
    const text = this.#head;
    const bytes = text.length <= readBuffer.length ? readBuffer : Buffer.allocUnsafe(text.length);
    putLatin1(bytes, text, 0);
    if (head.parse(bytes, 0, text.length) <= 0) this.#refuse(head.reason, head.detail);
    else if (!this.#exchangeOf(head, cameAtMs)) {
      this.#exchange = null;
      this.lane.tokens.whenKnown(() => this.#decide(cameAtMs));
    }
  }

  /** False: nothing is decided, as its token is not known yet. */
  #exchangeOf(head: RequestHead, cameAtMs: number): boolean {
    const x = new Exchange(this, this.lane.table, cameAtMs);
    this.#exchange = x;
    x.take(head);
    this.out.wantsTrailers = x.wantsTrailers;
    this.body.start(head.bodyLength === CHUNKED ? UNTIL_CLOSE : head.bodyLength);
    x.requestDone = this.body.isDone;
    if (head.isForUs) {
      this.#answer(x, OPTIONS_ANSWER);
      return true;
    }
    const reason = decide(x, head, this.lines.peer, this.lane.random);
    if (reason === AWAITS_TOKEN) return false;
    this.#head = '';
    this.lane.draft.begin(x, head, this.lines, this.lane.fresh.next());
    if (!x.requestDone) beginCall(x, this.lane.draft.asked);
    if (this.lane.accessLog.draw()) this.lane.accessLog.keep(x, head, this.lines.peer);
    const fault = reason === REASON.none ? this.#takeBody(x) : REASON.none;
    if (x.requestDone) x.startClock(x.startedAtMs);
    this.deadlineAtMs = x.deadlineAtMs;
    this.lane.recorder.begin(x);
    x.reason = reason;
    if (!x.requestDone) this.#listen();
    if (x.answer !== null) this.#answer(x, x.answer);
    else if (reason !== REASON.none) this.reject(x);
    else if (fault !== REASON.none) abandon(x, fault, bodyFaultText(fault));
    else if (head.wantsUpgrade) this.#connect(x, head);
    else forward(x);
    this.lane.draft.end();
    return true;
  }

  /** @returns why the body is to be refused, or `REASON.none` */
  #takeBody(x: Exchange): Reason {
    if (x.requestDone) return REASON.none;
    const fault = takeSmallBody(x, this.body, this.#stream, this.#blocks);
    this.#hasEnded = x.requestDone;
    return fault;
  }

  /** Only an extended CONNECT asks for an upgrade, as fields of connections are malformed here. */
  #connect(x: Exchange, head: RequestHead): void {
    const open = (): Tunnel => new Tunnel(this.#stream, this.out, this.#home);
    this.#tunnel = this.lane.upgrades.takeStream(x, head, open);
    if (this.#tunnel === null) return this.reject(x);
    this.#exchange = null;
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
  }

  /** A request that never became an exchange. */
  #refuse(reason: Reason, detail: string): void {
    this.lane.recorder.refused(reason);
    this.lane.accessLog.refused(reason, this.lines.peer.address, turnMs());
    this.out.writeText(refusalText(reason, detail, this.lane.date.at(turnMs())));
    this.#rest();
    this.#endEarly();
  }

  /** Answers without an upstream and without a failure. */
  #answer(x: Exchange, answer: Answer): void {
    x.status = answer.status;
    this.out.writeText(answerText(x, answer, this.lane.date.at(turnMs()), false));
    this.exchangeDone(x);
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on('trailers', (_object: unknown, _flags: number, fields?: readonly string[]) => this.#takeTrailers(fields));
    stream.on('readable', () => {
      beginTurn();
      this.#pump();
    });
    stream.on('end', () => {
      beginTurn();
      this.#hasEnded = true;
      this.#pump();
    });
  }

  #takeTrailers(fields: readonly string[] = []): void {
    const { text, fault } = trailerText(fields);
    if (fault === '' && this.#blocks?.trailer === fields.length / 2) this.#trailers = text;
    else {
      // The end that comes behind them must not pass for that of a whole request.
      this.#whyGone = 'malformed trailers';
      this.#stream.close(CODE.protocol);
      this.lost(this.#whyGone);
    }
  }

  /** Passes on what is here, as much as the upstream takes. */
  #pump(): void {
    const x = this.#exchange;
    if (x === null || x.requestDone) return;
    const isKept = isGathering(x);
    while (!x.requestDone && (isKept || (x.upstream !== null && !x.upstream.isBackedUp))) {
      const chunk = this.#stream.read() as Buffer | null;
      if (chunk === null) break;
      if (!(isKept ? this.#keep(x, chunk) : this.#relay(x, chunk))) return;
    }
    if (this.#hasEnded && !x.requestDone && (isKept || x.upstream !== null)) this.#endBody(x);
  }

  /** Of a request with an idempotency key nothing is passed on before all of it is here. */
  #keep(x: Exchange, bytes: Buffer): boolean {
    const here = { bytes, from: 0, end: bytes.length };
    const fault = gatherBody(x, this.body, here);
    if (fault !== REASON.none) abandon(x, fault, bodyFaultText(fault));
    else if (here.from !== here.end) abandon(x, REASON.badRequest, 'more body than announced');
    else {
      if (x.requestDone) this.#allHere();
      return true;
    }
    return false;
  }

  #relay(x: Exchange, bytes: Buffer): boolean {
    const { body } = this;
    x.awaitsContinue = false;
    const step = body.gather(bytes, 0, bytes.length);
    if (body.received > x.table.limits.bodyBytesMax) {
      abandon(x, REASON.bodyTooLarge, 'the body exceeds the limit');
      return false;
    }
    if (body.position !== bytes.length) {
      abandon(x, REASON.badRequest, 'more body than announced');
      return false;
    }
    // A chunk's frame would be written around the bytes, where there is no room.
    const isOwn = x.isSpent && x.bodyLength !== CHUNKED;
    x.upstream?.sendBody({ bytes, body, isEnd: step === END, isOwn });
    this.touch();
    if (step === END) this.#complete(x);
    return true;
  }

  #endBody(x: Exchange): void {
    if (x.bodyLength !== CHUNKED) {
      abandon(x, REASON.badRequest, 'less body than announced');
      return;
    }
    this.body.finish(x.wantsTrailers ? this.#trailers : '');
    if (isGathering(x)) {
      this.#keep(x, NOTHING);
      return;
    }
    x.awaitsContinue = false;
    x.upstream?.sendBody({ bytes: NOTHING, body: this.body, isEnd: true, isOwn: false });
    this.#complete(x);
  }

  #complete(x: Exchange): void {
    x.requestDone = true;
    this.#allHere();
    x.startClock(turnMs());
    this.#awaitResponse(x);
  }

  #allHere(): void {
    this.#hasEnded = true;
    if (!this.#stream.readableEnded) discard(this.#stream);
  }

  #awaitResponse(x: Exchange): void {
    if (!x.responseStarted) this.waitAtMost(x, x.responseLimitMs);
  }

  // ── the answer ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** An answer of the gateway's goes on as the client takes it. */
  #pour(x: Exchange): void {
    if (pour(x, this.out)) this.exchangeDone(x);
    else this.deadlineAtMs = turnMs() + x.table.timeouts.bodyIdleMs;
  }

  #flushed(): void {
    beginTurn();
    const x = this.#exchange;
    if (this.#tunnel !== null) this.#tunnel.flushed();
    else if (x === null) this.#rest();
    else if (x.responseStarted && x.upstream === null) this.#pour(x);
    else {
      this.touch();
      x.upstream?.resume();
    }
  }

  #finish(x: Exchange): void {
    if (x.isFinished) return;
    this.#exchange = null;
    this.#rest();
    if (x.client !== this) return; // goes on without its client
    x.isFinished = true;
    x.endedAtMs = turnMs();
    this.lane.recorder.end(x);
  }

  /** Handed over: the client has so long to take it. */
  #rest(): void {
    this.deadlineAtMs = turnMs() + this.lane.table.timeouts.bodyIdleMs;
  }

  /** Answered before the request's end: the client need not send the rest (RFC 9113 section 8.1). */
  #endEarly(): void {
    if (this.#hasEnded) return;
    // Closed before, it would end without them.
    if (this.out.owesTrailers) this.out.whenTrailed = () => waive(this.#stream, this.#home);
    else waive(this.#stream, this.#home);
    discard(this.#stream);
  }
}
