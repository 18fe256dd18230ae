/**
 * Cell readings as the tallies would give them, from plain latencies.
 */

import type { CellReading, RouteReading } from '#src/export/source.ts';
import { bucketIndex } from '#src/lib/histogram.ts';
import { REASON_COUNT } from '#src/model/reason.ts';
import { HISTOGRAM_BUCKETS, SESSION_ENDS, STREAM_BOUNDS_MS } from '#src/model/tallies.ts';

/** A cell that finished one exchange per latency, `bad` of them badly. */
export function cellOf(latenciesMs: readonly number[], slowMs = Infinity, bad = 0): CellReading {
  const histogram = new Uint32Array(HISTOGRAM_BUCKETS);
  for (const ms of latenciesMs) {
    const index = bucketIndex(ms);
    histogram[index] = (histogram[index] as number) + 1;
  }
  const statusClasses = [0, 0, latenciesMs.length - bad, 0, 0, bad];
  return {
    inFlight: 2,
    finished: latenciesMs.length,
    bad,
    ignored: 0,
    slow: latenciesMs.filter((ms) => ms > slowMs).length,
    secondsSum: latenciesMs.reduce((sum, ms) => sum + ms / 1000, 0),
    statusClasses,
    reasons: new Uint32Array(REASON_COUNT),
    sessions: 0,
    sessionEnds: new Uint32Array(SESSION_ENDS.length),
    admission: { limit: 0, inFlight: 0, queued: 0 },
    breaker: { open: 0, halfOpen: 0 },
    shed: [0, 0, 0, 0],
    mirrored: { sent: 0, skipped: 0, failed: 0 },
    retries: { made: 0, hedged: 0, skipped: 0 },
    mended: 0,
    fallbacks: { stale: 0, service: 0, static: 0 },
    rescued: { good: 0, bad: 0, ignored: 0, skipped: 0 },
    streams: new Uint32Array(STREAM_BOUNDS_MS.length + 1),
    streamSeconds: 0,
    histogram,
  };
}

export function sampleTraffic(changes: Partial<RouteReading> = {}): RouteReading {
  const v1 = cellOf([3, 20, 40, 90, 400], 300);
  const v2 = cellOf([4, 600], 300, 1);
  return {
    route: 'checkout',
    httpRoute: '/checkout',
    slowMs: 300,
    cell: cellOf([3, 20, 40, 90, 400, 4, 600], 300, 1),
    versions: [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: v1 },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell: v2 },
    ],
    refresh: () => undefined,
    ...changes,
  };
}
