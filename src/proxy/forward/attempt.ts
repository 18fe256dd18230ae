/**
 * One attempt at an endpoint: its choice, its accounts, its end. Hot path.
 *
 * Every `begin` is balanced by one `endAttempt`. An attempt that is given up is detached first: nothing that still happens
 * to its connection reaches the exchange.
 */

import { turnMs } from '../../lib/clock.ts';
import { type Effect, REASON, type Reason, reasonRow } from '../../model/reason.ts';
import { NONE } from '../decide/admission/permit.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { isGrpcHead } from '../header/grpc.ts';
import { isClientsTimeOver } from '../header/request.ts';
import { interimText } from '../header/response.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { beginStream } from '../record/streaming.ts';
import { beginSpan, endSpan, noteFailure, noteShed } from '../record/trace/trace.ts';
import { probeAnswered, probeEnded } from './balance/probe.ts';
import type { Endpoint } from './endpoint.ts';
import { isRace, sentAtMs } from './retry/retry.ts';

const SERVER_ERROR = 500;
/** Interim responses (1xx) before the final one. */
export const INTERIMS_MAX = 10;

const NO_ENDPOINT = { reason: REASON.noEndpoint, detail: 'the version has no endpoints' };
const CIRCUIT_OPEN = {
  reason: REASON.circuitOpen,
  detail: 'the version has failed too often and is left alone for a while',
};

/** The endpoint of the next attempt, or null (`whyNone`). @param avoid taken only when there is no other. */
export function pick(x: Exchange, avoid: Endpoint | null, nowMs: number): Endpoint | null {
  const { breaker, targets } = x.split as LinkedSplit;
  if (breaker !== null) {
    if (!breaker.admit(nowMs)) return null;
    x.trial = breaker.trial;
  }
  const endpoint = targets.pick(avoid, x.userKey, nowMs);
  if (endpoint === null) unprobe(x);
  // A retry, a rescue and a hedge are not put at risk once more; nor does one endpoint decide about the breaker of its version.
  else if (avoid === null && x.trial === 0) return targets.takeProbe(x) ?? endpoint;
  return endpoint;
}

/** The attempt says nothing about its version, and was never going to: who comes next is a probe in its place. */
export function unprobe(x: Exchange): void {
  if (x.trial === 0) return;
  x.split?.breaker?.giveBack(x.trial);
  x.trial = 0;
}

/** Why `pick` found no endpoint for an exchange. */
export function whyNone(x: Exchange): { readonly reason: Reason; readonly detail: string } {
  return x.split?.breaker?.state === 'closed' || x.split?.breaker === null ? NO_ENDPOINT : CIRCUIT_OPEN;
}

/** An attempt is under way. Balanced by `endAttempt`, or what stands for it. */
export function countBegin(x: Exchange, endpoint: Endpoint): void {
  const { recorder } = x.client.lane;
  endpoint.inFlight++;
  if (endpoint.isNew) warmUp(x, endpoint);
  recorder.attemptBegin(endpoint.id);
  // One that is out is only picked when all of its version are, or as a probe.
  if (endpoint.isOut && endpoint.probes?.has(x) !== true) recorder.panicked(endpoint.id);
}

/**
 * What goes to a cold endpoint is no trial of latency. The first attempt alone decides: who is sent another one is slow or has failed,
 * and leaving those out would make the version look faster than it is.
 */
function warmUp(x: Exchange, endpoint: Endpoint): void {
  const isCold = endpoint.warmUp((x.split as LinkedSplit).targets.endpoints, x.attemptAtMs);
  if (isCold && x.attempts === 1) x.client.lane.recorder.leaveOut(x);
}

/** Begins an attempt. False when the endpoint's queue is full: then it is over already. */
export function begin(x: Exchange, endpoint: Endpoint): boolean {
  x.endpoint = endpoint;
  x.attempts++;
  x.attemptAtMs = turnMs();
  countBegin(x, endpoint);
  if (x.retrying !== null && x.retrying.traced !== null) beginSpan(x, x.retrying.traced, turnMs());
  if (endpoint.pool.acquire(x)) return true;
  unprobe(x);
  noteShed(x);
  endAttempt(x, 'ignore');
  return false;
}

/** Nothing that happens to the attempt's connection reaches the exchange any more. */
export function detach(x: Exchange): void {
  const { upstream, opening } = x;
  x.upstream = null;
  x.opening = null;
  if (upstream !== null) upstream.destroy();
  else if (opening !== null) opening.turnTo(null);
  else x.endpoint?.pool.cancel(x);
}

/** The attempt is called off, by no fault of its endpoint's: all that is known is how long that has been silent. */
export function callOff(x: Exchange): void {
  if (x.isAttempting && x.upstream !== null && x.requestDone && !x.responseStarted) {
    const now = turnMs();
    x.endpoint?.observeSilence(now - owedSinceMs(x), now);
  }
  detach(x);
}

/** Since when nothing but the endpoint has kept its answer back: the clock of the request starts with its last byte. */
function owedSinceMs(x: Exchange): number {
  if (x.route === null || x.deadlineAtMs === Number.POSITIVE_INFINITY) return sentAtMs(x);
  return Math.max(sentAtMs(x), x.deadlineAtMs - x.route.requestTimeoutMs);
}

/**
 * The reason to record for a failure. Once the client's own time is over, and that was too short, nobody else has failed: else
 * anybody could have versions and endpoints left alone by asking for a millisecond. An answer that has begun may end with it.
 */
export function attributed(x: Exchange, reason: Reason): Reason {
  if (!isClientsTimeOver(x, turnMs()) || reasonRow(reason).fault !== 'upstream') return reason;
  // To the end of the answer it holds for calls, of which an endpoint makes an end itself, and to its beginning for others.
  if (x.responseStarted) return isGrpcHead(x.requestText) ? REASON.clientClosed : reason;
  return isClientsDoing(x) ? REASON.clientDeadline : reason;
}

/** Did the client give its endpoint too little time to answer, and is that over? */
export function isClientsDoing(x: Exchange): boolean {
  return isClientsTimeOver(x, turnMs()) && (x.endpoint === null || x.endpoint.isTooShort(x.allowedMs));
}

/** A failure must not look like speed to the balancer; an idle connection that the upstream closed is not one. */
export function punish(x: Exchange, reason: Reason): void {
  const now = turnMs();
  if (!x.isAttempting || isRace(x, reason, now)) return;
  x.endpoint?.observeFailure(now - x.attemptAtMs, now);
}

/** The final head is there: what its time says about the endpoint, and about the version's limit. */
export function observeAnswer(x: Exchange, endpoint: Endpoint, status: number): void {
  const now = turnMs();
  const tookMs = now - x.attemptAtMs;
  if (status >= SERVER_ERROR) {
    endpoint.observeFailure(tookMs, now);
    return;
  }
  endpoint.observe(tookMs, now);
  if (endpoint.probes !== null) probeAnswered(endpoint, x, x.client.lane.recorder);
  if (x.permit !== NONE) x.split?.admission?.sample(x, tookMs);
}

/** The client gets this answer: nothing else is tried from now on. */
export function beginAnswer(x: Exchange, head: ResponseHead): void {
  const { status } = head;
  x.status = status;
  beginStream(x, head);
  if (status >= SERVER_ERROR) {
    x.keepRequest(); // the log of failures looks at it later
    noteFailure(x, REASON.none, status);
  }
  x.responseStarted = true;
  if (x.bodyLength !== 0) x.dropBody();
  if (x.drawn !== null) x.drawn.respondedAtMs = turnMs();
}

/** Passes an interim response on, if the client takes any. */
export function passInterim(x: Exchange, head: ResponseHead): void {
  x.awaitsContinue = false;
  if (!x.isShadow) x.client.touch();
  if (x.minor !== 1 || (x.hedge !== null && x.hedge.shadow !== null)) return;
  x.isSpent = true;
  x.client.out.writeText(interimText(head));
}

/** What an attempt that is over says about its endpoint and its version, where that is asked. */
export function tellBreakers(x: Exchange, effect: Effect, nowMs: number): void {
  const { endpoint } = x;
  if (endpoint !== null && endpoint.probes !== null) probeEnded(endpoint, x, effect, x.client.lane.recorder);
  const breaker = x.split === null ? null : x.split.breaker;
  if (breaker === null) return;
  if (effect !== 'ignore') breaker.observe(effect === 'bad', x.trial, nowMs);
  x.trial = 0;
}

/** Balances `begin`. @param effect what the attempt says about its endpoint. */
export function endAttempt(x: Exchange, effect: Effect): void {
  x.upstream = null;
  x.opening = null;
  if (!x.isAttempting || x.endpoint === null) return;
  x.client.lane.recorder.attemptTook(x);
  if (x.retrying !== null && x.retrying.traced !== null) endSpan(x, x.retrying.traced, turnMs());
  tellBreakers(x, effect, turnMs());
  x.endAttempt();
  x.endpoint.inFlight--;
  x.client.lane.recorder.attemptEnd(x.endpoint.id, effect);
}
