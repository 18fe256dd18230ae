/**
 * The course of one exchange after its decision: attempt, retry, completion, failure. Hot path.
 *
 * ```
 * forward ─▸ attempt ─▸ (pool) ─▸ sent ─▸ completed ─▸ record
 *             ▲    ▲               │
 *   (backoff) ┴────┼── again ◂──failed, refused ──▸ rejected or cut off ─▸ record
 *                  └─ rescue ◂─────┘
 * ```
 * Every exchange that began is recorded exactly once, by `finish`. A retry re-enters at `attempt` only, and so does a
 * rescue, with stable in the canary's place.
 */

import { beginTurn, turnMs } from '../../lib/clock.ts';
import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import { WAITING } from '../decide/admission/permit.ts';
import type { WaitEvents } from '../decide/admission/queue.ts';
import { OVERLOADED, patienceMs } from '../decide/admission/wait.ts';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { begin, detach, endAttempt, pick, punish, whyNone } from './attempt.ts';
import { arm, disarm, outlives, won } from './hedge.ts';
import { handOver, mayRescue, mayRescueAnswer, PASSES_ON, paysRescue, RESCUES, settleRescue } from './retry/rescue.ts';
import { isRetriedStatus, mayRetry, mayRunAgain, paidWaitMs, retryingOf } from './retry/retry.ts';
import type { UpstreamEvents } from './sides.ts';

const SERVER_ERROR = 500;

/** Sends a decided exchange on its way, once its version has a place for it. `x.split` is set. */
export function forward(x: Exchange): void {
  x.client.lane.retryBudget.deposit();
  const { admission } = x.split as LinkedSplit;
  if (admission === null || admission.admit(x, turnMs(), waitEvents)) go(x);
  else if (x.permit === WAITING) x.client.waitAtMost(x, patienceMs(x, admission));
  else refuse(x);
}

/** What becomes of exchanges that wait for a place. */
const waitEvents: WaitEvents<Exchange> = { admitted: go, shed: refuse };

function refuse(x: Exchange): void {
  notBegun(x, REASON.shed, OVERLOADED);
}

function go(x: Exchange): void {
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
  refuses,
  refused,
  won,
  completed(x) {
    settleRescue(x);
    endAttempt(x, x.status >= SERVER_ERROR ? 'bad' : 'good');
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
  const endpoint = pick(x, avoid, turnMs());
  if (endpoint === null) {
    const { reason, detail } = whyNone(x);
    notBegun(x, reason, detail);
  } else if (!begin(x, endpoint)) notBegun(x, REASON.shed, 'too many requests wait for a connection');
}

function notBegun(x: Exchange, reason: Reason, detail: string): void {
  if (mayRescue(x, reason) && paysRescue(x, turnMs())) rescue(x, reason, 0);
  else giveUp(x, reason, detail);
}

function attemptFailed(x: Exchange, reason: Reason, detail: string): void {
  if (x.isFinished) return;
  const isRace = mayRunAgain(x, reason);
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) punish(x, reason);
  endAttempt(x, isUpstreamsFault && !isRace ? 'bad' : 'ignore');
  if (goesOn(x, isUpstreamsFault && !isRace)) return;
  if (isRace) {
    x.client.lane.recorder.retried(x);
    attempt(x, null);
    return;
  }
  const now = turnMs();
  if (mayRescue(x, reason) && paysRescue(x, now)) {
    rescue(x, reason, 0);
    return;
  }
  const waitMs = mayRetry(x, reason) ? paidWaitMs(x, now) : -1;
  if (waitMs < 0) giveUp(x, reason, detail);
  else {
    retryingOf(x).hasFailed = true;
    retry(x, x.endpoint, waitMs);
  }
}

/** Does the other arm of a hedge live? Then the exchange is that one's. */
function goesOn(arm: Exchange, hasFailed: boolean): boolean {
  const x = arm.hedge === null ? arm : arm.hedge.primary;
  if (!outlives(arm)) return false;
  if (hasFailed) retryingOf(x).hasFailed = true;
  return true;
}

// ── an answer that nobody gets ────────────────────────────────────────────────────────────────────────────────────

function refuses(x: Exchange, status: number): number {
  if (x.hedge !== null && x.hedge.shadow !== null) return 0;
  const now = turnMs();
  const isRescued = mayRescueAnswer(x, status) && paysRescue(x, now);
  const course = isRescued ? RESCUES : isRetriedStatus(x, status) ? paidWaitMs(x, now) : PASSES_ON;
  // The connection may serve another exchange, which overwrites what was sent, before this one is sent again.
  if (course !== PASSES_ON) x.keepRequest();
  return course;
}

function refused(x: Exchange, status: number, course: number): void {
  endAttempt(x, 'bad');
  if (goesOn(x, status >= SERVER_ERROR)) return;
  if (course === RESCUES) {
    rescue(x, REASON.none, status);
    return;
  }
  if (status >= SERVER_ERROR) retryingOf(x).hasFailed = true;
  retry(x, x.endpoint, course);
}

// ── another attempt ───────────────────────────────────────────────────────────────────────────────────────────────

/** Stable goes on with what failed on the canary, at once; `paysRescue` paid. @param status the canary's, or 0 */
function rescue(x: Exchange, reason: Reason, status: number): void {
  const { endpoint } = x;
  disarm(x);
  handOver(x, reason, status, turnMs());
  attempt(x, endpoint);
}

/** The attempt that `paidWaitMs` paid for: at once, or after a wait that the end of the exchange cancels. */
function retry(x: Exchange, failedOn: Exchange['endpoint'], waitMs: number): void {
  disarm(x);
  const retrying = retryingOf(x);
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
