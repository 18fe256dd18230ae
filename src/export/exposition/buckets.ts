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

import { bucketUpperMs, HISTOGRAM_BUCKETS } from '../../lib/histogram.ts';
import type { Bucket } from '../family.ts';
import type { CellReading } from '../source.ts';

/** Upper bounds, in seconds. */
export const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const ATTRIBUTION = 1.011;

/** Bounds for one threshold, and how many buckets of the histogram are counted at or below each. */
interface Plan {
  readonly bounds: readonly number[];
  readonly ends: readonly number[];
}

/** Thresholds whose plans are kept: as many as a configuration has; those of earlier ones are few. */
const PLANS_MAX = 1000;
const plans = new Map<number, Plan>();

/** Cumulates a cell's histogram, the bucket up to Infinity included. `slowMs` Infinity: no threshold bucket. Cost: O(buckets). */
export function cumulate(cell: Pick<CellReading, 'finished' | 'histogram' | 'slow'>, slowMs: number): Bucket[] {
  const { bounds, ends } = planFor(slowMs);
  const { histogram } = cell;
  const buckets: { le: number; count: number }[] = [];
  let index = 0;
  let count = 0;
  for (let n = 0; n < bounds.length; n++) {
    for (const end = ends[n] as number; index < end; index++) count += histogram[index] as number;
    buckets.push({ le: bounds[n] as number, count });
  }
  for (; index < histogram.length; index++) count += histogram[index] as number;
  if (Number.isFinite(slowMs)) makeExact(buckets, slowMs / 1000, Math.min(count, cell.finished - cell.slow));
  buckets.push({ le: Infinity, count });
  return buckets;
}

function planFor(slowMs: number): Plan {
  const known = plans.get(slowMs);
  if (known !== undefined) return known;
  const bounds = boundsOf(slowMs / 1000);
  const plan = { bounds, ends: bounds.map(endOf) };
  if (plans.size >= PLANS_MAX) plans.clear();
  plans.set(slowMs, plan);
  return plan;
}

function boundsOf(thresholdSeconds: number): readonly number[] {
  if (!Number.isFinite(thresholdSeconds)) return BOUNDS_SECONDS;
  return [...new Set([...BOUNDS_SECONDS, thresholdSeconds])].sort((a, b) => a - b);
}

/** How many buckets are counted at or below a bound. */
function endOf(le: number): number {
  let end = 0;
  while (end < HISTOGRAM_BUCKETS && bucketUpperMs(end) <= le * 1000 * ATTRIBUTION) end += 1;
  return end;
}

function makeExact(finite: { le: number; count: number }[], thresholdSeconds: number, exact: number): void {
  for (const bucket of finite) {
    if (bucket.le === thresholdSeconds) bucket.count = exact;
    else if (bucket.le < thresholdSeconds) bucket.count = Math.min(bucket.count, exact);
    else bucket.count = Math.max(bucket.count, exact);
  }
}
