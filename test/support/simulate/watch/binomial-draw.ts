/**
 * Draws a binomial count: how many of `n` trials succeed.
 */

import type { Random } from '#src/lib/random.ts';

/** Above this expectation the count is drawn in two halves. */
const MEAN_MAX = 60;

/** By inversion, from 0 up; exact but for rounding. Cost: O(n * min(p, 1 - p)). */
export function binomialDraw(random: Random, n: number, p: number): number {
  if (n === 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomialDraw(random, n, 1 - p);
  if (n * p > MEAN_MAX) {
    const half = Math.trunc(n / 2);
    return binomialDraw(random, half, p) + binomialDraw(random, n - half, p);
  }
  const odds = p / (1 - p);
  let chance = (1 - p) ** n;
  let left = random.nextFloat();
  let count = 0;
  while (left >= chance && count < n) {
    left -= chance;
    chance *= (odds * (n - count)) / (count + 1);
    count += 1;
  }
  return count;
}
