/**
 * Native Prometheus histograms from the gateway's exponential ones.
 *
 * Both have buckets (base^(i-1), base^i] with base = 2^(2^-schema): bucket b of `lib/histogram.ts` is bucket b + OFFSET of
 * schema 5, so that the mapping itself adds no error. A quantile read from it errs by at most the width of a bucket, 2.2 %.
 *
 * Edges: bucket 0, which holds everything up to 0.1 ms, zero included, becomes the zero bucket: its upper bound is the zero
 * threshold. The last bucket holds everything above 202 s, so that what took longer than 206 s looks like 206 s; the classic
 * bucket up to Infinity and the sum have it exactly.
 *
 * More than `BUCKETS_MAX` buckets in use are merged in pairs until they fit: schema 4, buckets of 4.4 %, 3, 9.1 %, and so
 * on. Merged buckets are the ones that the coarser schema has, so merging is exact as well. A schema only ever falls while
 * the process lives, which Prometheus does not take for a reset.
 * Source: Prometheus, "Native Histograms" (specification), data model, schema and spans.
 */

import { bucketUpperMs, HISTOGRAM_BUCKETS, HISTOGRAM_OFFSET, HISTOGRAM_SCALE } from '../../../lib/histogram.ts';

/** As many as the OpenTelemetry exponential histogram has, and what Prometheus can be told to take at most. */
export const BUCKETS_MAX = 160;
/** Empty buckets between two spans: up to these the zeros are smaller than another span. */
const GAP_MAX = 2;
/** Prometheus numbers a bucket by its upper bound, OpenTelemetry by its lower one. */
const OFFSET = HISTOGRAM_OFFSET + 1;

/** Buckets without a gap, `offset` behind the end of the span before; the first: its first index. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** A native histogram of values above zero, as Prometheus' protobuf messages have it. */
export interface Native {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** All observations, those of the zero bucket included. */
  readonly count: number;
  readonly spans: readonly Span[];
  /** Of each bucket's count to the one before. */
  readonly deltas: readonly number[];
}

/** Upper bound of bucket 0, in seconds. */
const ZERO_THRESHOLD = bucketUpperMs(0) / 1000;

/** Makes one of `HISTOGRAM_BUCKETS` counts. Cost: O(buckets). */
export function nativeOf(counts: ArrayLike<number>): Native {
  let schema = HISTOGRAM_SCALE;
  let [indexes, used] = usedIn(counts);
  while (indexes.length > BUCKETS_MAX) {
    schema -= 1;
    [indexes, used] = merged(indexes, used);
  }
  const zeroCount = counts[0] as number;
  return {
    schema,
    zeroThreshold: ZERO_THRESHOLD,
    zeroCount,
    count: zeroCount + sumOf(used),
    ...spansOf(indexes, used),
  };
}

/** Indexes of the buckets that are not empty, and their counts. */
function usedIn(counts: ArrayLike<number>): [indexes: number[], used: number[]] {
  const indexes: number[] = [];
  const used: number[] = [];
  for (let bucket = 1; bucket < HISTOGRAM_BUCKETS; bucket++) {
    const count = counts[bucket] as number;
    if (count === 0) continue;
    indexes.push(bucket + OFFSET);
    used.push(count);
  }
  return [indexes, used];
}

/** The same at half the resolution: bucket i goes into ceil(i / 2). */
function merged(indexes: readonly number[], used: readonly number[]): [number[], number[]] {
  const coarse: number[] = [];
  const sums: number[] = [];
  for (const [n, index] of indexes.entries()) {
    const to = Math.ceil(index / 2);
    const last = coarse.length - 1;
    if (coarse[last] === to) sums[last] = (sums[last] as number) + (used[n] as number);
    else {
      coarse.push(to);
      sums.push(used[n] as number);
    }
  }
  return [coarse, sums];
}

function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

function spansOf(indexes: readonly number[], used: readonly number[]): Pick<Native, 'spans' | 'deltas'> {
  const spans: { offset: number; length: number }[] = [];
  const deltas: number[] = [];
  let before = 0;
  let end = 0;
  const push = (count: number): void => {
    deltas.push(count - before);
    before = count;
  };
  for (const [n, index] of indexes.entries()) {
    const gap = index - end;
    const last = spans.at(-1);
    if (last === undefined || gap > GAP_MAX) spans.push({ offset: gap, length: 1 });
    else {
      for (let empty = 0; empty < gap; empty++) push(0);
      last.length += gap + 1;
    }
    push(used[n] as number);
    end = index + 1;
  }
  return { spans, deltas };
}
