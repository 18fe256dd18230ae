/**
 * One attempt as a stream of a connection that is shared: sends the request, reads the response strictly, relays it to the
 * client as HTTP/1.1 does.
 *
 * ```
 * opening (its connection is) ─▸ head (request sent) ─▸ body ─▸ over      any failure ─▸ over
 * ```
 * While the client does not take its response nothing of the stream is read, and the endpoint gets no window for more; what it
 * may send ahead is bounded by the window (session.ts). A response counts as complete only when the endpoint ended the stream:
 * the runtime ends its readable side on a reset as well, and with the connection, so the end is believed only if the stream
 * was open when it came.
 * Source: RFC 9113 sections 5.2, 8.1.
 */

import { type ClientHttp2Stream, constants } from 'node:http2';
import { Readable } from 'node:stream';
import { beginTurn, turnMs } from '../../../lib/clock.ts';
import { DEFECT, tellDefect } from '../../../lib/threads/defects.ts';
import { REASON, type Reason } from '../../../model/reason.ts';
import { GRPC_CODES, grpcCode, grpcReason } from '../../../model/sli.ts';
import type { Exchange } from '../../exchange.ts';
import { isAnswering, pacedInto, towardsClient } from '../../filter/pace.ts';
import { isGrpcType } from '../../header/grpc.ts';
import { timeLeftMs, withTimeLeft } from '../../header/request.ts';
import { type ClientFraming, clientFraming, responseText } from '../../header/response.ts';
import { CHUNKED } from '../../http1/framing.ts';
import { lastChunk } from '../../http1/relay.ts';
import type { ResponseHead } from '../../http1/response-head.ts';
import { streamingOf } from '../../record/streaming.ts';
import { beginAnswer, INTERIMS_MAX, isClientsDoing, observeAnswer, passInterim } from '../attempt.ts';
import { isTooLong, type Piece } from '../replay.ts';
import { type Taking, take } from '../retry/idempotency/capture.ts';
import { isUnwelcome, PASSES_ON } from '../retry/rescue.ts';
import type { UpstreamExchange } from '../sides.ts';
import { chunkOf, endsWithoutTrailers, RequestBody } from './body.ts';
import { failureOf } from './failure.ts';
import { fieldsOf, shortenTimeout, valueIn } from './request.ts';
import { headText, trailerText } from './response.ts';
import type { UpstreamSession } from './session.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;

const DEADLINE_EXCEEDED = GRPC_CODES.indexOf('DEADLINE_EXCEEDED');

type State = 'opening' | 'head' | 'body' | 'over';

export class UpstreamStream implements UpstreamExchange {
  readonly #session: UpstreamSession;
  /** The endpoint itself has ended its side. */
  #hasEnded = false;
  #exchange: Exchange | null;
  #state: State = 'opening';
  #stream: ClientHttp2Stream | null = null;
  #body: RequestBody | null = null;
  #error: NodeJS.ErrnoException | null = null;
  /** Only its method keeps the request from being sent twice. */
  #isSpentByMethod = false;
  #interims = 0;
  #keeping: Taking | null = null;
  #framing: ClientFraming = 'as-is';
  /** What is to come of the body, as announced; Infinity if nothing was. */
  #left = 0;
  #trailers = '';
  /** `grpc-status` of an answer of gRPC, empty until it is known; null of any other answer. */
  #grpcStatus: string | null = null;
  /** The response is here as a whole and waits for the client. */
  #isDone = false;

  constructor(session: UpstreamSession, x: Exchange) {
    this.#session = session;
    this.#exchange = x;
  }

  /** Whose attempt it is; null once that is over. */
  get exchange(): Exchange | null {
    return this.#exchange;
  }

  get isBackedUp(): boolean {
    return this.#body !== null && this.#body.isBackedUp;
  }

  /** Sends the request: its connection is open and has a place for it. */
  begin(): void {
    const x = this.#exchange as Exchange;
    const { connection, scheme, isReused } = this.#session;
    this.#spend(x);
    this.#state = 'head';
    x.isOnReused = isReused;
    x.upstream = this;
    x.opening = null;
    const head = x.allowedMs === 0 ? x.requestText : withTimeLeft(x, turnMs());
    const fields = fieldsOf(head, scheme);
    if (x.allowedMs !== 0) shortenTimeout(fields, timeLeftMs(x, turnMs()));
    const stream = connection.request(fields, {
      endStream: x.bodyLength === 0,
      waitForTrailers: x.bodyLength === CHUNKED && x.wantsTrailers && !endsWithoutTrailers(x),
    });
    this.#stream = stream;
    // The runtime marks a stream closed before it ends one that was reset or lost.
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && !stream.closed) this.#hasEnded = true;
      return Readable.prototype.push.call(stream, chunk, encoding);
    };
    this.#listen(stream);
    if (x.bodyLength !== 0) {
      this.#body = new RequestBody(stream, pacedInto(x, stream), () => {
        this.#contain(() => this.#exchange?.client.resumeReading());
      });
      this.#body.begin(x);
    }
    this.#session.events.sent(x);
  }

  sendBody(piece: Piece): void {
    const x = this.#exchange;
    if (x === null || this.#body === null) return;
    // Of a request that is not to be sent twice nothing is kept from here on.
    this.#isSpentByMethod = false;
    this.#body.send(x, piece);
  }

  resume(): void {
    const x = this.#exchange;
    if (x === null || this.#stream === null || isAnswering(x)) return;
    if (this.#isDone) this.#complete(x);
    else this.#stream.resume();
  }

  turnTo(x: Exchange | null): void {
    this.#exchange = x;
  }

  destroy(): void {
    const before = this.#state;
    this.#exchange = null;
    this.#state = 'over';
    this.#keeping?.drop();
    if (before === 'opening') this.#session.withdraw(this);
    else if (this.#stream !== null && !this.#stream.closed) this.#stream.close(NGHTTP2_CANCEL);
  }

  /** The connection could not be opened, or is gone. */
  fail(reason: Reason, detail: string): void {
    const x = this.#exchange;
    if (this.#state === 'opening') this.#state = 'over';
    this.destroy();
    if (x !== null && !x.isFinished) this.#session.events.failed(x, reason, detail);
  }

  /** What HTTP/1.1 does when a head is sent (`replay.ts`), and whether the endpoint's word could take it back. */
  #spend(x: Exchange): void {
    const wasWhole = !x.isSpent && !isTooLong(x);
    if (!x.isIdempotent || isTooLong(x)) x.isSpent = true;
    this.#isSpentByMethod = wasWhole && x.isSpent;
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('headers', (_fields, _flags, raw) => this.#contain(() => this.#interim(raw)));
    stream.on('response', (_fields, flags, raw) => this.#contain(() => this.#responded(flags, raw)));
    stream.on('trailers', (_fields, _flags, raw) => this.#contain(() => this.#trailed(raw)));
    stream.on('end', () => this.#contain(() => this.#ended()));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error;
    });
    stream.on('close', () => this.#contain(() => this.#closed()));
  }

  /** A defect ends this attempt and nothing else. */
  #contain(act: () => void): void {
    try {
      act();
    } catch (error) {
      tellDefect(error);
      this.fail(this.#state === 'body' ? REASON.upstreamTruncated : REASON.upstreamReset, DEFECT);
    }
  }

  // ── from the endpoint ───────────────────────────────────────────────────────────────────────────────────────────

  #interim(raw: readonly string[]): void {
    beginTurn();
    const x = this.#exchange;
    if (x === null || this.#state !== 'head') return;
    this.#session.heard();
    const head = this.#parsed(x, raw, false);
    if (head === null) return;
    const isTooMany = ++this.#interims > INTERIMS_MAX;
    if (head.status === 101 || isTooMany) {
      this.fail(
        REASON.upstreamProtocol,
        isTooMany ? 'too many interim responses' : 'a 101, which HTTP/2 does not have',
      );
    } else {
      // Whoever says something of a request has looked at it.
      this.#isSpentByMethod = false;
      passInterim(x, head);
    }
  }

  /** The worker's response head after these fields; null when they are refused, and the attempt with them. */
  #parsed(x: Exchange, raw: readonly string[], isEnd: boolean): ResponseHead | null {
    const translated = headText(raw, { isEnd, isHead: x.isHead });
    if (translated.text === null) {
      this.fail(REASON.upstreamProtocol, translated.fault);
      return null;
    }
    const head = x.table.responseHead;
    const bytes = Buffer.from(translated.text, 'latin1');
    const next = head.parse(bytes, 0, bytes.length, x.isHead);
    head.isHttp2 = true;
    if (next === bytes.length) return head;
    this.fail(REASON.upstreamProtocol, next < 0 ? head.detail : 'malformed header fields');
    return null;
  }

  #responded(flags: number, raw: readonly string[]): void {
    beginTurn();
    const arm = this.#exchange;
    if (arm === null || this.#state !== 'head') return;
    this.#session.heard();
    const isEnd = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const head = this.#parsed(arm, raw, isEnd);
    if (head === null) return;
    if (isEnd && head.bodyLength > 0) {
      this.fail(REASON.upstreamProtocol, 'less body than announced');
      return;
    }
    if (isGrpcType(valueIn(raw, 'content-type'))) this.#grpcStatus = valueIn(raw, 'grpc-status');
    this.#answer(arm, head);
  }

  #answer(arm: Exchange, head: ResponseHead): void {
    const { events, endpoint } = this.#session;
    arm.isOnReused = false;
    this.#session.spareAnswers += 1;
    const { status } = head;
    const course = isUnwelcome(arm, status) ? events.refuses(arm, status) : PASSES_ON;
    observeAnswer(arm, endpoint, status);
    if (course !== PASSES_ON) {
      this.destroy();
      events.refused(arm, status, course);
      return;
    }
    const x = arm.hedge === null ? arm : events.won(arm);
    beginAnswer(x, head);
    this.#state = 'body';
    this.#framing = clientFraming(head, x.minor);
    this.#left = head.bodyLength === CHUNKED ? Number.POSITIVE_INFINITY : head.bodyLength;
    this.#keeping = take(x, head);
    // An answer before the request's end: what the client still sends must never be read as a request.
    if (this.#framing === 'close' || !x.requestDone) x.keepAlive = false;
    x.keepAlive = x.client.willKeepAlive(x);
    towardsClient(x).writeText(responseText(x, head, this.#framing, !x.keepAlive));
    this.#session.lane.recorder.headCame(x);
    x.client.touch();
    // Not before: what arrives is the body from here on.
    this.#stream?.on('data', (bytes: Buffer) => this.#contain(() => this.#received(bytes)));
    this.#yield(x);
  }

  #received(bytes: Buffer): void {
    beginTurn();
    const x = this.#exchange;
    if (x === null) return;
    this.#session.heard();
    if (bytes.length > this.#left) {
      this.fail(REASON.upstreamProtocol, 'more body than announced');
      return;
    }
    this.#left -= bytes.length;
    if (bytes.length > 0 && streamingOf(x) !== null) this.#session.lane.recorder.streamed(x);
    this.#keeping?.take(bytes, 0, bytes.length);
    const out = this.#framing === 'chunked' ? chunkOf(bytes) : bytes;
    if (out.length > 0) towardsClient(x).writeBytes(out, 0, out.length);
    x.client.touch();
    this.#yield(x);
  }

  /** Reads no more while the client does not take what there is. */
  #yield(x: Exchange): void {
    if (towardsClient(x).isBackedUp) this.#stream?.pause();
  }

  #trailed(raw: readonly string[]): void {
    beginTurn();
    const x = this.#exchange;
    if (x === null) return;
    this.#session.heard();
    const { text, ...refusal } = { fault: '', ...trailerText(raw, x.table.limits) };
    if (text === null) this.fail(REASON.upstreamProtocol, refusal.fault);
    else this.#trailers = text;
    if (this.#grpcStatus !== null) this.#grpcStatus = valueIn(raw, 'grpc-status');
  }

  /** Everything was read that there is to read. */
  #ended(): void {
    beginTurn();
    const x = this.#exchange;
    if (x === null || this.#state !== 'body' || !this.#hasEnded) return;
    if (this.#left > 0 && this.#left !== Number.POSITIVE_INFINITY) {
      this.fail(REASON.upstreamProtocol, 'less body than announced');
      return;
    }
    const out = towardsClient(x);
    if (this.#framing === 'chunked') out.writeText(lastChunk(x.wantsTrailers ? this.#trailers : '', x.table.names));
    if (out.isBackedUp) this.#isDone = true;
    else this.#complete(x);
  }

  #complete(x: Exchange): void {
    this.#exchange = null;
    this.#state = 'over';
    this.#keeping?.put();
    if (this.#grpcStatus !== null) x.reason = this.#grpcReason(x, grpcCode(this.#grpcStatus));
    // The endpoint needs no more of a request that it has answered.
    if (this.#stream !== null && !this.#stream.writableEnded) this.#stream.close(NGHTTP2_NO_ERROR);
    this.#session.events.completed(x);
  }

  /** Who was told of the client's deadline, and says when it is over that it is, has not failed. */
  #grpcReason(x: Exchange, code: number): Reason {
    if (code === DEADLINE_EXCEEDED && isClientsDoing(x)) return REASON.clientDeadline;
    return grpcReason(code, this.#session.endpoint.grpcErrors);
  }

  /** The stream is over; so is the attempt, unless the response is here as a whole. */
  #closed(): void {
    beginTurn();
    const x = this.#exchange;
    const stream = this.#stream as ClientHttp2Stream;
    this.#session.left(this);
    if (x === null || this.#isDone) return;
    const isLost = this.#session.isLost;
    const isUnprocessed = this.#session.isUnprocessed(stream.id);
    const isAnswered = this.#state === 'body';
    const failure = failureOf({ code: stream.rstCode, error: this.#error, isLost, isUnprocessed, isAnswered });
    const isRefused = failure.reason === REASON.streamRefused;
    if (isRefused && this.#isSpentByMethod) x.isSpent = false;
    // The race for a connection that was kept, or its GOAWAY: no stream that the endpoint itself has reset.
    x.isOnReused = (isRefused ? isUnprocessed : isLost && x.isOnReused) && this.#session.spareAnswers > 0;
    if (x.isOnReused) this.#session.spareAnswers -= 1;
    this.fail(failure.reason, failure.detail);
  }
}
