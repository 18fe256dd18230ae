/**
 * Classic Prometheus buckets from an exponential histogram.
 *
 * The boundaries are those of the OpenTelemetry HTTP semantic conventions plus the route's latency threshold, without
 * which the SLO could not be recomputed from the metric. A boundary falls inside an exponential bucket, so it is
 * attributed by rule: `le` counts every bucket whose upper bound is <= le * 1.011, half a bucket's width above; the
 * error is then within the histogram's own 1.09 %. The threshold's bucket alone is exact: finished - slow. Neighbors are
 * clamped to it, so that counts never fall from one boundary to the next.
 * Source: OpenTelemetry semantic conventions, http.server.request.duration.
 */

import { bucketUpperMs } from '../lib/histogram.ts';
import type { CellReading } from './source.ts';

const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const ATTRIBUTION = 1.011;

export interface Bucket {
  readonly leSeconds: number;
  /** Exchanges at or below `leSeconds`. */
  readonly count: number;
}

/** The finite buckets of a cell in rising order, and the count of all, which is the `+Inf` bucket. */
export interface Buckets {
  readonly finite: readonly Bucket[];
  readonly total: number;
}

/** Cumulates a cell's histogram. `slowMs` Infinity: no threshold bucket. Cost: O(buckets). */
export function cumulate(cell: CellReading, slowMs: number): Buckets {
  const bounds = boundsOf(slowMs / 1000);
  const finite: { leSeconds: number; count: number }[] = [];
  let index = 0;
  let count = 0;
  for (const leSeconds of bounds) {
    while (index < cell.histogram.length && bucketUpperMs(index) <= leSeconds * 1000 * ATTRIBUTION) {
      count += cell.histogram[index] as number;
      index += 1;
    }
    finite.push({ leSeconds, count });
  }
  for (; index < cell.histogram.length; index++) count += cell.histogram[index] as number;
  if (Number.isFinite(slowMs)) makeExact(finite, slowMs / 1000, Math.min(count, cell.finished - cell.slow));
  return { finite, total: count };
}

function boundsOf(thresholdSeconds: number): readonly number[] {
  if (!Number.isFinite(thresholdSeconds)) return BOUNDS_SECONDS;
  return [...new Set([...BOUNDS_SECONDS, thresholdSeconds])].sort((a, b) => a - b);
}

function makeExact(finite: { leSeconds: number; count: number }[], thresholdSeconds: number, exact: number): void {
  for (const bucket of finite) {
    if (bucket.leSeconds === thresholdSeconds) bucket.count = exact;
    else if (bucket.leSeconds < thresholdSeconds) bucket.count = Math.min(bucket.count, exact);
    else bucket.count = Math.max(bucket.count, exact);
  }
}
