/**
 * Whether, and when, a failed attempt is followed by another: by the reason table and the route, within a budget.
 *
 * The budget is a token bucket that each request fills by `RATIO` and that fills by itself at `PER_SECOND`; one retry
 * takes one token. In any stretch of t seconds with n requests there are at most `0.1 n + 3 t + TOKENS_MAX` retries, so in
 * a total outage the upstreams see 1.1 times the requests and 3 a second more, after ten at once. What is sent again for nothing
 * (`paysRun`) takes an answer in place of a token. A rescue that stable answers gives its token back (rescue.ts): in an outage of
 * both versions there is none. So rescues may also take in advance what the next second is going to earn, if it has as many requests as
 * the last one had: where both versions are down, a tenth of those more, once. What does not come back is earned before there is a token
 * for anything else, unless traffic falls to less than a tenth of that: what `DEBT_MS_MAX` have not earned since the last one was taken in
 * advance is forgiven, instead of being asked of few requests for minutes.
 *
 * Never sent twice: a request that has begun to be answered, one whose body is not kept whole, and one that may have been
 * acted on and must not be a second time.
 * Source: Google SRE book, chapter 21, "Retry budgets"; Finagle `RetryBudget`; AWS Builders' Library, "Timeouts, retries
 * and backoff with jitter" (full jitter); RFC 9110 section 9.2.2.
 */

import type { Random } from '../../../lib/random.ts';
import type { RetryConfig } from '../../../model/config.ts';
import { REASON, type Reason, reasonRow } from '../../../model/reason.ts';
import type { LinkedRoute, LinkedSplit } from '../../decide/table.ts';
import type { Exchange } from '../../exchange.ts';
import type { Pacing } from '../../filter/pace.ts';
import type { Streaming } from '../../record/streaming.ts';
import type { Traced } from '../../record/trace/trace.ts';
import type { Part } from '../mirror/comparison.ts';
import type { Copying } from '../mirror/mirror.ts';
import type { Fallen } from './fallback/chain.ts';
import type { Keyed } from './idempotency/keyed.ts';

/**
 * How long after a request was sent the end of a kept connection may still be the keep-alive race. Who lost it hears that within a
 * round trip: a quarter of a second is enough for any on earth, and in a near network also for a packet that is sent again after
 * 200 ms (Linux, `TCP_RTO_MIN`). Who ends a connection later had the request, and failed.
 */
export const RACE_MS = 250;
const RATIO = 0.1;
const PER_SECOND = 3;
/** Retries at once: a handful of requests that meet one restart. Every token more is load that an outage begins with. */
const TOKENS_MAX = 10;
/** As long as Finagle's budget remembers what it gave (its default `ttl`). */
const DEBT_MS_MAX = 10_000;
const BACKOFF_MS_MAX = 60_000;
const SECOND_MS = 1000;

/** What few exchanges have besides one attempt: more of them, a key that other requests may have, an answer that is a stream. */
export interface Retrying {
  /** Attempts that the budget paid for, hedges and streams that were refused apart; a rescue is one. */
  count: number;
  /** The wait before the next attempt. */
  timer: NodeJS.Timeout | null;
  /** When an attempt was sent on a kept connection that it had waited for; of no later attempt. */
  sentAtMs: number;
  /** An attempt failed by the upstream's fault, with a 5xx or without an answer, and the exchange went on. */
  hasFailed: boolean;
  /** The canary that failed, once stable has taken over. */
  rescuedFrom: LinkedSplit | null;
  /** The step of the route's chain that it is at. */
  fallen: Fallen | null;
  /** A color pinned its version, which had weight then (decide/splitter.ts); kept where a rollback may end what it becomes. */
  hadWeight: boolean;
  /** It has an idempotency key: where it is with it. */
  keyed: Keyed | null;
  /** A fault slows its bodies down. */
  pacing: Pacing | null;
  /** A mirror is to get a copy when its body is here. */
  copying: Copying | null;
  /** Its answer is to be compared with others. */
  comparing: Part | null;
  /** Its answer is a stream. */
  streaming: Streaming | null;
  /** Its spans, while it is traced. */
  traced: Traced | null;
}

const NOTHING_YET = {
  sentAtMs: Number.NEGATIVE_INFINITY,
  hasFailed: false,
  rescuedFrom: null,
  fallen: null,
  hadWeight: false,
  keyed: null,
  pacing: null,
  copying: null,
  comparing: null,
  streaming: null,
  traced: null,
};

/** The exchange goes on after an attempt that failed, or is more than one attempt from its beginning. */
export function retryingOf(x: Exchange): Retrying {
  return (x.retrying ??= { count: 0, timer: null, ...NOTHING_YET });
}

/** Token bucket shared by all requests of a worker. */
export class RetryBudget {
  /** Below 0: so much was taken in advance. */
  #tokens = PER_SECOND;
  #filledAtMs: number;
  /** How much may be. */
  #advance = 0;
  /** When the last one was. */
  #advancedAtMs: number;
  /** Since the rate was last looked at. */
  #requests = 0;
  #lookedAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
    this.#advancedAtMs = nowMs;
    this.#lookedAtMs = nowMs;
  }

  /** A request began. Cost: O(1), allocates nothing. */
  deposit(): void {
    this.#requests += 1;
    if (this.#tokens < TOKENS_MAX) this.#tokens += RATIO;
  }

  /** Looks once a second at how many requests there are, and how old a debt is. Cost: O(1). */
  turn(nowMs: number): void {
    const passedMs = nowMs - this.#lookedAtMs;
    if (passedMs < SECOND_MS) return;
    this.#advance = (RATIO * this.#requests * SECOND_MS) / passedMs;
    this.#requests = 0;
    this.#lookedAtMs = nowMs;
    this.#fill(nowMs);
    if (nowMs - this.#advancedAtMs >= DEBT_MS_MAX) this.#tokens = Math.max(0, this.#tokens);
  }

  /** What was withdrawn was not in vain. Cost: O(1), allocates nothing. */
  giveBack(): void {
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + 1);
  }

  /** Takes one retry if the budget has it. */
  withdraw(nowMs: number): boolean {
    return this.#take(nowMs, 0);
  }

  /** Takes one rescue if the budget has it, or will have. */
  withdrawInAdvance(nowMs: number): boolean {
    return this.#take(nowMs, this.#advance);
  }

  #take(nowMs: number, advance: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens + advance < 1) return false;
    this.#tokens -= 1;
    if (this.#tokens < 0) this.#advancedAtMs = nowMs;
    return true;
  }

  #fill(nowMs: number): void {
    const earned = ((nowMs - this.#filledAtMs) / SECOND_MS) * PER_SECOND;
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }
}

/** May this exchange be attempted again after `reason`, leaving the budget aside? */
export function mayRetry(x: Exchange, reason: Reason): boolean {
  if (!isWhole(x) || x.retries >= retriesMaxOf(x)) return false;
  const rule = reasonRow(reason).retry;
  if (rule === 'other-endpoint') return true;
  return (rule === 'if-idempotent' || rule === 'if-unsent') && x.isIdempotent;
}

/** When the attempt under way was sent; when it began, if that was on a connection that was opened for it. */
export function sentAtMs(x: Exchange): number {
  return x.retrying === null ? x.attemptAtMs : Math.max(x.attemptAtMs, x.retrying.sentAtMs);
}

/**
 * Did a connection that had served before end before it answered a byte, and so soon that the upstream had not seen the request?
 * Then it closed it while the request was on its way, which is nobody's failure.
 */
export function isRace(x: Exchange, reason: Reason, nowMs: number): boolean {
  return reason === REASON.upstreamReset && x.isOnReused && nowMs - sentAtMs(x) < RACE_MS;
}

/**
 * Is it a race (`isRace`)? A request that may be sent twice is then, once, on a fresh connection.
 *
 * The same, whatever the method is and however few retries the route has, for a stream that an endpoint says it has not looked at.
 * Source: RFC 9112 section 9.3.1; RFC 9113 section 8.7; gRPC proposal A6.
 */
export function mayRunAgain(x: Exchange, reason: Reason, nowMs: number): boolean {
  if (hasRaced(x) || !isWhole(x)) return false;
  if (reason === REASON.streamRefused) return true;
  return x.isIdempotent && isRace(x, reason, nowMs);
}

/**
 * Is the attempt that `mayRunAgain` allows for nothing? Else takes a token for it. Each one for nothing takes an answer that came on the
 * connection before, so where nothing answers there are none: after the keep-alive race, and for what is above the last stream of
 * a GOAWAY, as every endpoint sends that restarts or ends connections by age. RFC 9113 says that what is refused may be sent again,
 * not that it costs nothing there: an endpoint that refuses every stream is out, or overloaded, and would get each request twice.
 * @returns false: there is no token, which is counted here unless the route's own retries will be
 */
export function paysRun(x: Exchange, reason: Reason, nowMs: number): boolean {
  // The other arm of a hedge is there: nothing is sent again.
  if (reason !== REASON.streamRefused || x.isOnReused || (x.hedge !== null && x.hedge.shadow !== null)) return true;
  const { retryBudget, recorder } = x.client.lane;
  if (retryBudget.withdraw(nowMs)) return true;
  if (!mayRetry(x, reason)) recorder.retrySkipped(x);
  return false;
}

/** Does the route take an answer with this status for a failed attempt? Budget aside. Cost: O(1) without statuses. */
export function isRetriedStatus(x: Exchange, status: number): boolean {
  const { statuses } = (x.route as LinkedRoute).retry;
  if (statuses.length === 0 || !statuses.includes(status)) return false;
  return x.isIdempotent && isWhole(x) && x.retries < retriesMaxOf(x);
}

/**
 * Wait before the n-th retry, n = 1, 2 …, in ms: none before the first, then uniform in [0, backoffMs x 2^(n-1)), whose
 * mean is backoffMs before the second and doubles with each further one; bounded by a minute.
 */
export function backoffMs(retry: RetryConfig, nth: number, random: Random): number {
  if (nth <= 1) return 0;
  return random.nextFloat() * Math.min(BACKOFF_MS_MAX, retry.backoffMs * 2 ** (nth - 1));
}

/**
 * Takes a token for another attempt.
 * @returns the wait before it in ms, or -1: it would come too late, or there is no token, which is counted.
 */
export function paidWaitMs(x: Exchange, nowMs: number): number {
  const { random, recorder, retryBudget } = x.client.lane;
  const waitMs = backoffMs((x.route as LinkedRoute).retry, x.retries + 1, random);
  if (nowMs + waitMs >= x.deadlineAtMs) return -1;
  if (retryBudget.withdraw(nowMs)) return waitMs;
  recorder.retrySkipped(x);
  return -1;
}

/** Nothing reached the client, and everything that was sent can be sent again. */
export function isWhole(x: Exchange): boolean {
  return !x.responseStarted && !x.isSpent;
}

/** Has an attempt been made that no retry accounts for? A hedge counts as well. */
function hasRaced(x: Exchange): boolean {
  return x.attempts > 1 + x.retries;
}

function retriesMaxOf(x: Exchange): number {
  return x.route === null ? 0 : x.route.retry.retriesMax;
}
