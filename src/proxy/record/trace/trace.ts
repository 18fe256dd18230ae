/**
 * The spans of one request while it is under way: its own, and one for each attempt, in whatever lane.
 *
 * A request that is sampled has a trace from its beginning, and each attempt tells the endpoint the id of its own span.
 * Any other gets one when something goes wrong, of what is still known then: its endpoints were told of no span, as
 * nobody had meant to record any. Where tracing is off all of this is a null check.
 */

import { REASON, type Reason, reasonRow } from '../../../model/reason.ts';
import { ATTEMPT_SPANS_MAX, type AttemptKind, type KeptBy } from '../../../model/threads/requests/tracing.ts';
import type { LinkedSplit } from '../../decide/table.ts';
import type { Exchange } from '../../exchange.ts';
import type { Endpoint } from '../../forward/endpoint.ts';
import { retryingOf } from '../../forward/retry/retry.ts';

/** The span of one attempt. */
export interface AttemptSpan {
  readonly spanId: string;
  readonly kind: AttemptKind;
  readonly startedAtMs: number;
  readonly endpoint: Endpoint;
  readonly split: LinkedSplit;
  /** 0 while it is under way. */
  endedAtMs: number;
  status: number;
  reason: Reason;
}

/** What is known of a request before its first attempt. */
export interface TraceOrigin {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  /** Of the first attempt, as its endpoint was told. */
  readonly firstSpanId: string;
  readonly keptBy: KeptBy;
  /** Kept of its head, which is overwritten by the next one; null where it was not kept. */
  readonly host: string | null;
  readonly client: string | null;
}

/** The spans of one request, shared by all arms of it. */
export class Trace {
  readonly origin: TraceOrigin;
  readonly attempts: AttemptSpan[] = [];
  /** Attempts that had begun, those without a span as well. */
  attemptCount = 0;
  readonly #newSpanId: () => string;

  constructor(origin: TraceOrigin, newSpanId: () => string) {
    this.origin = origin;
    this.#newSpanId = newSpanId;
  }

  /** Its endpoints are told of its spans. */
  get isSampled(): boolean {
    return this.origin.keptBy !== 'failure';
  }

  /** Begins an attempt's span; null when there are enough. */
  begin(x: Exchange, startedAtMs: number): AttemptSpan | null {
    this.attemptCount++;
    if (this.attempts.length >= ATTEMPT_SPANS_MAX) return null;
    const before = this.attempts.at(-1);
    const span: AttemptSpan = {
      spanId: before === undefined ? this.origin.firstSpanId : this.#newSpanId(),
      kind: kindOf(x, before),
      startedAtMs,
      endpoint: x.endpoint as Endpoint,
      split: x.split as LinkedSplit,
      endedAtMs: 0,
      status: 0,
      reason: REASON.none,
    };
    this.attempts.push(span);
    return span;
  }
}

/** An exchange's part in a trace: of each arm of a hedge one. */
export interface Traced {
  readonly trace: Trace;
  /** Of the attempt that is under way. */
  span: AttemptSpan | null;
  /** The span that the arm's head names. */
  told: string;
}

function kindOf(x: Exchange, before: AttemptSpan | undefined): AttemptKind {
  if (x.isShadow) return 'hedge';
  const { retrying } = x;
  const isElsewhere = before === undefined || before.split !== x.split;
  if (isElsewhere && retrying !== null && retrying.fallen !== null) return 'fallback';
  if (isElsewhere && retrying !== null && retrying.rescuedFrom !== null) return 'rescue';
  return before === undefined ? 'first' : 'retry';
}

/** What an exchange begins with that is traced from its beginning. */
export function tracedBy(trace: Trace): Traced {
  return { trace, span: null, told: trace.origin.firstSpanId };
}

/** The second arm of a hedge is in the same trace; both have spans, sampled or not. */
export function shareTrace(x: Exchange, shadow: Exchange): void {
  const traced = tracedOf(x);
  if (traced !== null) retryingOf(shadow).traced = { trace: traced.trace, span: null, told: traced.told };
}

/** The second arm's attempt becomes the first arm's. */
export function adoptSpan(x: Exchange, shadow: Exchange): void {
  const [own, other] = [x.retrying?.traced ?? null, shadow.retrying?.traced ?? null];
  if (own === null || other === null) return;
  own.span = other.span;
  other.span = null;
}

/** The trace of an exchange, begun now if it has none; null where tracing is off. An attempt under way is in it. */
export function tracedOf(x: Exchange): Traced | null {
  const { tracer } = x.client.lane;
  if (tracer === null) return null;
  const retrying = retryingOf(x);
  if (retrying.traced !== null) return retrying.traced;
  const traced = tracedBy(tracer.late(x));
  retrying.traced = traced;
  if (!x.isAttempting || x.split === null) return traced;
  // The time of the attempt is by now that of its head.
  const startedAtMs = x.responseStarted && x.attempts === 1 ? x.startedAtMs : x.attemptAtMs;
  traced.span = traced.trace.begin(x, startedAtMs);
  return traced;
}

/** An attempt begins: its span does, and the head says so from the second one on. The endpoint and the version are known. */
export function beginSpan(x: Exchange, traced: Traced, atMs: number): void {
  const isFirst = traced.trace.attempts.length === 0;
  const span = traced.trace.begin(x, atMs);
  traced.span = span;
  if (isFirst || span === null || !traced.trace.isSampled) return;
  x.requestText = x.requestText.replaceAll(traced.told, span.spanId);
  traced.told = span.spanId;
}

/** The attempt under way has failed, or got an answer that may be a failure (`reason` none): its span says how. */
export function noteFailure(x: Exchange, reason: Reason, status: number): void {
  if (x.client.lane.tracer === null || !x.isAttempting || x.split === null) return;
  const isTraced = x.retrying !== null && x.retrying.traced !== null;
  // Who goes away has met no failure of ours.
  if (!isTraced && reason !== REASON.none && reasonRow(reason).fault === 'client') return;
  const span = tracedOf(x)?.span ?? null;
  if (span === null) return;
  span.reason = reason;
  span.status = status;
}

/** The attempt's endpoint has no place for it. Of a request without a trace nobody makes one for that: there may be many. */
export function noteShed({ retrying }: Exchange): void {
  if (retrying !== null && retrying.traced !== null && retrying.traced.span !== null) {
    retrying.traced.span.reason = REASON.shed;
  }
}

/** The attempt is over. One that has neither an answer nor a reason by now was called off. */
export function endSpan(x: Exchange, traced: Traced, atMs: number): void {
  const { span } = traced;
  traced.span = null;
  if (span === null) return;
  span.endedAtMs = atMs;
  if (span.status === 0 && x.responseStarted) span.status = x.status;
}

/** The same for a lane that asks nothing before. */
export function beginSpanOf(x: Exchange, atMs: number): void {
  if (x.retrying !== null && x.retrying.traced !== null) beginSpan(x, x.retrying.traced, atMs);
}

/** Both in one, for a lane that knows the reason only at the end. */
export function endSpanOf(x: Exchange, reason: Reason, atMs: number): void {
  if (reason !== REASON.none || x.status >= 500) noteFailure(x, reason, x.status);
  if (x.retrying !== null && x.retrying.traced !== null) endSpan(x, x.retrying.traced, atMs);
}
