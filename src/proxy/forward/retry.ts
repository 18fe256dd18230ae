/**
 * Whether a failed attempt may be tried again: by the reason table, within a budget.
 *
 * The budget is a token bucket that each request fills by `RATIO` and that fills by itself at `PER_SECOND`, so when
 * everything fails retries add 10 % load and 3 per second, after a burst of at most TOKENS_MAX. A request whose body has been touched is never sent twice.
 * Source: Google SRE book, chapter 21, "Retry budgets"; Finagle `RetryBudget`.
 */

import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';

const RATIO = 0.1;
const PER_SECOND = 3;
const TOKENS_MAX = 100;
const ATTEMPTS_MAX = 2;

/** Token bucket shared by all requests of a worker. */
export class RetryBudget {
  #tokens = PER_SECOND;
  #filledAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** A request began. Cost: O(1), allocates nothing. */
  deposit(): void {
    if (this.#tokens < TOKENS_MAX) this.#tokens += RATIO;
  }

  /** Takes one retry if the budget has it. */
  withdraw(nowMs: number): boolean {
    const earned = ((nowMs - this.#filledAtMs) / 1000) * PER_SECOND;
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + earned);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** May this exchange be attempted again after `reason`, leaving the budget aside? */
export function mayRetry(x: Exchange, reason: Reason): boolean {
  if (x.responseStarted || x.bodyTouched || x.attempts >= ATTEMPTS_MAX) return false;
  if (reason === REASON.responseTimeout) return false;
  const rule = reasonRow(reason).retry;
  if (rule === 'other-endpoint') return true;
  return (rule === 'if-idempotent' || rule === 'if-unsent') && x.isIdempotent;
}
