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

import { bucketUpperMs } from '../../lib/histogram.ts';
import type { Bucket } from '../family.ts';
import type { CellReading } from '../source.ts';

/** Upper bounds, in seconds. */
export const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const ATTRIBUTION = 1.011;

/** Cumulates a cell's histogram, the bucket up to Infinity included. `slowMs` Infinity: no threshold bucket. Cost: O(buckets). */
export function cumulate(cell: CellReading, slowMs: number): Bucket[] {
  const bounds = boundsOf(slowMs / 1000);
  const finite: { le: number; count: number }[] = [];
  let index = 0;
  let count = 0;
  for (const le of bounds) {
    while (index < cell.histogram.length && bucketUpperMs(index) <= le * 1000 * ATTRIBUTION) {
      count += cell.histogram[index] as number;
      index += 1;
    }
    finite.push({ le, count });
  }
  for (; index < cell.histogram.length; index++) count += cell.histogram[index] as number;
  if (Number.isFinite(slowMs)) makeExact(finite, slowMs / 1000, Math.min(count, cell.finished - cell.slow));
  return [...finite, { le: Infinity, count }];
}

function boundsOf(thresholdSeconds: number): readonly number[] {
  if (!Number.isFinite(thresholdSeconds)) return BOUNDS_SECONDS;
  return [...new Set([...BOUNDS_SECONDS, thresholdSeconds])].sort((a, b) => a - b);
}

function makeExact(finite: { le: number; count: number }[], thresholdSeconds: number, exact: number): void {
  for (const bucket of finite) {
    if (bucket.le === thresholdSeconds) bucket.count = exact;
    else if (bucket.le < thresholdSeconds) bucket.count = Math.min(bucket.count, exact);
    else bucket.count = Math.max(bucket.count, exact);
  }
}
