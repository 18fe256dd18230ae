/**
 * How a route stands when a version has more than it can serve, by what is left of its error budget.
 *
 * ```
 * burns fast, or less than 10 % left ▸ 0      less than 40 % ▸ 1      less than 70 % ▸ 2      else, or no budget ▸ 3
 * ```
 * A route rises only when it is 2 % above the bound, so that one that hovers there does not change places. A route without
 * objectives, or of which nothing was counted yet, has nothing that could run out: it stands with those that have plenty.
 * Source: docs/overload.md "Who comes first".
 */

import { STANDING_PLENTY, STANDING_SPENT } from '../../../model/threads/load/standing.ts';

/** Below the n-th part of the budget a route has standing n; small steps where little is left would move nobody sooner. */
const BOUNDS = [0.1, 0.4, 0.7];
const MARGIN = 0.02;

/** What a route's objectives say. */
export interface RouteBudget {
  /** Part of the budget that is left; null when there is none. */
  readonly remainingRatio: number | null;
  /** It burns fast, and not because the gateway refuses requests. */
  readonly isBurning: boolean;
}

/** @param before the standing until now, of the budget */
export function budgetStanding({ remainingRatio, isBurning }: RouteBudget, before: number): number {
  if (isBurning) return STANDING_SPENT;
  if (remainingRatio === null) return STANDING_PLENTY;
  const now = levelOf(remainingRatio);
  return now <= before ? now : Math.max(before, levelOf(remainingRatio - MARGIN));
}

function levelOf(remainingRatio: number): number {
  const level = BOUNDS.findIndex((bound) => remainingRatio < bound);
  return level < 0 ? STANDING_PLENTY : level;
}
