/**
 * The course of one exchange after its decision: attempt, retry, completion, failure. Hot path.
 *
 * ```
 * forward ─▸ attempt ─▸ (pool) ─▸ sent ─▸ completed ─▸ record
 *               ▲                  │
 *    (backoff) ─┴── again ◂─────failed, refused ──▸ rejected or cut off ─▸ record
 * ```
 * Every exchange that began is recorded exactly once, by `finish`. A retry re-enters at `attempt` only.
 */

import { beginTurn, turnMs } from '../../lib/clock.ts';
import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { LinkedRoute } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { begin, detach, endAttempt, pick, punish } from './attempt.ts';
import { arm, disarm, outlives, won } from './hedge.ts';
import { mayRetry, mayRunAgain, paidWaitMs } from './retry.ts';
import type { UpstreamEvents } from './sides.ts';

/** Sends a decided exchange on its way. `x.split` is set. */
export function forward(x: Exchange): void {
  x.client.lane.retryBudget.deposit();
  attempt(x, null);
  const route = x.route as LinkedRoute;
  if (route.retry.hedgeMs !== Number.POSITIVE_INFINITY) arm(x, turnMs());
  if (route.mirror !== null) x.client.lane.mirrors.copy(x, route.mirror);
}

/** What upstream connections report. */
export const upstreamEvents: UpstreamEvents = {
  sent(x) {
    if (!x.isShadow) x.client.upstreamReady(x);
  },
  failed: attemptFailed,
  refuses: (x) => (x.hedge !== null && x.hedge.shadow !== null ? 0 : paidWaitMs(x, turnMs())),
  refused(x, waitMs) {
    endAttempt(x, 'bad');
    if (!outlives(x)) retry(x, x.endpoint, waitMs);
  },
  won,
  completed(x) {
    endAttempt(x, x.status >= 500 ? 'bad' : 'good');
    x.client.exchangeDone(x);
  },
};

/** Gives up on an exchange because of its client or its time limits. */
export function abandon(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  disarm(x);
  detach(x);
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) punish(x, reason);
  endAttempt(x, isUpstreamsFault ? 'bad' : 'ignore');
  giveUp(x, reason, detail);
}

/** The time of an attempt is over: another one, unless the exchange's own time is over as well. */
export function attemptExpired(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  if (!x.isAttempting || turnMs() >= x.deadlineAtMs) {
    abandon(x, x.isAttempting ? reason : REASON.responseTimeout, detail);
    return;
  }
  detach(x);
  attemptFailed(x, reason, detail);
}

function attempt(x: Exchange, avoid: Exchange['endpoint']): void {
  const endpoint = pick(x, avoid);
  if (endpoint === null) giveUp(x, REASON.noEndpoint, 'the version has no endpoints');
  else if (!begin(x, endpoint)) giveUp(x, REASON.shed, 'too many requests wait for a connection');
}

function attemptFailed(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  const isRace = mayRunAgain(x, reason);
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) punish(x, reason);
  endAttempt(x, isUpstreamsFault && !isRace ? 'bad' : 'ignore');
  if (outlives(x)) return;
  if (isRace) {
    x.client.lane.recorder.retried(x);
    attempt(x, null);
    return;
  }
  const waitMs = mayRetry(x, reason) ? paidWaitMs(x, turnMs()) : -1;
  if (waitMs >= 0) retry(x, x.endpoint, waitMs);
  else giveUp(x, reason, detail);
}

// ── another attempt ───────────────────────────────────────────────────────────────────────────────────────────────

/** The attempt that `paidWaitMs` paid for: at once, or after a wait that the end of the exchange cancels. */
function retry(x: Exchange, failedOn: Exchange['endpoint'], waitMs: number): void {
  disarm(x);
  x.retrying ??= { count: 0, timer: null };
  const { retrying } = x;
  retrying.count++;
  x.client.lane.recorder.retried(x);
  if (waitMs === 0) {
    attempt(x, failedOn);
    return;
  }
  x.client.waitAtMost(x, Number.POSITIVE_INFINITY);
  retrying.timer = setTimeout(() => {
    retrying.timer = null;
    beginTurn();
    attempt(x, failedOn);
  }, waitMs);
}

/** Nothing more can be tried: an error answer, or a cut connection when an answer has begun. */
function giveUp(x: Exchange, reason: Reason, detail: string): void {
  disarm(x);
  if (x.retrying !== null && x.retrying.timer !== null) clearTimeout(x.retrying.timer);
  x.replay = null;
  x.reason = reason;
  x.detail = detail;
  if (x.responseStarted || reasonRow(reason).status === 0) x.client.cutOff(x);
  else x.client.reject(x);
}
