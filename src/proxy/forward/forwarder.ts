/**
 * The course of one exchange after its decision: attempt, retry, completion, failure. Hot path.
 *
 * ```
 * forward ─▸ attempt ─▸ (pool) ─▸ sent ─▸ completed ─▸ record
 *             ▲    ▲               │
 *   (backoff) ┴────┼── again ◂──failed, refused ──▸ rejected or cut off ─▸ record
 *                  ├─ rescue ◂─────┤
 *                  └─ fallback ◂───┘
 * ```
 * Every exchange that began is recorded exactly once, by `finish`. A retry re-enters at `attempt` only, and so does a
 * rescue, with stable in the canary's place, and a fallback to another version.
 */

import { beginTurn, turnMs } from '../../lib/clock.ts';
import { type Effect, REASON, type Reason, reasonRow } from '../../model/reason.ts';
import { FAULT_KIND } from '../../model/threads/faults.ts';
import { WAITING } from '../decide/admission/permit.ts';
import type { WaitEvents } from '../decide/admission/queue.ts';
import { OVERLOADED, patienceMs } from '../decide/admission/wait.ts';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { delayMsOf, faultOf, isOn, type LinkedFault } from '../filter/faults.ts';
import { pacingOf } from '../filter/pace.ts';
import type { BodyReader } from '../http1/body.ts';
import { tookBody } from '../record/streaming.ts';
import { noteFailure } from '../record/trace/trace.ts';
import { attributed, begin, callOff, detach, endAttempt, pick, punish, unprobe, whyNone } from './attempt.ts';
import { fallBack } from './retry/fallback/chain.ts';
import { arm, disarm, outlives, won } from './retry/hedge.ts';
import { goesOnAlone } from './retry/idempotency/absent.ts';
import { type Arrived, gather } from './retry/idempotency/gather.ts';
import { askBroker, forsake, type HeldEvents, hold } from './retry/idempotency/hold.ts';
import { keyedOf } from './retry/idempotency/keyed.ts';
import { handOver, mayRescue, mayRescueAnswer, PASSES_ON, paysRescue, RESCUES, settleRescue } from './retry/rescue.ts';
import { isRetriedStatus, mayRetry, mayRunAgain, paidWaitMs, paysRun, retryingOf } from './retry/retry.ts';
import type { UpstreamEvents } from './sides.ts';

const SERVER_ERROR = 500;

/** Sends a decided exchange on its way, once its version has a place for it. `x.split` is set. */
export function forward(x: Exchange): void {
  x.client.lane.retryBudget.deposit();
  const { filters } = x.route as LinkedRoute;
  const fault = filters === null || filters.faults === null ? null : faultOf(x, filters.faults);
  if (keyedOf(x) === null) run(x, fault);
  else hold(x, fault, heldEvents);
}

/** Takes of the body of a request with an idempotency key what has come. @returns why it is refused, or `REASON.none` */
export function gatherBody(x: Exchange, body: BodyReader, input: Arrived): Reason {
  const { received } = body;
  const reason = gather(x, body, input);
  if (reason !== REASON.none) return reason;
  if (x.requestDone) askBroker(x, heldEvents);
  else tookBody(x, body.received - received);
  return REASON.none;
}

function run(x: Exchange, fault: LinkedFault | null): void {
  if (fault === null) admit(x);
  else inject(x, fault);
}

const heldEvents: HeldEvents = { run, refuse: abandon };

function admit(x: Exchange): void {
  const { admission } = x.split as LinkedSplit;
  if (admission === null || admission.admit(x, turnMs(), waitEvents)) go(x);
  else if (x.permit === WAITING) x.client.waitAtMost(x, patienceMs(x, admission));
  else refuse(x);
}

/** What becomes of exchanges that wait for a place. */
const waitEvents: WaitEvents<Exchange> = { admitted: go, shed: refuse };
const askEvents: WaitEvents<Exchange> = { admitted: (x) => attempt(x, null), shed: refuse };

function refuse(x: Exchange): void {
  notBegun(x, REASON.shed, OVERLOADED);
}

function go(x: Exchange): void {
  const route = x.route as LinkedRoute;
  if (route.mirror !== null && !x.requestDone) x.client.lane.mirrors.gather(x, route.mirror);
  const isWhole = x.requestDone;
  attempt(x, null);
  if (route.retry.hedgeMs !== Number.POSITIVE_INFINITY) arm(x, turnMs());
  if (route.mirror !== null && isWhole) x.client.lane.mirrors.copy(x, route.mirror);
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
    if (x.reason !== REASON.none) noteFailure(x, x.reason, x.status);
    endAttempt(x, effectOfAnswer(x));
    x.client.exchangeDone(x);
  },
};

/** Gives up on an exchange because of its client or its time limits. */
export function abandon(x: Exchange, failure: Reason, detail: string): void {
  if (x.isFinished) return;
  const reason = attributed(x, failure);
  if (reason === REASON.clientClosed && goesOnAlone(x, absentExpired)) return;
  disarm(x);
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) detach(x);
  else callOff(x);
  noteFailure(x, reason, 0);
  if (isUpstreamsFault) punish(x, reason);
  endAttempt(x, isUpstreamsFault ? 'bad' : 'ignore');
  giveUp(x, reason, detail);
}

/** Ends an answer that has begun, and has no end of its own, as its upstream would end it. @param last what ends its body */
export function conclude(x: Exchange, reason: Reason, last: string): void {
  if (x.isFinished) return;
  disarm(x);
  detach(x);
  endAttempt(x, 'ignore');
  x.reason = reason;
  if (last !== '') x.client.out.writeText(last);
  x.client.exchangeDone(x);
}

/** What an answer says about its endpoint. One of gRPC may be a failure whatever its HTTP status is. */
function effectOfAnswer({ reason, status }: Exchange): Effect {
  if (reason === REASON.clientDeadline) return 'ignore';
  return status >= SERVER_ERROR || reason !== REASON.none ? 'bad' : 'good';
}

/** Nobody waits for it any more, and its time is over. */
function absentExpired(x: Exchange): void {
  if (x.responseStarted) abandon(x, REASON.upstreamTruncated, 'the response stalled');
  else attemptExpired(x, REASON.responseTimeout, 'no response in time');
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

function attemptFailed(x: Exchange, failure: Reason, detail: string): void {
  if (x.isFinished) return;
  const reason = attributed(x, failure);
  noteFailure(x, reason, 0);
  const isRace = mayRunAgain(x, reason, turnMs()) && paysRun(x, reason, turnMs());
  const isUpstreamsFault = reasonRow(reason).fault === 'upstream';
  if (isUpstreamsFault) punish(x, reason);
  if (isRace) unprobe(x);
  endAttempt(x, isUpstreamsFault && !isRace ? 'bad' : 'ignore');
  if (goesOn(x, isUpstreamsFault && !isRace)) return;
  if (isRace) {
    x.client.lane.recorder.retried(x);
    attempt(x, reason === REASON.streamRefused ? x.endpoint : null);
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

// ── faults on purpose ─────────────────────────────────────────────────────────────────────────────────────────────

/** Holds the exchange for as long as the fault wants, then goes on with it, or fails in the upstream's place. */
function inject(x: Exchange, fault: LinkedFault): void {
  const { recorder, random } = x.client.lane;
  const delayMs = delayMsOf(fault.delay, random);
  if (delayMs === 0) {
    strike(x, fault);
    return;
  }
  recorder.injected(x, FAULT_KIND.delay);
  x.client.waitAtMost(x, Number.POSITIVE_INFINITY);
  const retrying = retryingOf(x);
  retrying.timer = setTimeout(() => {
    retrying.timer = null;
    beginTurn();
    strike(x, fault);
  }, delayMs);
}

/**
 * A failed canary is rescued as if it had failed by itself; nobody else tries again, as no endpoint has failed. A fault that
 * ended while the exchange was held does nothing more.
 */
function strike(x: Exchange, fault: LinkedFault): void {
  const { abortStatus, bandwidth, id } = fault;
  if (bandwidth !== undefined && isOn(x, fault)) {
    x.client.lane.recorder.injected(x, FAULT_KIND.bandwidth);
    retryingOf(x).pacing = pacingOf(bandwidth);
  }
  if (abortStatus === null || !isOn(x, fault)) {
    admit(x);
    return;
  }
  x.client.lane.recorder.injected(x, FAULT_KIND.abort);
  if (mayRescue(x, REASON.faultInjected) && paysRescue(x, turnMs())) {
    rescue(x, REASON.faultInjected, abortStatus);
    return;
  }
  x.status = abortStatus;
  giveUp(x, REASON.faultInjected, `injected on purpose: ${id}`);
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
  noteFailure(x, REASON.none, status);
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
  x.reason = reason;
  x.detail = detail;
  const keyed = keyedOf(x);
  if (keyed !== null) forsake(x, keyed);
  const isCut = x.responseStarted || reasonRow(reason).status === 0;
  if (!isCut && x.route !== null && x.route.fallback !== null && fallBack(x, turnMs())) {
    ask(x);
    return;
  }
  x.replay = null;
  if (isCut) x.client.cutOff(x);
  else x.client.reject(x);
}

/**
 * Another version is to answer, as a step of the route's chain has it: once it has a place, as for any request. It may be a probe
 * of an endpoint there: a version that is asked only so would not have its endpoints back otherwise.
 */
function ask(x: Exchange): void {
  const { admission } = x.split as LinkedSplit;
  if (admission === null || admission.admit(x, turnMs(), askEvents)) attempt(x, null);
  else if (x.permit === WAITING) x.client.waitAtMost(x, patienceMs(x, admission));
  else refuse(x);
}
