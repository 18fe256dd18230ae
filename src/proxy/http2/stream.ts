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

import { turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { putLatin1 } from '../../lib/latin1.ts';
import { DEFECT } from '../../lib/threads/defects.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { AWAITS_TOKEN, decide } from '../decide/decide.ts';
import { Exchange } from '../exchange.ts';
import type { Answer } from '../filter/filters.ts';
import { abandon, forward, gatherBody } from '../forward/forwarder.ts';
import { isPoured, ownAnswer, pour } from '../forward/retry/fallback/answer.ts';
import { isGathering } from '../forward/retry/idempotency/gather.ts';
import type { Asker } from '../forward/sides.ts';
import { bodyFaultText } from '../forward/small-body.ts';
import { expireExchange } from '../forward/stall.ts';
import { answerText, OPTIONS_ANSWER, refusalText } from '../header/rejection.ts';
import { BodyReader, UNTIL_CLOSE } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Lane } from '../lane.ts';
import { beginCall, quietUntilMs, tookBody } from '../record/streaming.ts';
import type { StreamHome } from './home.ts';
import { StreamOutlet } from './outlet.ts';
import { requestText, trailerText } from './rules.ts';
import type { Http2Stream } from './session/stream.ts';
import type { StreamOwner } from './session/terms.ts';
import { takeSmallBody } from './small-body.ts';
import { Tunnel } from './tunnel.ts';

const NOTHING = Buffer.alloc(0);
/** Where heads are written to be parsed, one after another: all of that happens in one turn. Longer ones are rare. */
const headMemory = Buffer.allocUnsafeSlow(16_384);

/** Body bytes `bytes[from..end)`; whether they stay as they are. */
interface Arrived {
  readonly bytes: Buffer;
  readonly from: number;
  readonly end: number;
  readonly isOwn: boolean;
}

export class ClientStream implements Asker, StreamOwner, Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly lane: Lane;
  readonly lines: Asker['lines'];
  readonly out: StreamOutlet;
  readonly body = new BodyReader();
  readonly #home: StreamHome;
  readonly #stream: Http2Stream;
  #exchange: Exchange | null = null;
  #tunnel: Tunnel | null = null;
  /** Of the request, in the form of HTTP/1.1, until it is decided. */
  #head = '';
  #trailers = '';
  #isOver = false;

  constructor(home: StreamHome, stream: Http2Stream) {
    this.lane = home.lane;
    this.lines = home.lines;
    this.#home = home;
    this.#stream = stream;
    this.out = new StreamOutlet(stream);
    this.lane.deadlines.add(this);
    stream.owner = this;
  }

  /** @param fields of the head, names and values in turn. */
  begin(fields: readonly string[]): void {
    const { hasBody, trailers } = this.#stream;
    const { text, fault } = requestText(fields, hasBody);
    if (fault !== '' || (trailers !== null && !this.#takeTrailers(trailers))) {
      this.#malformed();
      return;
    }
    this.#head = text;
    this.out.isHead = text.startsWith('HEAD ');
    this.#decide(turnMs());
  }

  // ── from the stream ─────────────────────────────────────────────────────────────────────────────────────────────

  takes(bytes: Buffer, from: number, end: number, isEnd: boolean): boolean {
    if (this.#tunnel !== null) return this.#tunnel.takes(bytes, from, end, isEnd);
    const x = this.#exchange;
    if (x === null || x.requestDone || isPoured(x)) return this.#isDecided;
    if (!this.#passes(x)) return false;
    this.#pass(x, { bytes, from, end, isOwn: false }, isEnd);
    return true;
  }

  arrived(): void {
    const { trailers } = this.#stream;
    if (this.#tunnel !== null) return this.#tunnel.arrived();
    if (trailers !== null && !this.#takeTrailers(trailers)) return;
    const x = this.#exchange;
    if (x === null ? this.#isDecided : isPoured(x)) this.#stream.discard();
    else this.#pump();
  }

  /** With no exchange it is answered then, with one that is poured it is being answered: nobody wants the rest. */
  get #isDecided(): boolean {
    return this.#head === '';
  }

  flushed(): void {
    const x = this.#exchange;
    if (this.#tunnel !== null) this.#tunnel.flushed();
    else if (x === null) this.#rest();
    else if (isPoured(x)) this.#pour(x);
    else {
      this.touch();
      x.upstream?.resume();
    }
  }

  finished(): void {
    this.#tunnel?.finished();
  }

  closed(detail: string): void {
    if (this.#tunnel !== null && detail !== '') this.#tunnel.broke();
    // Who gave the answer is about to say that it is done.
    if (detail !== '' || this.#exchange === null) this.#lost(detail);
  }

  /** Nothing can be read or written any more. */
  #lost(detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const x = this.#exchange;
    if (x !== null) abandon(x, REASON.clientClosed, detail);
    if (this.#tunnel === null) this.#stream.discard();
    this.lane.deadlines.remove(this);
  }

  expire(): void {
    const x = this.#exchange;
    if (x !== null) return expireExchange(x, x.upstream !== null && !x.upstream.isBackedUp);
    this.#home.stalled();
    this.#stream.cut();
  }

  broke(): void {
    this.#stream.cut();
    this.#lost(DEFECT);
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
    if (x.awaitsContinue) this.waitAtMost(x, x.table.timeouts.bodyIdleMs);
    else this.touch();
    this.#pump();
  }

  resumeReading(): void {
    this.#pump();
  }

  exchangeDone(x: Exchange): void {
    this.#finish(x);
    if (this.out.isOver) this.#stream.waive();
    else this.#stream.cut();
    if (this.#stream.isClosed) this.#lost('');
  }

  reject(x: Exchange): void {
    if (this.#isOver) this.#finish(x);
    else {
      this.out.writeText(ownAnswer(x, this.lines.peer, this.lane.date.at(turnMs()), false));
      this.#stream.discard();
      this.#pour(x);
    }
  }

  cutOff(x: Exchange): void {
    this.#finish(x);
    this.#stream.cut();
  }

  // ── the request ─────────────────────────────────────────────────────────────────────────────────────────────────

  #malformed(): void {
    this.lane.recorder.refused(REASON.badRequest);
    this.lane.accessLog.refused(REASON.badRequest, this.lines.peer.address, turnMs());
    this.#stream.refuse();
  }

  #decide(cameAtMs: number): void {
    if (this.#isOver) return;
    const head = this.lane.table.requestHead;
    const text = this.#head;
    const bytes = text.length <= headMemory.length ? headMemory : Buffer.allocUnsafe(text.length);
    putLatin1(bytes, text, 0);
    this.lane.draft.end(); // of whoever is being admitted, and has others leave: what it is drafted from is read over
    if (head.parse(bytes, 0, text.length) <= 0) this.#refuse(head.reason, head.detail);
    else if (!this.#isAsAnnounced(head)) this.#malformed();
    else if (!this.#exchangeOf(head, cameAtMs)) {
      this.#exchange = null;
      this.lane.tokens.whenKnown(() => this.#decide(cameAtMs));
    }
  }

  /** What is here of the body is not more than announced, or less and all there is. What comes is measured as it comes. */
  #isAsAnnounced({ bodyLength, wantsUpgrade }: RequestHead): boolean {
    return bodyLength === CHUNKED || wantsUpgrade || this.#stream.expect(bodyLength);
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
    this.lane.draft.begin(x, head, this.lines);
    if (!x.requestDone) beginCall(x, this.lane.draft.asked.text);
    if (this.lane.accessLog.draw()) this.lane.accessLog.keep(x, head, this.lines.peer);
    const fault = reason === REASON.none ? this.#takeBody(x) : REASON.none;
    if (x.requestDone) x.startClock(x.startedAtMs);
    this.deadlineAtMs = x.deadlineAtMs;
    this.lane.recorder.begin(x);
    x.reason = reason;
    if (x.answer !== null) this.#answer(x, x.answer);
    else if (reason !== REASON.none) this.reject(x);
    else if (fault !== REASON.none) abandon(x, fault, bodyFaultText(fault));
    else if (head.wantsUpgrade) this.#connect(x, head);
    else forward(x);
    this.lane.draft.end();
    // What came along with the head is here already.
    if (isGathering(x)) this.#pump();
    return true;
  }

  /** @returns why the body is to be refused, or `REASON.none` */
  #takeBody(x: Exchange): Reason {
    return x.requestDone ? REASON.none : takeSmallBody(x, this.body, this.#stream);
  }

  /** Only an extended CONNECT asks for an upgrade, as fields of connections are malformed here. */
  #connect(x: Exchange, head: RequestHead): void {
    const open = (): Tunnel => new Tunnel(this.#stream, this.out);
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
    this.#head = '';
    this.#rest();
    this.#stream.waive();
  }

  /** Answers without an upstream and without a failure. */
  #answer(x: Exchange, answer: Answer): void {
    x.status = answer.status;
    this.out.writeText(answerText(x, answer, this.lane.date.at(turnMs()), false));
    this.exchangeDone(x);
  }

  /** @returns false when they are malformed: the end that comes with them must not pass for that of a whole request */
  #takeTrailers(fields: readonly string[]): boolean {
    const { text, fault } = trailerText(fields, this.lane.table.limits);
    if (fault === '') this.#trailers = text;
    else this.#stream.refuse();
    return fault === '';
  }

  /** More of the body can be passed on now. */
  #passes(x: Exchange): boolean {
    return isGathering(x) || (x.upstream !== null && !x.upstream.isBackedUp);
  }

  /** Passes on what is kept, as much as the upstream takes. */
  #pump(): void {
    const stream = this.#stream;
    for (let x = this.#exchange; x !== null && !x.requestDone && this.#passes(x); x = this.#exchange) {
      const bytes = stream.read() ?? NOTHING;
      const isEnd = stream.hasEnded && stream.keptBytes === 0;
      if (bytes.length === 0 && !isEnd) return;
      this.#pass(x, { bytes, from: 0, end: bytes.length, isOwn: true }, isEnd);
    }
  }

  #pass(x: Exchange, arrived: Arrived, isEnd: boolean): void {
    if (isGathering(x)) this.#keep(x, arrived, isEnd);
    else this.#relay(x, arrived, isEnd);
  }

  /** Of a request with an idempotency key nothing is passed on before all of it is here. */
  #keep(x: Exchange, { bytes, from, end }: Arrived, isEnd: boolean): void {
    const fault = gatherBody(x, this.body, { bytes, from, end });
    if (fault !== REASON.none) abandon(x, fault, bodyFaultText(fault));
    else if (isEnd && !x.requestDone) {
      this.body.finish(this.#trailersOf(x));
      const last = gatherBody(x, this.body, { bytes: NOTHING, from: 0, end: 0 });
      if (last !== REASON.none) abandon(x, last, bodyFaultText(last));
    }
  }

  #relay(x: Exchange, { bytes, from, end, isOwn: isOurs }: Arrived, isEnd: boolean): void {
    const { body } = this;
    x.awaitsContinue = false;
    body.gather(bytes, from, end);
    if (body.received > x.table.limits.bodyBytesMax) {
      abandon(x, REASON.bodyTooLarge, bodyFaultText(REASON.bodyTooLarge));
      return;
    }
    if (isEnd && !body.isDone) {
      const { dataStart, dataEnd } = body;
      body.finish(this.#trailersOf(x));
      [body.dataStart, body.dataEnd] = [dataStart, dataEnd];
    }
    // A chunk's frame would be written around the bytes, where there is no room.
    const isOwn = isOurs && x.isSpent && x.bodyLength !== CHUNKED;
    const isLast = body.isDone;
    tookBody(x, body.dataEnd - body.dataStart);
    x.upstream?.sendBody({ bytes, body, isEnd: isLast, isOwn });
    if (isLast) this.#complete(x);
  }

  #trailersOf(x: Exchange): string {
    return x.wantsTrailers ? this.#trailers : '';
  }

  #complete(x: Exchange): void {
    x.requestDone = true;
    x.startClock(turnMs());
    this.#awaitResponse(x);
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
}
