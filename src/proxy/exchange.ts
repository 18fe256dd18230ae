/**
 * One request and its response on its way through the gateway. Hot path.
 *
 * One object per request, every field set in the constructor, so that all exchanges share one hidden class. It pins the
 * route table it started with. Who decides writes the decision fields; who forwards writes the progress fields.
 */

import { latin1Of } from '../lib/latin1.ts';
import { REASON, type Reason } from '../model/reason.ts';
import type { LinkedRoute, LinkedSplit, RouteTable } from './decide/table.ts';
import type { Answer } from './filter/filters.ts';
import type { Endpoint } from './forward/endpoint.ts';
import type { Replay, SentHead } from './forward/replay.ts';
import type { Hedge } from './forward/retry/hedge.ts';
import type { Retrying } from './forward/retry/retry.ts';
import type { Asker, UpstreamExchange } from './forward/sides.ts';
import type { RequestHead } from './http1/request-head.ts';
import type { Drawn } from './record/access-log.ts';

/** In place of the time of an attempt. */
const NO_ATTEMPT = -1;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

/** What few exchanges need: apart, so that the others do not carry it. */
class Rare {
  hedge: Hedge | null = null;
  retrying: Retrying | null = null;
  replay: Replay | null = null;
  opening: UpstreamExchange | null = null;
  drawn: Drawn | null = null;
  answer: Answer | null = null;
  answerLines = '';
  detail = '';
  prefixLength = 0;
  allowedMs = 0;
  trial = 0;
}

/** Above the bits of `#flags`; a field more than there are would cost every exchange an object more. */
const PRIORITY_SHIFT = 11;
const PERMIT_SHIFT = 13;
// biome-ignore format: bits of `#flags`, one after another
const FLAG = {
  isHttp10: 1, keepAlive: 2, wantsTrailers: 4, isPinned: 8, isOnReused: 16, isSpent: 32, requestDone: 64,
  awaitsContinue: 128, responseStarted: 256, isFinished: 512, continuesTrace: 1024,
} as const;

function flagged(flags: number, bit: number, is: boolean): number {
  return is ? flags | bit : flags & ~bit;
}

/** Without private methods: V8 gives each object of a class that has some one word more. */
export class Exchange {
  client: Asker; // another one only once a client has left that an answer is taken for
  readonly table: RouteTable;
  readonly startedAtMs: number;
  method = '';
  target = '';
  /** Body bytes, or CHUNKED; 0 without a body. */
  bodyLength = 0;
  requestId = '';
  route: LinkedRoute | null = null;
  split: LinkedSplit | null = null;
  ageSlot = -1; // its place among the exchanges under a rollout (forward/ages.ts), or -1
  userKey = 0; // 32 bits, signed
  /** Head to send upstream, as text or where it was sent from; empty while it is drafted. */
  #request: string | SentHead = '';
  /** Which of the heads that were sent from there it is. */
  #sentNth = 0;
  endpoint: Endpoint | null = null;
  upstream: UpstreamExchange | null = null; // the connection that the attempt went out on
  attempts = 0;
  /** When the attempt began that is not over yet in the accounts of its endpoint, or `NO_ATTEMPT`. */
  attemptAtMs = NO_ATTEMPT;
  #flags: number = FLAG.keepAlive;
  #rare: Rare | null = null;
  /** When the response must have begun, all attempts together; the clock starts when the request is complete. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  endedAtMs = 0;
  status = 0;
  reason: Reason = REASON.none;

  constructor(client: Asker, table: RouteTable, startedAtMs: number) {
    this.client = client;
    this.table = table;
    this.startedAtMs = startedAtMs;
  }

  /** Copies of the head what outlives its parse. */
  take(head: RequestHead): void {
    this.method = head.method;
    this.target = head.target;
    this.minor = head.minor;
    this.bodyLength = head.bodyLength;
    this.keepAlive = head.keepAlive;
    // What is to become another protocol has one Connection field, about that.
    this.wantsTrailers = head.wantsTrailers && !head.wantsUpgrade;
    this.awaitsContinue = head.expectsContinue && head.bodyLength !== 0;
  }

  /**
   * Head to send upstream, for another attempt, and to see what was asked. Empty once the connection that it was sent on
   * serves another exchange, unless `keepRequest` was called before.
   */
  get requestText(): string {
    const request = this.#request;
    if (typeof request !== 'string') {
      if (request.nth !== this.#sentNth) return '';
      this.#request = latin1Of(request.bytes, request.at, request.at + request.length);
    } else if (request === '' && this.client.lane.draft.of === this) this.#request = this.client.lane.draft.text();
    return this.#request as string;
  }

  set requestText(text: string) {
    this.#request = text;
  }

  /** The head was sent from there, and stands there until something else is sent. */
  sentFrom(sent: SentHead): void {
    this.#request = sent;
    this.#sentNth = sent.nth;
  }

  /** Makes the head a text unless it was sent: what it is drafted from is overwritten soon. */
  settleRequest(): void {
    if (this.#request === '') this.keepRequest();
  }

  /** Makes the head a text, to be there when the connection that sent it serves another exchange. */
  keepRequest(): void {
    this.#request = this.requestText;
  }

  /** The attempt is over. */
  endAttempt(): void {
    this.attemptAtMs = NO_ATTEMPT;
  }

  /** Frees what only another attempt would need: the response has begun. The head stays, for the access log. */
  dropBody(): void {
    this.replay = null;
    this.isSpent = true;
  }

  get isAttempting(): boolean {
    return this.attemptAtMs !== NO_ATTEMPT;
  }

  /** Attempts that the retry budget paid for, a hedge apart. */
  get retries(): number {
    return this.retrying === null ? 0 : this.retrying.count;
  }

  /** The request is complete: from now on the upstream owes an answer. */
  startClock(nowMs: number): void {
    if (this.route === null) return;
    this.deadlineAtMs = nowMs + this.route.requestTimeoutMs;
    if (this.allowedMs !== 0) this.deadlineAtMs = Math.min(this.deadlineAtMs, this.startedAtMs + this.allowedMs);
  }

  /** How long an attempt's upstream may take to the beginning of its response once it has the request, in ms. */
  get responseLimitMs(): number {
    const { firstByteMs } = this.table.timeouts;
    return this.route === null ? firstByteMs : Math.min(firstByteMs, this.route.retry.attemptTimeoutMs);
  }

  /** The second arm of a hedge, not an exchange of its own. */
  get isShadow(): boolean {
    return this.hedge !== null && this.hedge.primary !== this;
  }

  get isHead(): boolean {
    return this.method === 'HEAD';
  }

  /** Methods that may be sent twice. Source: RFC 9110 section 9.2.2. */
  get isIdempotent(): boolean {
    return IDEMPOTENT.has(this.method);
  }

  /** Of the request's version, 0 or 1. */
  get minor(): number {
    return (this.#flags & FLAG.isHttp10) === 0 ? 1 : 0;
  }

  set minor(minor: number) {
    this.#flags = flagged(this.#flags, FLAG.isHttp10, minor === 0);
  }

  /** The client's connection goes on after the response. */
  get keepAlive(): boolean {
    return (this.#flags & FLAG.keepAlive) !== 0;
  }

  set keepAlive(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.keepAlive, is);
  }

  /** The client takes trailer fields, and may send some. */
  get wantsTrailers(): boolean {
    return (this.#flags & FLAG.wantsTrailers) !== 0;
  }

  set wantsTrailers(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.wantsTrailers, is);
  }

  /** A color chose the version. */
  get isPinned(): boolean {
    return (this.#flags & FLAG.isPinned) !== 0;
  }

  set isPinned(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.isPinned, is);
  }

  /** The attempt's connection had answered before, and not this attempt: that the connection ends may be nobody's failure. */
  get isOnReused(): boolean {
    return (this.#flags & FLAG.isOnReused) !== 0;
  }

  set isOnReused(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.isOnReused, is);
  }

  /**
   * No other attempt can be made: it was handed to a connection and may not be a second time, body bytes that would be
   * needed are gone, or an interim response went to the client.
   */
  get isSpent(): boolean {
    return (this.#flags & FLAG.isSpent) !== 0;
  }

  set isSpent(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.isSpent, is);
  }

  /** The whole request was read. */
  get requestDone(): boolean {
    return (this.#flags & FLAG.requestDone) !== 0;
  }

  set requestDone(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.requestDone, is);
  }

  /** The client waits for a 100 before it sends its body: until then the upstream owes a word, not the client. */
  get awaitsContinue(): boolean {
    return (this.#flags & FLAG.awaitsContinue) !== 0;
  }

  set awaitsContinue(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.awaitsContinue, is);
  }

  /** The response has begun. */
  get responseStarted(): boolean {
    return (this.#flags & FLAG.responseStarted) !== 0;
  }

  set responseStarted(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.responseStarted, is);
  }

  /** Over and recorded. */
  get isFinished(): boolean {
    return (this.#flags & FLAG.isFinished) !== 0;
  }

  set isFinished(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.isFinished, is);
  }

  /** The trace that its head names is its sender's, who is its parent there. */
  get continuesTrace(): boolean {
    return (this.#flags & FLAG.continuesTrace) !== 0;
  }

  set continuesTrace(is: boolean) {
    this.#flags = flagged(this.#flags, FLAG.continuesTrace, is);
  }

  /** Number of its priority (decide/admission/priority.ts), 0..3. */
  get priority(): number {
    return (this.#flags >> PRIORITY_SHIFT) & 3;
  }

  set priority(rank: number) {
    this.#flags = (this.#flags & ~(3 << PRIORITY_SHIFT)) | (rank << PRIORITY_SHIFT);
  }

  /** What it holds of its version's admission (decide/admission/permit.ts), 19 bits. */
  get permit(): number {
    return this.#flags >>> PERMIT_SHIFT;
  }

  set permit(permit: number) {
    this.#flags = (this.#flags & ((1 << PERMIT_SHIFT) - 1)) | (permit << PERMIT_SHIFT);
  }

  /** A second attempt beside the first, due or under way. */
  get hedge(): Hedge | null {
    return this.#rare === null ? null : this.#rare.hedge;
  }

  set hedge(value: Hedge | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).hedge = value;
  }

  /** Once an attempt failed and the exchange went on. */
  get retrying(): Retrying | null {
    return this.#rare === null ? null : this.#rare.retrying;
  }

  set retrying(value: Retrying | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).retrying = value;
  }

  /** What is sent of the body with every attempt. */
  get replay(): Replay | null {
    return this.#rare === null ? null : this.#rare.replay;
  }

  set replay(value: Replay | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).replay = value;
  }

  /** The connection that is being opened for the attempt. */
  get opening(): UpstreamExchange | null {
    return this.#rare === null ? null : this.#rare.opening;
  }

  set opening(value: UpstreamExchange | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).opening = value;
  }

  /** For the access log, if the request was drawn for it. */
  get drawn(): Drawn | null {
    return this.#rare === null ? null : this.#rare.drawn;
  }

  set drawn(value: Drawn | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).drawn = value;
  }

  /** A filter answered: nothing is forwarded. */
  get answer(): Answer | null {
    return this.#rare === null ? null : this.#rare.answer;
  }

  set answer(value: Answer | null) {
    if (value !== null || this.#rare !== null) (this.#rare ??= new Rare()).answer = value;
  }

  /** What the route's CORS filter or a rate limit adds to the response, each line with its CRLF. */
  get answerLines(): string {
    return this.#rare === null ? '' : this.#rare.answerLines;
  }

  set answerLines(value: string) {
    if (value !== '' || this.#rare !== null) (this.#rare ??= new Rare()).answerLines = value;
  }

  /** Why it failed, for people. */
  get detail(): string {
    return this.#rare === null ? '' : this.#rare.detail;
  }

  set detail(value: string) {
    if (value !== '' || this.#rare !== null) (this.#rare ??= new Rare()).detail = value;
  }

  /** How much of the path the rule's prefix took, on routes with filters; the whole path when it is longer (decide/rules.ts). */
  get prefixLength(): number {
    return this.#rare === null ? 0 : this.#rare.prefixLength;
  }

  set prefixLength(value: number) {
    if (value !== 0 || this.#rare !== null) (this.#rare ??= new Rare()).prefixLength = value;
  }

  /** How long from its beginning the client will wait, if it is trusted and said so, in ms; 0 = it did not. */
  get allowedMs(): number {
    return this.#rare === null ? 0 : this.#rare.allowedMs;
  }

  set allowedMs(value: number) {
    if (value !== 0 || this.#rare !== null) (this.#rare ??= new Rare()).allowedMs = value;
  }

  /** What its attempt is a probe of (decide/breaker/breaker.ts); 0 = of nothing. */
  get trial(): number {
    return this.#rare === null ? 0 : this.#rare.trial;
  }

  set trial(value: number) {
    if (value !== 0 || this.#rare !== null) (this.#rare ??= new Rare()).trial = value;
  }
}
