/** The guard of burn rates, asked the other way round. */

import { isBeyondChance } from '#src/slo/budget/guard.ts';

/** What the guard asks for at least. */
const BAD_MIN = 2;

/**
 * The fewest failures of `total` events that pass the guard, by bisection.
 * @param expectedRatio factor times budget ratio: the share of failures at the threshold
 */
export function badNeeded(total: number, expectedRatio: number): number {
  let enough = Math.max(BAD_MIN, Math.ceil(total * expectedRatio));
  let step = 1;
  while (!isBeyondChance(enough, total, expectedRatio)) {
    enough += step;
    step *= 2;
  }
  let tooFew = Math.max(BAD_MIN - 1, enough - step);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (isBeyondChance(middle, total, expectedRatio)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
