/**
 * One upgrade request from its decision to its 101 or its refusal: the exchange that is recorded.
 *
 * The upstream is dialed anew, within the limits and times of any attempt, asked with the sanitized head, and its answer is
 * read as strictly as any. Until its 101 nothing else of the client reaches it. Any other answer is relayed, and then both connections end: what the client sent
 * behind its request was meant for a protocol that nobody speaks here.
 * ```
 * queued ─▸ connecting ─▸ head ─▸ 101: a session │ body (another answer) ─▸ lingering (answered) ─▸ closed
 *    ▲                     │
 *    └────── backoff ◂─────┘
 * ```
 * Source: RFC 9110 section 7.8; docs/adr/0016-http-proxy-3.md.
 */

import { nowMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import { WAITING } from '../decide/admission/permit.ts';
import type { WaitEvents } from '../decide/admission/queue.ts';
import { OVERLOADED, patienceMs } from '../decide/admission/wait.ts';
import { hadWeight } from '../decide/splitter.ts';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { attributed, countBegin, INTERIMS_MAX, pick, tellBreakers, unprobe, whyNone } from '../forward/attempt.ts';
import { probeAnswered } from '../forward/balance/probe.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { handOver, mayRescue, paysRescue, settleRescue } from '../forward/retry/rescue.ts';
import { mayRetry, paidWaitMs, retryingOf } from '../forward/retry/retry.ts';
import { rejectionOf } from '../header/rejection.ts';
import { withTimeLeft } from '../header/request.ts';
import { interimText } from '../header/response.ts';
import { Carry } from '../http1/relay.ts';
import type { Lane } from '../lane.ts';
import { beginSpanOf, endSpanOf } from '../record/trace/trace.ts';
import { originOf } from './aftermath.ts';
import type { Agreement, ClientSocket } from './agreement.ts';
import { Answer } from './answer.ts';
import { Dial, type DialEvents } from './dial.ts';
import { Parting } from './parting.ts';
import { resetSocket } from './reset.ts';
import { type Offer, switchText } from './switching.ts';

export interface HandshakeEvents {
  agreed(agreement: Agreement): void;
  /** It needs nothing any more; also after `agreed`. */
  closed(handshake: Handshake): void;
}

type State = 'waiting' | 'queued' | 'connecting' | 'head' | 'backoff' | 'body' | 'lingering' | 'closed';

export class Handshake implements Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly #x: Exchange;
  readonly #lane: Lane;
  readonly #offer: Offer;
  readonly #events: HandshakeEvents;
  #client: ClientSocket | null = null;
  #dial: Dial | null = null;
  #state: State = 'waiting';
  #carry: Carry | null = null;
  #interims = 0;
  #answer: Answer | null = null;
  #parting: Parting | null = null;
  readonly #onClientGone = (): void => this.#abandon('closed');
  readonly #dialEvents: DialEvents = {
    begun: () => this.#connecting(),
    connected: () => this.#ask(),
    failed: (reason, detail) => this.#failed(reason, detail),
    received: (bytes) => this.#received(bytes),
    ended: () => this.#upstreamEnded(),
    broke: (code) => this.#upstreamBroke(code),
  };
  readonly #waitEvents: WaitEvents<Exchange> = {
    admitted: () => this.#attempt(null),
    shed: () => this.#giveUp(REASON.shed, OVERLOADED),
  };

  constructor(x: Exchange, offer: Offer, events: HandshakeEvents) {
    this.#x = x;
    this.#lane = x.client.lane;
    this.#offer = offer;
    this.#events = events;
  }

  /** @param client has the connection to itself; null when it was lost on the way here. */
  begin(client: ClientSocket | null): void {
    if (this.#state === 'closed') {
      client?.destroy();
      return;
    }
    if (client === null || client.destroyed) return this.#abandon('closed');
    this.#client = client;
    client.on('error', this.#onClientGone);
    client.on('end', this.#onClientGone);
    client.on('close', this.#onClientGone);
    this.#lane.deadlines.add(this);
    this.#lane.retryBudget.deposit();
    this.#enter();
  }

  /** Needs a place at its version until its 101, as any exchange until its end. */
  #enter(): void {
    const x = this.#x;
    const { admission } = x.split as LinkedSplit;
    const now = nowMs();
    if (admission === null || admission.admit(x, now, this.#waitEvents)) this.#attempt(null);
    else if (x.permit === WAITING) {
      this.#state = 'queued';
      this.deadlineAtMs = Math.min(x.deadlineAtMs, now + patienceMs(x, admission));
    } else this.#waitEvents.shed(x);
  }

  /** Ends it now. */
  destroy(): void {
    if (this.#parting !== null) this.#parting.destroy();
    else if (this.#state !== 'closed') this.#abandon('closed by the gateway');
  }

  expire(): void {
    if (this.#state === 'queued') this.#failed(REASON.shed, 'no free connection in time');
    else if (this.#state === 'connecting') this.#failed(REASON.connectTimeout, 'no connection in time');
    else if (this.#state === 'head') this.#failed(REASON.responseTimeout, 'no response in time');
    else if (this.#answer?.isBackedUp) this.#abandon('the client does not read');
    else this.#failed(REASON.upstreamTruncated, 'the response stalled');
  }

  // ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────────

  #attempt(avoid: Endpoint | null): void {
    const x = this.#x;
    const now = nowMs();
    const endpoint = pick(x, avoid, now);
    x.endpoint = endpoint;
    if (endpoint === null) {
      const { reason, detail } = whyNone(x);
      return void (this.#isRescued(reason, 0) || this.#giveUp(reason, detail));
    }
    x.attempts++;
    x.attemptAtMs = now;
    countBegin(x, endpoint);
    beginSpanOf(x, now);
    [this.#state, this.#carry, this.#interims] = ['queued', null, 0];
    this.deadlineAtMs = Math.min(x.deadlineAtMs, now + x.table.timeouts.pendingMs);
    this.#dial = new Dial(endpoint, this.#lane, this.#dialEvents);
    if (!this.#dial.open(x)) this.#failed(REASON.shed, 'too many requests wait for a connection');
  }

  #connecting(): void {
    const x = this.#x;
    const { attemptTimeoutMs } = (x.route as LinkedRoute).retry;
    this.#state = 'connecting';
    this.deadlineAtMs = Math.min(x.deadlineAtMs, nowMs() + Math.min(x.table.timeouts.connectMs, attemptTimeoutMs));
  }

  #ask(): void {
    const x = this.#x;
    const now = nowMs();
    this.#state = 'head';
    this.deadlineAtMs = Math.min(x.deadlineAtMs, now + x.responseLimitMs);
    this.#dial?.write(this.#offer.text(x.allowedMs === 0 ? x.requestText : withTimeLeft(x, now)));
  }

  #failed(failure: Reason, detail: string): void {
    const x = this.#x;
    const failedOn = x.endpoint as Endpoint;
    const reason = attributed(x, failure);
    if (this.#state === 'queued') unprobe(x);
    else if (this.#state === 'connecting' && reason === failure) this.#lane.recorder.connectFailed(failedOn.id);
    this.#endAttempt(reason);
    if (this.#isRescued(reason, 0)) return;
    const waitMs = mayRetry(x, reason) ? paidWaitMs(x, nowMs()) : -1;
    if (waitMs >= 0) this.#again(failedOn, waitMs);
    else this.#giveUp(reason, detail);
  }

  /** Another attempt, which was paid for: at once, or after a wait. */
  #again(failedOn: Endpoint, waitMs: number): void {
    const x = this.#x;
    const retrying = retryingOf(x);
    retrying.count++;
    retrying.hasFailed = true;
    this.#lane.recorder.retried(x);
    if (waitMs === 0) return this.#attempt(failedOn);
    this.#state = 'backoff';
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    retrying.timer = setTimeout(() => {
      retrying.timer = null;
      this.#attempt(failedOn);
    }, waitMs);
  }

  /** Stable goes on with what failed on the canary, if it may. @param status the canary's own, or 0 */
  #isRescued(reason: Reason, status: number): boolean {
    const x = this.#x;
    const now = nowMs();
    if (!mayRescue(x, reason) || !paysRescue(x, now)) return false;
    if (status !== 0) this.#observe(status);
    x.responseStarted = false;
    this.#endAttempt(reason);
    handOver(x, reason, status, now);
    this.#attempt(x.endpoint);
    return true;
  }

  /** Balances `#attempt`; lets go of the upstream. */
  #endAttempt(reason: Reason): void {
    const x = this.#x;
    this.#dial?.drop();
    this.#dial = null;
    const { endpoint } = x;
    if (endpoint === null || !x.isAttempting) return;
    endSpanOf(x, reason, nowMs());
    // An answer was observed when its head came; a failure must not look like speed to the balancer.
    const hasFailed = reason !== REASON.none && reasonRow(reason).fault === 'upstream';
    const now = nowMs();
    if (hasFailed) endpoint.observeFailure(now - x.attemptAtMs, now);
    const isBad = hasFailed || (reason === REASON.none && x.status >= 500);
    const effect = isBad ? 'bad' : reason === REASON.none ? 'good' : 'ignore';
    tellBreakers(x, effect, now);
    x.endAttempt();
    endpoint.inFlight--;
    this.#lane.recorder.attemptEnd(endpoint.id, effect);
  }

  // ── from the upstream ───────────────────────────────────────────────────────────────────────────────────────────

  #received(bytes: Buffer): void {
    const carry = this.#carry;
    if (this.#state === 'body') this.#relay(bytes, 0);
    else if (carry === null) this.#readHeads(bytes, 0);
    else if (carry.take(bytes, 0, bytes.length) || carry.length > this.#x.table.limits.headBytesMax) {
      this.#carry = null;
      this.#readHeads(carry.bytes.subarray(0, carry.end), carry.start, carry);
    }
  }

  /** Reads up to the final head; interim responses go through. @param carry what `bytes` are of, if anything. */
  #readHeads(bytes: Buffer, start: number, carry: Carry | null = null): void {
    const head = this.#x.table.responseHead;
    let from = start;
    for (;;) {
      const next = head.parse(bytes, from, bytes.length, false);
      if (next < 0) return this.#failed(REASON.upstreamProtocol, head.detail);
      if (next === 0) break;
      from = next;
      if (head.status === 101) return this.#switch(bytes.subarray(from));
      if (head.status >= 200) return this.#startAnswer(bytes, from);
      if (++this.#interims > INTERIMS_MAX) return this.#failed(REASON.upstreamProtocol, 'too many interim responses');
      this.#x.isSpent = true;
      this.#client?.write(interimText(head), 'latin1');
    }
    this.#carry = carry ?? new Carry(bytes, from, bytes.length);
    if (carry !== null) carry.start = from;
  }

  /** The upstream switches; from here on it is a session's. */
  #switch(rest: Buffer): void {
    const x = this.#x;
    const head = x.table.responseHead;
    const fault = this.#offer.fault(head);
    if (fault !== '') return this.#failed(REASON.upstreamProtocol, fault);
    this.#observe(101);
    // Nobody listens from here until the session does, all within this turn.
    const agreement: Agreement = {
      route: x.route as LinkedRoute,
      split: x.split as LinkedSplit,
      hadWeight: hadWeight(x),
      endpoint: x.endpoint as Endpoint,
      client: this.#releaseClient() as ClientSocket,
      upstream: (this.#dial as Dial).release(),
      protocol: this.#offer.protocol,
      idleMs: x.table.timeouts.upgradeIdleMs,
      head: switchText(head),
      rest,
      key: this.#lane.random.nextUint32(),
      origin: originOf(x, nowMs()),
    };
    this.#endAttempt(REASON.none);
    this.#record(REASON.none, '');
    this.#events.agreed(agreement);
    this.#close();
  }

  #observe(status: number): void {
    const x = this.#x;
    const now = nowMs();
    x.status = status;
    x.responseStarted = true;
    const endpoint = x.endpoint as Endpoint;
    if (status >= 500) return endpoint.observeFailure(now - x.attemptAtMs, now);
    endpoint.observe(now - x.attemptAtMs, now);
    probeAnswered(endpoint, x, this.#lane.recorder);
  }

  #upstreamEnded(): void {
    if (this.#state === 'body' && this.#answer?.endWithConnection() === true) this.#completed();
    else this.#upstreamBroke('closed');
  }

  #upstreamBroke(code: string): void {
    if (this.#state === 'head') this.#failed(REASON.upstreamReset, `${code} before the response`);
    else this.#failed(REASON.upstreamTruncated, 'the response ended early');
  }

  // ── an answer that is not a 101 ─────────────────────────────────────────────────────────────────────────────────

  #startAnswer(bytes: Buffer, from: number): void {
    const head = this.#x.table.responseHead;
    if (bytes.length - from > head.bodyLength && head.bodyLength >= 0) {
      this.#failed(REASON.upstreamProtocol, 'more body than announced');
      return;
    }
    if (head.status >= 500 && this.#isRescued(REASON.none, head.status)) return;
    this.#observe(head.status);
    this.#state = 'body';
    this.#answer = new Answer(this.#x, head, this.#client as ClientSocket, () => this.#dial?.resume());
    this.#relay(bytes, from);
  }

  #relay(bytes: Buffer, from: number): void {
    const answer = this.#answer as Answer;
    this.deadlineAtMs = nowMs() + this.#x.table.timeouts.bodyIdleMs;
    const progress = answer.take(bytes, from);
    if (progress === 'broken') this.#failed(REASON.upstreamProtocol, 'invalid chunked body');
    else if (progress === 'complete') this.#completed();
    else if (answer.isBackedUp) this.#dial?.pause();
  }

  #completed(): void {
    this.#endAttempt(REASON.none);
    this.#record(REASON.none, '');
    this.#linger();
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The client is gone or does not read: nothing can be answered. */
  #abandon(detail: string): void {
    this.#endAttempt(REASON.clientClosed);
    this.#record(REASON.clientClosed, detail);
    this.#close();
  }

  #giveUp(reason: Reason, detail: string): void {
    const x = this.#x;
    if (x.responseStarted) {
      this.#record(reason, detail);
      // The client must be able to tell that this is not the end of the answer.
      if (this.#client !== null) resetSocket(this.#client);
      this.#close();
      return;
    }
    x.status = reasonRow(reason).status;
    this.#record(reason, detail);
    this.#client?.write(rejectionOf(x, x.client.lines.peer, this.#lane.date.at(nowMs()), true), 'latin1');
    this.#linger();
  }

  #record(reason: Reason, detail: string): void {
    const x = this.#x;
    if (reason === REASON.none) settleRescue(x);
    x.isFinished = true;
    x.reason = reason;
    x.detail = detail;
    x.endedAtMs = nowMs();
    this.#lane.recorder.end(x);
  }

  /** Answered. What the client sent behind its request is thrown away, never parsed. */
  #linger(): void {
    const { deadlines } = this.#lane;
    deadlines.remove(this);
    this.#state = 'lingering';
    const client = this.#releaseClient() as ClientSocket;
    this.#parting = new Parting(client, deadlines, this.#x.table.timeouts.bodyIdleMs, () => this.#close());
  }

  #releaseClient(): ClientSocket | null {
    const client = this.#client;
    this.#client = null;
    client?.off('error', this.#onClientGone);
    client?.off('end', this.#onClientGone);
    client?.off('close', this.#onClientGone);
    return client;
  }

  #close(): void {
    this.#state = 'closed';
    this.#parting = null;
    const timer = this.#x.retrying?.timer ?? null;
    if (timer !== null) clearTimeout(timer);
    this.#lane.deadlines.remove(this);
    const client = this.#releaseClient();
    client?.on('error', () => undefined);
    client?.destroy();
    this.#events.closed(this);
  }
}
