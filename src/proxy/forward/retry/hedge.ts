/**
 * A second attempt of a read that is slow, at another endpoint: the first final head answers, the other is canceled.
 *
 * The second arm is a shadow of the exchange: an attempt needs one to account for, and what it reports must not be taken
 * for the first arm's. The arm that wins becomes the exchange's own attempt; the loser's connection is closed, and its
 * endpoint is not blamed: that it was silent for so long is all that is known (`callOff`). Only a probe of one that is
 * half-open (balance/probe.ts) is bad. An arm that fails leaves the other, which from then on is the only one.
 *
 * The time is kept by the worker's deadlines: a hedge goes out 0..50 ms after it is due. It takes a token of the retry
 * budget. Only a GET or HEAD without a body, and only on the first attempt.
 * Source: Dean, Barroso (2013), "The tail at scale", hedged requests.
 */

import type { Timed } from '../../../lib/deadlines.ts';
import { Exchange } from '../../exchange.ts';
import { adoptSpan, shareTrace } from '../../record/trace/trace.ts';
import { begin, callOff, endAttempt, pick } from '../attempt.ts';
import { probeEnded } from '../balance/probe.ts';

/** The hedge of one exchange; both its arms refer to it. */
export class Hedge implements Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly primary: Exchange;
  shadow: Exchange | null = null;

  constructor(primary: Exchange, deadlineAtMs: number) {
    this.primary = primary;
    this.deadlineAtMs = deadlineAtMs;
  }

  expire(nowMs: number): void {
    const x = this.primary;
    x.client.lane.deadlines.remove(this);
    if (!x.isAttempting || x.isSpent || !this.#send(x, nowMs)) disarm(x);
  }

  #send(x: Exchange, nowMs: number): boolean {
    const { retryBudget, recorder } = x.client.lane;
    // A version with no place to spare is slow for everybody: a second request would only take somebody's.
    if (x.split !== null && x.split.admission !== null && x.split.admission.isPressed) return false;
    // Nor does one that is being tried out need more than its probes.
    if (x.split !== null && x.split.breaker !== null && x.split.breaker.state !== 'closed') return false;
    const endpoint = pick(x, x.endpoint, nowMs);
    if (endpoint === null || endpoint === x.endpoint) return false;
    if (!retryBudget.withdraw(nowMs)) {
      recorder.retrySkipped(x);
      return false;
    }
    const shadow = shadowOf(x, this);
    this.shadow = shadow;
    x.attempts++;
    recorder.hedged(x);
    return begin(shadow, endpoint);
  }
}

/** Arms the hedge of an exchange that has been sent, if its route and method have one. */
export function arm(x: Exchange, nowMs: number): void {
  const hedgeMs = x.route === null ? Number.POSITIVE_INFINITY : x.route.retry.hedgeMs;
  const isRead = (x.method === 'GET' || x.isHead) && x.bodyLength === 0;
  if (hedgeMs === Number.POSITIVE_INFINITY || !isRead || x.isFinished) return;
  x.hedge = new Hedge(x, nowMs + hedgeMs);
  x.client.lane.deadlines.add(x.hedge);
}

/** No hedge from now on; a second arm is canceled. */
export function disarm(x: Exchange): void {
  const { hedge } = x;
  if (hedge === null) return;
  x.hedge = null;
  x.client.lane.deadlines.remove(hedge);
  const { shadow } = hedge;
  if (shadow !== null) cancel(shadow);
}

/** This arm has the final head. Returns the exchange it answers; the other arm is gone. */
export function won(armed: Exchange): Exchange {
  const x = armed.hedge?.primary ?? armed;
  if (armed !== x) {
    callOff(x);
    // Else a trial at an endpoint that hangs would neither pass nor fail, and cost one request after the other its hedge.
    if (x.endpoint !== null) probeEnded(x.endpoint, x, 'bad', x.client.lane.recorder);
    endAttempt(x, 'ignore');
    adopt(x, armed);
  }
  disarm(x);
  return x;
}

/**
 * This arm failed and its accounts are closed: does the exchange go on with the other? Then that one is its attempt.
 * False for an exchange without a second arm.
 */
export function outlives(armed: Exchange): boolean {
  const { hedge } = armed;
  if (hedge === null || hedge.shadow === null) return false;
  const x = hedge.primary;
  if (armed === x) {
    adopt(x, hedge.shadow);
    if (x.upstream !== null) x.client.upstreamReady(x);
    else x.client.waitAtMost(x, x.responseLimitMs);
  }
  disarm(x);
  return true;
}

/** The second arm becomes the exchange's own attempt, account and connection. */
function adopt(x: Exchange, shadow: Exchange): void {
  const { upstream, opening } = shadow;
  x.endpoint = shadow.endpoint;
  x.upstream = upstream;
  x.opening = opening;
  x.attemptAtMs = shadow.attemptAtMs;
  if (x.retrying !== null) x.retrying.sentAtMs = shadow.attemptAtMs; // a second arm never waits for a connection
  x.isOnReused = shadow.isOnReused;
  adoptSpan(x, shadow);
  shadow.endAttempt();
  shadow.upstream = null;
  shadow.opening = null;
  upstream?.turnTo(x);
  opening?.turnTo(x);
  if (x.hedge !== null) x.hedge.shadow = null;
  retire(shadow);
}

function cancel(shadow: Exchange): void {
  if (shadow.isAttempting) callOff(shadow);
  endAttempt(shadow, 'ignore');
  retire(shadow);
}

function retire(shadow: Exchange): void {
  shadow.isFinished = true;
  shadow.hedge = null;
}

/** What an attempt needs of the exchange; recorded nowhere itself. */
function shadowOf(x: Exchange, hedge: Hedge): Exchange {
  const shadow = new Exchange(x.client, x.table, x.startedAtMs);
  shadow.method = x.method;
  shadow.target = x.target;
  shadow.minor = x.minor;
  shadow.route = x.route;
  shadow.split = x.split;
  shadow.requestId = x.requestId;
  shadow.requestText = x.requestText;
  shadow.allowedMs = x.allowedMs;
  shadow.requestDone = true;
  shadow.deadlineAtMs = x.deadlineAtMs;
  shadow.hedge = hedge;
  shareTrace(x, shadow);
  return shadow;
}
