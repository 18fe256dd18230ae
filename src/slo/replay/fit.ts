/**
 * Whether a target is too tight or too lax for what was counted.
 *
 * ```
 * lambda    = n * b                         bad events that n events allow, b = 1 - target
 * too-tight   bad > lambda, and P(Poisson(lambda) >= bad) <= 1 %      as alerts ask it (budget/guard.ts)
 * too-little  lambda < 1, and not too tight: any bad event overspends it, and none proves nothing
 * too-lax     P(Poisson(lambda / 10) <= bad) <= 1 %                   with a tenth of the budget it would be met as well
 * fits        else
 * ```
 * Without any bad event a target is too lax from lambda = 10 ln 100 = 46 on.
 */

import type { TrafficFit } from '../../model/threads/load/traffic.ts';
import { isBeyondChance, poissonTail, TAIL_RATIO_MAX } from '../budget/guard.ts';
import type { WindowCounts } from '../budget/ring.ts';

/** Part of its budget with which a target that is too lax would be met. */
const LAX_RATIO = 0.1;

/** null: nothing was counted. @param budgetRatio 1 - target */
export function fitOf({ good, bad }: WindowCounts, budgetRatio: number): TrafficFit | null {
  const total = good + bad;
  if (total === 0) return null;
  if (isBeyondChance(bad, total, budgetRatio)) return 'too-tight';
  const allowed = total * budgetRatio;
  if (allowed < 1) return 'too-little';
  const asFew = 1 - poissonTail(bad + 1, allowed * LAX_RATIO);
  return asFew <= TAIL_RATIO_MAX ? 'too-lax' : 'fits';
}
