/**
 * Nouns of samples: a few requests of each route that missed its objectives, for people to look up in logs and traces.
 */

import type { Reason } from '../../reason.ts';

/** Of each kind that are kept of a route: the newest. */
export const SAMPLES_MAX = 5;

/** One request, as a worker hands it over. */
export type SampleRow = readonly [
  route: string,
  requestId: string,
  /** That it was with last; null: none, or a fallback's. */
  version: string | null,
  /** On the process's monotonic clock (`lib/clock.ts`). */
  endedAtMs: number,
  /** What counted as its latency. */
  latencyMs: number,
  /** 0 = no response was given. */
  status: number,
  reason: Reason,
  /** Good, but later than the route's latency objective asks; else bad as its users saw it. */
  isLate: boolean,
];

/** The same for people. */
export interface RequestSample {
  readonly requestId: string;
  readonly version: string | null;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly latencyMs: number;
  /** null = no response was given. */
  readonly status: number | null;
  /** Name of the reason, `none` of an answer of the upstream's. */
  readonly reason: string;
}

/** Of a route that had some since the start, newest first. */
export interface RouteSamples {
  readonly route: string;
  readonly bad: readonly RequestSample[];
  /** Good ones above the threshold of its latency objective; none without one. */
  readonly slow: readonly RequestSample[];
}
