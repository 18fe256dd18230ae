/**
 * Lets stable answer a request that failed on the canary: good for the route, bad for the canary.
 *
 * What counts is what the reason table lays at the upstream's door, a full connection queue and a 5xx head, as long as
 * nothing reached the client and all that was sent can be sent again: the replay rule is that of a retry. A rescue has no
 * backoff and happens once; after it the exchange is stable's, and what is left of the route's retries is spent there.
 *
 * It takes a token of the retry budget, and gives it back when stable has answered. The budget bounds what an outage is
 * made worse by, and a rescue that works makes none worse: stable never gets more than the traffic that it would have
 * without a canary. What does not work is gone, so with both versions down rescues are as rare as retries. A stable version
 * holds the tokens for as long as it takes, so beyond the ten there are a rescue takes what the next second earns: a canary that broke at
 * half of 1,000 requests a second showed its users 20 of 70 failures where stable took 50 ms, and shows none now. Without the way back
 * one that broke at half of 60 requests a second showed them 10 of 27.
 *
 * A rescue comes before a retry on the canary. The canary is under suspicion: another attempt on it most likely fails too,
 * and then its token is gone, of which there are few, and the user waited longer for stable's answer.
 *
 * Evidence must not feel it. Where stable fails first and a retry of its own mends that, a canary that did the same would
 * be rescued, and be the only one that is billed. So on such routes an exchange is bad in the evidence of both versions
 * when an attempt of it failed, whatever mended that (`CELL.mended`); and what stable answers for the canary is in no
 * evidence of stable's.
 *
 * Who asks for the canary by its color wants to see it: not rescued, unless the rollout says so.
 */

import type { Limits } from '../../../model/config.ts';
import { REASON, type Reason, reasonRow } from '../../../model/reason.ts';
import { NONE } from '../../decide/admission/permit.ts';
import type { LinkedSplit } from '../../decide/table.ts';
import type { Exchange } from '../../exchange.ts';
import { tracedOf } from '../../record/trace/trace.ts';
import { isRetriedStatus, isWhole, retryingOf } from './retry.ts';

const SERVER_ERROR = 500;

/** What may be done with an answer, besides dropping it for a retry after so many ms. */
export const PASSES_ON = -1;
export const RESCUES = -2;

/** Is this an answer that might be dropped for another attempt? Budget aside. Cost: O(1), allocates nothing. */
export function isUnwelcome(x: Exchange, status: number): boolean {
  return isRetriedStatus(x, status) || mayRescueAnswer(x, status);
}

/** May stable answer instead of the canary, that answered with `status`? */
export function mayRescueAnswer(x: Exchange, status: number): boolean {
  return status >= SERVER_ERROR && mayRescue(x, REASON.none);
}

/**
 * May stable answer this exchange, which failed on the canary by `reason`? Budget and headroom aside.
 * @param reason `none`: the canary answered with a 5xx.
 */
export function mayRescue(x: Exchange, reason: Reason): boolean {
  const { split } = x;
  if (split === null || split.rescuer === null || !isWhole(x)) return false;
  if (x.isPinned && !split.rescuesPinned) return false;
  return wasUnsent(reason) || (x.isIdempotent && reasonRow(reason).fault === 'upstream');
}

/** Nothing was sent: also what must not be done twice is not. A request that was sent is not whole then. */
export function wasUnsent(reason: Reason): boolean {
  if (reason === REASON.noEndpoint || reason === REASON.shed || reason === REASON.circuitOpen) return true;
  return reasonRow(reason).retry === 'other-endpoint';
}

/** Takes a token for a rescue; false, which is counted, when there is none or stable has no room. `handOver` comes next. */
export function paysRescue(x: Exchange, nowMs: number): boolean {
  if (nowMs >= x.deadlineAtMs) return false;
  const { retryBudget, recorder } = x.client.lane;
  const canary = x.split as LinkedSplit;
  if (hasHeadroom(canary.rescuer as LinkedSplit, x.table.limits) && retryBudget.withdrawInAdvance(nowMs)) return true;
  recorder.rescueSkipped(canary);
  return false;
}

/**
 * Has a version room for requests that are not its own? A place below its limit, and an endpoint that is in and whose
 * connections are not all taken with others waiting for them. Cost: O(endpoints), only when the canary fails.
 */
export function hasHeadroom({ targets, admission, breaker }: LinkedSplit, limits: Limits): boolean {
  if (targets.isPanicking || admission?.isPressed === true || (breaker !== null && breaker.state !== 'closed'))
    return false;
  for (const endpoint of targets.endpoints) if (!endpoint.isOut && !endpoint.pool.isCongested(limits)) return true;
  return false;
}

/** Bills the failure to the canary; from now on the exchange is stable's. It was paid for. */
export function handOver(x: Exchange, reason: Reason, status: number, nowMs: number): void {
  const canary = x.split as LinkedSplit;
  // The log of failures looks at it later, and the traces' do from here on.
  x.keepRequest();
  tracedOf(x);
  x.client.lane.recorder.handedOver(x, { reason, status, atMs: nowMs }, canary.rescuer);
  changePlace(x, reason, nowMs);
  const retrying = retryingOf(x);
  retrying.count++;
  retrying.hasFailed = true;
  retrying.rescuedFrom = canary;
  x.split = canary.rescuer;
}

/** Takes a place at stable, which has one (`hasHeadroom`), and then leaves the canary's: others may get it at once. */
function changePlace(x: Exchange, reason: Reason, nowMs: number): void {
  const own = x.permit;
  x.permit = NONE;
  const { admission } = (x.split as LinkedSplit).rescuer as LinkedSplit;
  if (admission !== null) admission.admitSpare(x, nowMs);
  const taken = x.permit;
  x.permit = own;
  if (own !== NONE) x.client.lane.recorder.leaveAdmission(x, reason, nowMs);
  x.permit = taken;
}

/** Stable's answer went to the client as a whole: the rescue, if it was one, was not in vain. Cost: a null check. */
export function settleRescue(x: Exchange): void {
  const { retrying } = x;
  if (retrying === null || retrying.rescuedFrom === null) return;
  if (x.status >= SERVER_ERROR || x.reason !== REASON.none) return;
  x.client.lane.retryBudget.giveBack();
}
