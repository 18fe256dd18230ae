/**
 * Medians, ratios and differences over rounds.
 *
 * A ratio is taken within a round, where both sides met the same weather, and the median of those ratios is reported;
 * a ratio of medians would mix rounds.
 */

/** A figure over rounds: median, lowest and highest. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Median, lowest and highest value; NaN for none. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Of an interval that holds the median in so many of all series of measurements. */
const CONFIDENCE = 0.95;

/**
 * Bounds of the median of what the values were drawn from, at 95 %; null for fewer than six, which cannot say. Whatever the
 * distribution is: how many of `n` values lie below its median is binomial with 1/2.
 * Source: H. A. David, H. N. Nagaraja, Order Statistics, 3rd edition, section 7.1.
 */
export function medianBounds(values: readonly number[]): { readonly low: number; readonly high: number } | null {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let [below, mass] = [0, 0.5 ** count];
  let left = mass;
  while (left <= (1 - CONFIDENCE) / 2 && below < count) {
    below += 1;
    mass *= (count - below + 1) / below;
    left += mass;
  }
  const [low, high] = [sorted[below - 1], sorted[count - below]];
  return low === undefined || high === undefined ? null : { low, high };
}

/** Round by round. @throws when the rounds do not pair up */
function paired(
  values: readonly number[],
  base: readonly number[],
  join: (value: number, other: number) => number,
): number[] {
  if (values.length !== base.length) throw new Error(`${values.length} rounds against ${base.length}`);
  return values.map((value, round) => join(value, base[round] ?? Number.NaN));
}

/** Round-wise quotients. @throws when the rounds do not pair up */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  return paired(values, base, (value, other) => value / other);
}

/** Round-wise differences. @throws when the rounds do not pair up */
export function differences(values: readonly number[], base: readonly number[]): number[] {
  return paired(values, base, (value, other) => value - other);
}
