/**
 * The course of one exchange after its decision: attempt, retry, completion, failure. Hot path.
 *
 * ```
 * forward ─▸ attempt ─▸ (pool) ─▸ sent ─▸ completed ─▸ record
 *               ▲                  │
 *               └── retry ◂── failed ──▸ rejected or cut off ─▸ record
 * ```
 * Every exchange that began is recorded exactly once, by `finish`. A retry re-enters at `balance` only.
 */

import { turnMs } from '../../lib/clock.ts';
import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamEvents } from '../http1/upstream.ts';
import { pickEndpoint } from './balancer.ts';
import { mayRetry } from './retry.ts';

/** Sends a decided exchange on its way. `x.split` is set. */
export function forward(x: Exchange): void {
  x.client.lane.retryBudget.deposit();
  attempt(x, null);
}

/** What upstream connections report. */
export const upstreamEvents: UpstreamEvents = {
  sent(x) {
    x.client.upstreamReady(x);
  },
  failed: attemptFailed,
  completed(x) {
    endAttempt(x, x.status >= 500);
    x.client.exchangeDone(x);
  },
};

/** Gives up on an exchange because of its client or its time limits. */
export function abandon(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  const upstream = x.upstream;
  x.upstream = null;
  upstream?.destroy();
  if (upstream === null) x.endpoint?.pool.cancel(x);
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault && x.endpoint !== null) punish(x, reason);
  endAttempt(x, isUpstreamsFault);
  giveUp(x, reason, detail);
}

function attempt(x: Exchange, avoid: Exchange['endpoint']): void {
  const lane = x.client.lane;
  const now = turnMs();
  const endpoint = pickEndpoint((x.split as LinkedSplit).endpoints, lane.random, avoid, now);
  if (endpoint === null) {
    giveUp(x, REASON.noEndpoint, 'the version has no endpoints');
    return;
  }
  x.endpoint = endpoint;
  x.attempts++;
  x.attemptAtMs = now;
  endpoint.inFlight++;
  lane.recorder.attemptBegin(endpoint.id);
  if (endpoint.pool.acquire(x)) return;
  endAttempt(x, false);
  giveUp(x, REASON.shed, 'too many requests wait for a connection');
}

function attemptFailed(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  x.upstream = null;
  const failedOn = x.endpoint;
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) punish(x, reason);
  endAttempt(x, isUpstreamsFault);
  const lane = x.client.lane;
  if (mayRetry(x, reason) && lane.retryBudget.withdraw(turnMs())) {
    lane.recorder.retried(x);
    attempt(x, failedOn);
    return;
  }
  giveUp(x, reason, detail);
}

/** A failure must not look like speed to the balancer; an idle connection that the upstream closed is not one. */
function punish(x: Exchange, reason: Reason): void {
  if (reason === REASON.upstreamReset && x.isOnReused) return;
  const now = turnMs();
  x.endpoint?.observeFailure(now - x.attemptAtMs, now);
}

/** Balances `attempt`. */
function endAttempt(x: Exchange, isBad: boolean): void {
  if (x.endpoint === null) return;
  x.endpoint.inFlight--;
  x.client.lane.recorder.attemptEnd(x.endpoint.id, isBad);
  x.upstream = null;
}

/** Nothing more can be tried: an error answer, or a cut connection when an answer has begun. */
function giveUp(x: Exchange, reason: Reason, detail: string): void {
  x.reason = reason;
  x.detail = detail;
  if (x.responseStarted || reasonRow(reason).status === 0) x.client.cutOff(x);
  else x.client.reject(x);
}
