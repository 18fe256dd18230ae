/**
 * What is left of an error budget, and when it will be gone.
 *
 * ```
 * left = 1 - bad / (b * total)        b = 1 - target; below 0 when more failed than was allowed
 * gone in = left * period / burn
 * ```
 * The budget that decides is the rolling one of 28 days (whole weeks, so that it always holds as many weekends).
 * Nothing counted: null, and nobody can say; a budget that does not burn has no end: null as well.
 */

import { burnRate } from './burn.ts';
import { WINDOW_MS, type WindowCounts } from './ring.ts';

/** Part of the budget that is left: 1 = all, 0 = none, negative = overspent; null when nothing was counted. */
export function remainingRatio(counts: WindowCounts, budgetRatio: number): number | null {
  const spent = burnRate(counts, budgetRatio);
  return spent === null ? null : 1 - spent;
}

/** Bad events that may still happen before the budget of what was counted is gone; negative when overspent. */
export function remainingEvents({ good, bad }: WindowCounts, budgetRatio: number): number {
  return (good + bad) * budgetRatio - bad;
}

/**
 * Time to the end of the rolling budget at the present rate, in ms: 0 when it is gone, null when it has no end or nothing
 * is known.
 * @param burn of a window that stands for "now"
 */
export function exhaustedInMs(remaining: number | null, burn: number | null): number | null {
  if (remaining === null) return null;
  if (remaining <= 0) return 0;
  if (burn === null || burn <= 0) return null;
  return (remaining * WINDOW_MS['28d']) / burn;
}
