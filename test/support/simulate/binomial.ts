/**
 * Exact probabilities of counts, to sum expectations over every outcome.
 */

/** Probability of every number of successes among n trials. */
export function binomial(n: number, p: number): number[] {
  const probabilities = [1];
  for (let trial = 0; trial < n; trial++) {
    probabilities.push(0);
    for (let k = trial + 1; k >= 0; k--) {
      probabilities[k] = (probabilities[k] as number) * (1 - p) + (k > 0 ? (probabilities[k - 1] as number) * p : 0);
    }
  }
  return probabilities;
}
