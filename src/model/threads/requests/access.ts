/**
 * What the access log says of one request, as a worker hands it over: plain values in a fixed order.
 *
 * A row of values crosses between threads at less than half the price of an object, whose keys would go along each time
 * (1.1 instead of 2.5 us to post, 1.6 instead of 4.1 us to receive, batches of 128).
 */

import type { Reason } from '../../reason.ts';
import type { FallbackKind } from '../answers/fallback.ts';
import type { IdempotencyOutcome } from '../answers/idempotency.ts';
import type { SampleRow } from './samples.ts';
import type { TapBatch } from './tap.ts';

/** One JSON line per sampled request; requests that went wrong are always written. */
export interface AccessLogConfig {
  /** Share of requests that are written, 0..1; 0 writes none at all. */
  readonly sampleRatio: number;
}

/** One request. null = not known; strings are bounded by `ACCESS_CHARS_MAX`, and a cut one ends in `…`. */
export type AccessRecord = readonly [
  /** On the process's monotonic clock (`lib/clock.ts`). */
  startedAtMs: number,
  durationMs: number,
  /** From the start to the first byte of the final response. */
  ttfbMs: number | null,
  requestId: string | null,
  traceId: string | null,
  client: string,
  method: string | null,
  host: string | null,
  /** Without the query, which may hold secrets. */
  path: string | null,
  /** 0 = no response was given. */
  status: number,
  reason: Reason,
  route: string | null,
  version: string | null,
  /** The canary that failed, when another version answered for it. */
  rescuedFrom: string | null,
  /** `host:port` of the last attempt. */
  endpoint: string | null,
  attempts: number,
  /** Body bytes received. */
  requestBytes: number | null,
  /** Bytes sent to the client, heads included. */
  responseBytes: number | null,
  userAgent: string | null,
  /** Share of the requests of its kind that are written: 1 for failures, the configured one for others. */
  sampleRatio: number,
  /** Kind of the fallback that answered, or was asked last; `reason` is then why the route's own answer failed. */
  fallback: FallbackKind | null,
  /** What the client spoke: `HTTP/1.1`, `HTTP/2` … */
  protocol: string | null,
  /** What came of a request with an idempotency key. */
  idempotency: IdempotencyOutcome | null,
  /** Experiments of the route that its user is in, with the group; null where the route has none, or it is not known. */
  experiments: readonly (readonly [id: string, group: string])[] | null,
  /** What counted as its latency, where that is not `durationMs`: of streams. */
  latencyMs?: number,
];

/** Longest texts that a client chooses. */
export const ACCESS_CHARS_MAX = { path: 1024, userAgent: 256 } as const;

/** What one worker has to say since its last batch. */
export interface AccessBatch {
  readonly records: readonly AccessRecord[];
  /** Not written, because the records waiting for the main thread were too many. */
  readonly queueFull: number;
  /** Failures not written, because there were too many within a second. */
  readonly failureRate: number;
  /** Requests that missed objectives: at most one bad and one slow one of each route. Absent where there were none. */
  readonly samples?: readonly SampleRow[];
  /** Absent where nobody looks at live requests, or there were none. */
  readonly tapped?: TapBatch;
}
