/**
 * How outcomes count: error classes of HTTP, and their weights; statuses of gRPC. Hot path.
 *
 * Whether an exchange is good or bad is the table of `reason.ts`; the class says what kind of error it was, for reports:
 *
 * | class     | what                                                          | HTTP                         | weight |
 * |-----------|---------------------------------------------------------------|------------------------------|--------|
 * | client    | the request was wrong; trying again changes nothing           | 4xx                          | 1.0    |
 * | transient | not now; trying again may help                                | 408, 425, 429, 502, 503, 504 | 0.3    |
 * | server    | the service is wrong                                          | other 5xx                    | 2.5    |
 *
 * Classes and effects are independent: most client errors are good events, and still worth a count.
 * Of gRPC those statuses are errors that say so of the server; which they are is configuration (docs/GRPC.md).
 * Source: docs/ARCHITECTURE.md "Objectives and budgets"; gRPC, "Status codes and their use in gRPC"; OpenTelemetry semantic
 * conventions for gRPC, span status of servers.
 */

import { type Effect, REASON, REASONS, type Reason, type ReasonRow, reasonRow } from './reason.ts';

/** In the order of their counters. */
export const ERROR_CLASSES = ['client', 'transient', 'server'] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** How much an error of each class weighs in the weighted error count. */
export type ErrorWeights = Readonly<Record<ErrorClass, number>>;

/** Number of a class in `ERROR_CLASSES`; NO_ERROR is none of them. */
export const NO_ERROR = -1;
const CLIENT = 0;
const TRANSIENT = 1;
const SERVER = 2;
const SERVER_ERROR = 500;

/**
 * A client that went away, or whose own time was over, made no error, and told of none; an answer that is given again was
 * counted; a stream has no end.
 */
const NO_ERRORS: ReadonlySet<number> = new Set([
  REASON.none,
  REASON.clientClosed,
  REASON.clientDeadline,
  REASON.idempotencyReplayed,
  REASON.streamEnded,
]);

/** Class of every reason but `none`, by its number. */
const CLASS_OF_REASON = Int8Array.from(REASONS, classOfRow);

function classOfRow({ status, fault, retry }: ReasonRow, reason: number): number {
  if (NO_ERRORS.has(reason)) return NO_ERROR;
  if (reason === REASON.grpcTransient) return TRANSIENT;
  if (status === 429 || status === 503 || retry !== 'never') return TRANSIENT;
  return fault === 'client' ? CLIENT : SERVER;
}

/** Class number of an outcome, or NO_ERROR. Cost: O(1), allocates nothing. */
export function errorClassOf(reason: Reason, status: number): number {
  return reason === REASON.none ? errorClassOfStatus(status) : (CLASS_OF_REASON[reason] as number);
}

/** Class number of an upstream's status, or NO_ERROR. */
export function errorClassOfStatus(status: number): number {
  if (status < 400) return NO_ERROR;
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 502:
    case 503:
    case 504:
      return TRANSIENT;
    default:
      return status < 500 ? CLIENT : SERVER;
  }
}

/** The sum of errors by class, each with its weight. */
export function weightedErrors(counts: Readonly<Record<ErrorClass, number>>, weights: ErrorWeights): number {
  return counts.client * weights.client + counts.transient * weights.transient + counts.server * weights.server;
}

/** What an outcome does to the SLI of the version (or of the route). */
export function effectOf(reason: Reason, status: number, isSlow: boolean, forVersion: boolean): Effect {
  if (reason === REASON.none) return status >= SERVER_ERROR ? 'bad' : 'good';
  // A client that waited longer than the threshold for an answer has voted. One that leaves earlier, or within an answer,
  // says nothing: it may have seen enough, or not read at all. (Of streams: `judgedReason`.)
  if (reason === REASON.clientClosed) return isSlow && status === 0 ? 'bad' : 'ignore';
  // So has one whose own deadline was longer than that. A shorter one says how little time it gave, and nothing else.
  if (reason === REASON.clientDeadline) return isSlow ? 'bad' : 'ignore';
  const row = reasonRow(reason);
  return forVersion ? row.versionEffect : row.routeEffect;
}

/** Bits of `lateness`: above the route's threshold, above the service's. */
export const LATE = 1;
export const SERVICE_LATE = 2;

/** Which thresholds an exchange is above. */
export function lateness(isSlow: boolean, isServiceSlow: boolean): number {
  return (isSlow ? LATE : 0) | (isServiceSlow ? SERVICE_LATE : 0);
}

/** Whether a request target is one of these paths, whatever its query. */
export function hasPath(paths: ReadonlySet<string>, target: string): boolean {
  const queryAt = target.indexOf('?');
  return paths.has(queryAt === -1 ? target : target.slice(0, queryAt));
}

// ── gRPC ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** By number. */
export const GRPC_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type GrpcCode = (typeof GRPC_CODES)[number];

/** Number of `UNKNOWN`: what an answer without a status has. */
export const UNKNOWN = 2;

/** Codes as bits. */
export function bitsOf(codes: readonly GrpcCode[]): number {
  let bits = 0;
  for (const code of codes) bits |= 1 << GRPC_CODES.indexOf(code);
  return bits;
}

/** Those that say of the server that it failed, unless the configuration says otherwise. */
export const GRPC_ERRORS = bitsOf([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

const MAY_PASS = bitsOf(['DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'UNAVAILABLE']);

/** The code that an answer has. @param status of `grpc-status`; anything but a known number is UNKNOWN. */
export function grpcCode(status: string): number {
  const code = /^\d{1,2}$/.test(status) ? Number(status) : UNKNOWN;
  return code < GRPC_CODES.length ? code : UNKNOWN;
}

/** Why an answer with this code is a failure, or `none`. @param errors as bits */
export function grpcReason(code: number, errors: number): Reason {
  if ((errors & (1 << code)) === 0) return REASON.none;
  return (MAY_PASS & (1 << code)) === 0 ? REASON.grpcFailed : REASON.grpcTransient;
}

/** Status codes of RFC 6455 section 7.4.1 with which the gateway ends WebSockets: going away, service restart. */
export const CLOSE_CODES = [1001, 1012] as const;

/** How upgraded connections end, and what of it counts. Absent, not null: so fingerprints of other routes stay. */
export interface SessionPolicy {
  /** How long after a rollback, or the beginning of a drain, they are told to leave; absent: at once. */
  readonly closeAfterMs?: number;
  /** Absent: 1001. */
  readonly closeCode?: (typeof CLOSE_CODES)[number];
  /** One that its endpoint ends abnormally is one more bad exchange; absent: it is only counted as a session. */
  readonly abnormal?: 'bad';
}

/** What ends a route's streams before their endpoint or their client does. Absent: only the end of a drain. */
export interface StreamPolicy {
  /** How long after a rollback, or the beginning of a drain, they go on; 0: they end at once. */
  readonly closeAfterMs: number;
}
