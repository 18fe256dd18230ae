/**
 * How large a probability may be after `count` of `trials`: the exact upper confidence bound.
 *
 * The p at which `count` or fewer of `trials` have probability 1 - confidence. Source: Clopper, Pearson (1934).
 */

/** Upper bound; 1 when every trial counted. */
export function upperBound(count: number, trials: number, confidence = 0.99): number {
  if (count >= trials) return 1;
  let [low, high] = [count / trials, 1];
  for (let n = 0; n < 60; n++) {
    const middle = (low + high) / 2;
    if (atMost(count, trials, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** P(X <= count) of a binomial. */
function atMost(count: number, trials: number, p: number): number {
  let logTerm = trials * Math.log1p(-p);
  let sum = Math.exp(logTerm);
  for (let k = 0; k < count; k++) {
    logTerm += Math.log(((trials - k) / (k + 1)) * (p / (1 - p)));
    sum += Math.exp(logTerm);
  }
  return sum;
}
