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
import { type Effect, REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamEvents } from '../http1/upstream.ts';
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
    endAttempt(x, x.status >= 500 ? 'bad' : 'good');
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
  endAttempt(x, blame(x, reason));
  giveUp(x, reason, detail);
}

function attempt(x: Exchange, avoid: Exchange['endpoint']): void {
  const lane = x.client.lane;
  const now = turnMs();
  const { targets } = x.split as LinkedSplit;
  const endpoint = targets.pick(avoid, x.userKey, now);
  if (endpoint === null) {
    giveUp(x, REASON.noEndpoint, 'the version has no endpoints');
    return;
  }
  x.endpoint = endpoint;
  x.attempts++;
  x.attemptAtMs = now;
  endpoint.inFlight++;
  lane.recorder.attemptBegin(endpoint.id);
  if (targets.isPanicking) lane.recorder.panicked(endpoint.id);
  if (endpoint.pool.acquire(x)) return;
  endAttempt(x, 'ignore');
  giveUp(x, REASON.shed, 'too many requests wait for a connection');
}

function attemptFailed(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  x.upstream = null;
  const failedOn = x.endpoint;
  endAttempt(x, blame(x, reason));
  const lane = x.client.lane;
  if (mayRetry(x, reason) && lane.retryBudget.withdraw(turnMs())) {
    lane.recorder.retried(x);
    attempt(x, failedOn);
    return;
  }
  giveUp(x, reason, detail);
}

/**
 * What a failed attempt says about its endpoint, and the balancer told: a failure must not look like speed. An idle
 * connection that the upstream closed is not one.
 */
function blame(x: Exchange, reason: Reason): Effect {
  if (reasonRow(reason).fault !== 'upstream') return 'ignore';
  if (reason === REASON.upstreamReset && x.isOnReused) return 'ignore';
  const now = turnMs();
  x.endpoint?.observeFailure(now - x.attemptAtMs, now);
  return 'bad';
}

/** Balances `attempt`. `effect`: what the attempt says about its endpoint. */
function endAttempt(x: Exchange, effect: Effect): void {
  if (x.endpoint === null) return;
  x.endpoint.inFlight--;
  x.client.lane.recorder.attemptEnd(x.endpoint.id, effect);
  x.upstream = null;
}

/** Nothing more can be tried: an error answer, or a cut connection when an answer has begun. */
function giveUp(x: Exchange, reason: Reason, detail: string): void {
  x.reason = reason;
  x.detail = detail;
  if (x.responseStarted || reasonRow(reason).status === 0) x.client.cutOff(x);
  else x.client.reject(x);
}
