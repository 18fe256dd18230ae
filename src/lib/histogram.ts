/**
 * Base-2 exponential histogram of latencies: which bucket a value belongs to, and quantiles of the counts. Hot path.
 *
 * Scale 5: bucket b holds the latencies in (U(b-1), U(b)] with U(b) = 2^((b + HISTOGRAM_OFFSET + 1) / 32) seconds, so
 * HISTOGRAM_OFFSET + b is the OpenTelemetry bucket index of scale 5 and export needs no conversion. 672 buckets span
 * 0.1 ms to 206 s. The high bits of the double (exponent and 7 bits of mantissa: slices of at most 0.8 %) select the
 * bucket of the slice's lower end; buckets are 2.2 % wide, so one comparison decides the rest.
 *
 * Edges: up to U(0) = 0.1 ms, zero, negative and -Infinity: first bucket. Above 206 s, Infinity and NaN: last bucket (what
 * cannot be measured must not look fast).
 *
 * A quantile is the geometric middle of its bucket: never more than 2^(1/64) - 1 = 1.09 % away from the exact one. Log-linear
 * interpolation is closer on smooth data, but errs by up to a whole bucket (2.2 %) on equal or few values.
 * Source: OpenTelemetry metrics data model, "ExponentialHistogram".
 */

/** Buckets per histogram; `model/tallies.ts` reserves as many words. */
export const HISTOGRAM_BUCKETS = 672;
/** Buckets per doubling are 2^HISTOGRAM_SCALE. */
export const HISTOGRAM_SCALE = 5;
/** OpenTelemetry index, in seconds, of bucket 0. */
export const HISTOGRAM_OFFSET = -426;

const PER_DOUBLING = 2 ** HISTOGRAM_SCALE;
const LAST = HISTOGRAM_BUCKETS - 1;
const MANTISSA_BITS = 7;
const SLICE_SHIFT = 20 - MANTISSA_BITS;
const UINT32 = 4_294_967_296;

const UPPER_MS = Float64Array.from({ length: HISTOGRAM_BUCKETS }, (_, index) => boundMs(index));
const FIRST_UPPER_MS = UPPER_MS[0] as number;
const LAST_UPPER_MS = UPPER_MS[LAST] as number;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Which half of a double holds sign and exponent: 1 on little-endian machines. */
const HIGH = highWord();
const FIRST_SLICE = sliceOf(FIRST_UPPER_MS);
/** Bucket of the lower end of each slice. */
const SLICES = sliceTable();

function boundMs(index: number): number {
  return 1000 * 2 ** ((index + HISTOGRAM_OFFSET + 1) / PER_DOUBLING);
}

function highWord(): 0 | 1 {
  double[0] = 1;
  return words[1] === 0 ? 0 : 1;
}

function sliceOf(ms: number): number {
  double[0] = ms;
  return (words[HIGH] as number) >> SLICE_SHIFT;
}

function sliceTable(): Uint16Array {
  const table = new Uint16Array(sliceOf(LAST_UPPER_MS) - FIRST_SLICE + 1);
  let index = 0;
  for (let slice = 0; slice < table.length; slice++) {
    double[0] = 0;
    words[HIGH] = (slice + FIRST_SLICE) << SLICE_SHIFT;
    const lowerMs = double[0];
    while ((UPPER_MS[index] as number) < lowerMs) index += 1;
    table[slice] = index;
  }
  return table;
}

/** Bucket of a latency in ms, 0..HISTOGRAM_BUCKETS-1. Cost: about 5 ns, allocates nothing. */
export function bucketIndex(ms: number): number {
  if (!(ms <= LAST_UPPER_MS)) return LAST;
  if (ms <= FIRST_UPPER_MS) return 0;
  double[0] = ms;
  const index = SLICES[((words[HIGH] as number) >> SLICE_SHIFT) - FIRST_SLICE] as number;
  return ms > (UPPER_MS[index] as number) ? index + 1 : index;
}

/** Inclusive upper bound of a bucket in ms. */
export function bucketUpperMs(index: number): number {
  return UPPER_MS[index] as number;
}

/**
 * Quantile in ms of one histogram's counts, within 1.09 % of the value at rank ceil(q * n); null when it is empty.
 * @param counts buckets at `offset`..`offset + HISTOGRAM_BUCKETS - 1`; negative words of an Int32Array count modulo 2^32
 * @param q 0..1
 */
export function quantile(counts: ArrayLike<number>, offset: number, q: number): number | null {
  let total = 0;
  for (let index = 0; index < HISTOGRAM_BUCKETS; index++) total += countAt(counts, offset + index);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let index = 0; index < LAST; index++) {
    seen += countAt(counts, offset + index);
    if (seen >= rank) return middleMs(index);
  }
  return middleMs(LAST);
}

/**
 * Mean in ms of one histogram's counts, each taken for the geometric middle of its bucket; null when it is empty.
 * @param counts as of `quantile`
 */
export function mean(counts: ArrayLike<number>, offset: number): number | null {
  let total = 0;
  let sumMs = 0;
  for (let index = 0; index < HISTOGRAM_BUCKETS; index++) {
    const count = countAt(counts, offset + index);
    total += count;
    if (count > 0) sumMs += count * middleMs(index);
  }
  return total === 0 ? null : sumMs / total;
}

/** Buckets that are not empty, of one histogram: its index and count, ascending. */
export type SparseCounts = readonly (readonly [index: number, count: number])[];

/** @param counts as of `quantile` */
export function sparseCounts(counts: ArrayLike<number>, offset: number): SparseCounts {
  const sparse: [number, number][] = [];
  for (let index = 0; index < HISTOGRAM_BUCKETS; index++) {
    const count = countAt(counts, offset + index);
    if (count > 0) sparse.push([index, count]);
  }
  return sparse;
}

/** What is in `now` and was not in `before`, an earlier reading of the same histogram; for `quantile`, with offset 0. */
export function countsSince(now: SparseCounts, before: SparseCounts): Float64Array {
  const counts = new Float64Array(HISTOGRAM_BUCKETS);
  for (const [index, count] of now) counts[index] = count;
  for (const [index, count] of before) counts[index] = Math.max(0, (counts[index] as number) - count);
  return counts;
}

function countAt(counts: ArrayLike<number>, at: number): number {
  const count = counts[at] as number;
  return count < 0 ? count + UINT32 : count;
}

function middleMs(index: number): number {
  return (UPPER_MS[index] as number) * 2 ** (-0.5 / PER_DOUBLING);
}
