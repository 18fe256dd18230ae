/**
 * Traces: what the configuration says of them, and what workers hand to the thread that exports them, as plain values.
 *
 * Rows of values, as for the access log (`access.ts`): a worker builds no spans. Source: docs/traces.md.
 */

import type { Reason } from '../../reason.ts';
import type { FallbackKind } from '../answers/fallback.ts';
import type { SecretOrigin } from '../color.ts';
import type { AccessLogConfig } from './access.ts';

/** Forms in which a context is told to endpoints whatever came: W3C's, B3 in one field, B3 in several. */
export const PROPAGATORS = ['tracecontext', 'b3', 'b3multi'] as const;
export type Propagator = (typeof PROPAGATORS)[number];

/** Whose word counts that a trace is, or is not, sampled. */
export const PARENT_POLICIES = ['trustedProxies', 'anyone', 'nobody'] as const;
export type ParentPolicy = (typeof PARENT_POLICIES)[number];

/** What spans say of queries: their names with the values taken out, nothing, or all. */
export const QUERY_POLICIES = ['redact', 'omit', 'keep'] as const;
export type QueryPolicy = (typeof QUERY_POLICIES)[number];

/** What workers obey. */
export interface SamplingConfig {
  /** Share of the traces that begin here, 0..1; failures are exported besides. */
  readonly sampleRatio: number;
  readonly parent: ParentPolicy;
  /** At least W3C's, which goes on always. */
  readonly propagators: readonly Propagator[];
  readonly query: QueryPolicy;
}

/** A header for the collector; its value is a secret. */
export interface CollectorHeader {
  readonly name: string;
  readonly from: SecretOrigin;
}

export interface TracingConfig extends SamplingConfig {
  /** Where spans are posted, OTLP over HTTP: the whole URL. */
  readonly endpoint: string;
  readonly headers: readonly CollectorHeader[];
  /** Attributes of the resource besides the gateway's own. */
  readonly resource: Readonly<Record<string, string>>;
  /** Requests that wait to be exported; further ones are dropped and counted. */
  readonly queueMax: number;
  /** Of one batch, tries again included. */
  readonly timeoutMs: number;
}

/** What is told of single requests. */
export interface TelemetryConfig {
  readonly accessLog: AccessLogConfig;
  readonly tracing?: TracingConfig; // absent: there are no traces
}

/** Why a trace is exported: somebody before said so, it was drawn, or something went wrong. */
export type KeptBy = 'parent' | 'ratio' | 'failure';

export type AttemptKind = 'first' | 'retry' | 'hedge' | 'rescue' | 'fallback';

/** One attempt at an endpoint. Times as in `TraceRow`. */
export type AttemptRow = readonly [
  spanId: string,
  kind: AttemptKind,
  startedAtMs: number,
  endedAtMs: number,
  host: string,
  port: number,
  service: string,
  version: string,
  /** Of the answer that was passed on or dropped; 0 = there was none. */
  status: number,
  /** Why it failed; `none` also for one that was called off, as another arm of its hedge answered. */
  reason: Reason,
  isHttp2: boolean,
];

/** One request. null = not known. */
export type TraceRow = readonly [
  traceId: string,
  spanId: string,
  /** Span of whoever sent it. */
  parentId: string | null,
  keptBy: KeptBy,
  /** On the process's monotonic clock (`lib/clock.ts`). */
  startedAtMs: number,
  endedAtMs: number,
  method: string,
  /** As it was asked for, without the port. */
  host: string | null,
  path: string,
  /** As the configuration wants it. */
  query: string | null,
  isSecure: boolean,
  /** `1.0`, `1.1` or `2`. */
  protocol: string,
  client: string,
  /** 0 = no response was given. */
  status: number,
  reason: Reason,
  route: string | null,
  /** Path of the route's first match. */
  httpRoute: string | null,
  service: string | null,
  version: string | null,
  /** The color that pinned the version. */
  color: string | null,
  /** The canary that failed, when another version answered for it. */
  rescuedFrom: string | null,
  fallback: FallbackKind | null,
  requestId: string | null,
  /** In the order of their beginnings; `attemptCount` may be more. */
  attempts: readonly AttemptRow[],
  attemptCount: number,
];

/** Longest texts that a client chooses. */
export const TRACE_CHARS_MAX = { path: 1024, query: 1024, host: 255, color: 128 } as const;
/** Attempts of one request that have spans. */
export const ATTEMPT_SPANS_MAX = 32;

/** What one worker has to say since its last batch. */
export interface TraceBatch {
  readonly rows: readonly TraceRow[];
  /** Not handed over, because too many waited. */
  readonly queueFull: number;
  /** Failures that nobody had drawn, and that were too many within a second. */
  readonly failureRate: number;
}

/** What was decided, as a span of its own. */
export interface DecisionNote {
  readonly kind: string;
  readonly trigger: string;
  readonly sentence: string;
  readonly route: string;
  /** Of a rollout; null: a configuration was reverted. */
  readonly rollout: {
    readonly service: string;
    readonly stable: string;
    readonly canary: string;
    readonly weightBefore: number;
    readonly weightAfter: number;
  } | null;
  /** In ms since 1970. */
  readonly atWallMs: number;
  /** Requests that led to it. */
  readonly requestIds: readonly string[];
}

/** Counts since the thread's start. */
export interface TracingCounts {
  /** Spans that the collector took. */
  readonly exported: number;
  /** Spans of batches that it did not take. */
  readonly failed: number;
  /** Requests whose spans were not made, by cause. */
  readonly dropped: { readonly queueFull: number; readonly failureRate: number; readonly worker: number };
}

export interface TracingStatus {
  readonly endpoint: string;
  /** Why the newest batch was not taken; empty when it was, or before there was one. */
  readonly because: string;
  /** Requests that wait. */
  readonly queued: number;
  readonly counts: TracingCounts;
}
