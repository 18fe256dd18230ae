/**
 * Medians and ratios over rounds.
 *
 * A ratio is taken within a round, where both sides met the same weather, and the median of those ratios is reported;
 * a ratio of medians would mix rounds.
 */

/** Middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Lowest and highest value; NaN for none. */
export function range(values: readonly number[]): readonly [lowest: number, highest: number] {
  return values.length === 0 ? [Number.NaN, Number.NaN] : [Math.min(...values), Math.max(...values)];
}

/** Round-wise quotients. @throws when the rounds do not pair up */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length) throw new Error(`${values.length} rounds against ${base.length}`);
  return values.map((value, round) => value / (base[round] ?? Number.NaN));
}
