/**
 * The exact-count guard: how many bad events it takes before a burn rate means anything.
 *
 * With few requests one failure is a thousandfold burn. So an alert also asks that as many failures as were seen would
 * be improbable if the burn rate were just at its threshold f:
 *
 * ```
 * P(Poisson(n * f * b) >= bad) <= 1 %      n events in the window, b = 1 - target
 * ```
 * and never believes a single failure. The tail is summed upwards from `bad`, where terms fall by lambda / k; the first
 * one comes from Loader's saddle-point form, which keeps its digits where exp(-lambda) * lambda^k / k! does not.
 *
 * Edges: lambda 0 needs 2; a tail above the limit is given up early. Cost: O(sqrt(lambda)) near the threshold, a few
 * terms away from it.
 * Source: docs/ARCHITECTURE.md "Objectives and budgets"; C. Loader, "Fast and Accurate Computation of Binomial
 * Probabilities" (2000).
 */

/** Greatest chance that a burn rate at its threshold shows as many failures. */
export const TAIL_RATIO_MAX = 0.01;
/** One failure is no series, however rare the traffic. */
const BAD_MIN = 2;
/** A term this much smaller than the sum changes no digit of it. */
const NEGLIGIBLE = 1e-17;

/**
 * P(Poisson(lambda) >= count), or any value above `limit` when it is above it.
 * @param lambda mean, >= 0
 * @param count integer >= 0
 */
export function poissonTail(count: number, lambda: number, limit = 1): number {
  if (count <= 0) return 1;
  if (lambda <= 0) return 0;
  if (count <= lambda) return lowerSideTail(count, lambda);
  let term = poissonTerm(count, lambda);
  let sum = 0;
  for (let k = count; term > sum * NEGLIGIBLE && sum <= limit; k++) {
    sum += term;
    term *= lambda / (k + 1);
  }
  return Math.min(1, sum);
}

/** Below the mean the tail is what the terms below `count` leave. */
function lowerSideTail(count: number, lambda: number): number {
  let term = poissonTerm(count - 1, lambda);
  let sum = 0;
  for (let k = count - 1; k >= 0 && term > sum * NEGLIGIBLE; k--) {
    sum += term;
    term *= k / lambda;
  }
  return Math.max(0, 1 - sum);
}

/** Whether `bad` failures of `total` are too many for chance at a burn rate of `factor`. */
export function isBeyondChance(bad: number, total: number, expectedRatio: number): boolean {
  if (bad < BAD_MIN) return false;
  const lambda = total * expectedRatio;
  return bad > lambda && poissonTail(bad, lambda, TAIL_RATIO_MAX) <= TAIL_RATIO_MAX;
}

/** P(Poisson(lambda) = count). */
function poissonTerm(count: number, lambda: number): number {
  if (count === 0) return Math.exp(-lambda);
  const deviance = count * devianceOf(lambda / count);
  return Math.exp(-stirlingError(count) - deviance) / Math.sqrt(2 * Math.PI * count);
}

/** x - 1 - ln x, without loss where x is near 1. */
function devianceOf(x: number): number {
  const y = x - 1;
  if (Math.abs(y) > 0.01) return y - Math.log(x);
  // y^2/2 - y^3/3 + y^4/4 …: eleven terms leave less than 1e-24.
  let power = y;
  let sum = 0;
  for (let n = 2; n <= 12; n++) {
    power *= -y;
    sum -= power / n;
  }
  return sum;
}

/** ln(n!) minus Stirling's formula: by the factorial up to 15, then by the series (error below 1e-13). */
function stirlingError(n: number): number {
  if (n <= 15) {
    let factorial = 1;
    for (let k = 2; k <= n; k++) factorial *= k;
    return Math.log(factorial) - (n + 0.5) * Math.log(n) + n - 0.5 * Math.log(2 * Math.PI);
  }
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / n;
}
