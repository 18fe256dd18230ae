/**
 * The one table of failures: why the gateway answered itself, or gave up on an exchange.
 *
 * A reason fixes the status, whose fault it is, what it does to the version's and the route's SLI, whether another
 * attempt may be made, and the RFC 9209 `Proxy-Status` error token. The data plane returns reasons and never throws.
 * Metric labels and docs/reasons.md are generated from this table; the order is the reason's number in shared memory,
 * so new rows go to the end.
 */

/** Effect of an exchange on a service-level indicator. */
export type Effect = 'good' | 'bad' | 'ignore';

/** In the order of counters. */
export const EFFECTS: readonly Effect[] = ['good', 'bad', 'ignore'];

/** When another attempt is allowed. */
export type Retry = 'never' | 'other-endpoint' | 'if-unsent' | 'if-idempotent';

export type Fault = 'client' | 'gateway' | 'upstream';

/** One row of the table. `status` 0 = no response can be given, the connection is closed. */
export interface ReasonRow {
  readonly name: string;
  readonly status: number;
  readonly fault: Fault;
  readonly versionEffect: Effect;
  readonly routeEffect: Effect;
  readonly retry: Retry;
  /** RFC 9209 section 2.3 error type, or empty. */
  readonly proxyError: string;
  /** What a person is told; also the problem document's title. */
  readonly title: string;
}

type RowText = readonly [string, number, Fault, Effect, Effect, Retry, string, string];

// biome-ignore format: one row per line
const TABLE: readonly RowText[] = [
  ['none', 0, 'upstream', 'good', 'good', 'never', '', 'The upstream answered'],
  ['bad_request', 400, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The request is malformed or ambiguous'],
  ['target_too_long', 414, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The request line is too long'],
  ['head_too_large', 431, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The header fields are too large'],
  ['body_too_large', 413, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The body is too large'],
  ['method_refused', 405, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'This method is not accepted'],
  ['expectation_failed', 417, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'Only 100-continue can be expected'],
  ['coding_unsupported', 501, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'This transfer coding is not supported'],
  ['version_unsupported', 505, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'Only HTTP/1.0 and HTTP/1.1 are spoken here'],
  ['head_timeout', 408, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The request did not arrive in time'],
  ['body_timeout', 408, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The request body did not arrive in time'],
  ['no_route', 404, 'client', 'ignore', 'ignore', 'never', 'destination_not_found', 'No route matches this request'],
  ['rate_limited', 429, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'Too many requests'],
  ['shed', 503, 'gateway', 'ignore', 'bad', 'never', 'connection_limit_reached', 'The gateway is overloaded'],
  ['no_endpoint', 503, 'upstream', 'bad', 'bad', 'never', 'destination_unavailable', 'No endpoint is available'],
  ['connect_refused', 502, 'upstream', 'bad', 'bad', 'other-endpoint', 'connection_refused', 'The upstream refused the connection'],
  ['connect_timeout', 504, 'upstream', 'bad', 'bad', 'other-endpoint', 'connection_timeout', 'The upstream did not accept a connection in time'],
  ['tls_failed', 502, 'upstream', 'bad', 'bad', 'other-endpoint', 'tls_protocol_error', 'The TLS handshake with the upstream failed'],
  ['response_timeout', 504, 'upstream', 'bad', 'bad', 'if-idempotent', 'http_response_timeout', 'The upstream did not answer in time'],
  ['upstream_reset', 502, 'upstream', 'bad', 'bad', 'if-idempotent', 'connection_terminated', 'The upstream closed the connection before it answered'],
  ['upstream_protocol', 502, 'upstream', 'bad', 'bad', 'never', 'http_protocol_error', 'The upstream sent an invalid response'],
  ['upstream_truncated', 0, 'upstream', 'bad', 'bad', 'never', 'http_response_incomplete', 'The upstream closed the connection within the response'],
  ['client_closed', 0, 'client', 'ignore', 'ignore', 'never', '', 'The client went away'],
  ['internal', 500, 'gateway', 'ignore', 'bad', 'never', 'proxy_internal_error', 'The gateway failed'],
  ['loop_detected', 508, 'gateway', 'ignore', 'ignore', 'never', 'proxy_loop_detected', 'The request went in circles'],
  ['dns_failed', 502, 'upstream', 'bad', 'bad', 'other-endpoint', 'dns_error', 'The upstream\'s name could not be resolved'],
  ['circuit_open', 503, 'upstream', 'ignore', 'bad', 'never', 'destination_unavailable', 'The version has failed and is left alone for a while'],
  ['fault_injected', 503, 'upstream', 'bad', 'bad', 'other-endpoint', 'destination_unavailable', 'A fault was injected on purpose'],
  ['misdirected', 421, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'This connection was made for another host'],
  ['stream_refused', 503, 'upstream', 'bad', 'bad', 'other-endpoint', 'connection_limit_reached', 'The upstream did not take the request'],
  ['proxy_header', 0, 'client', 'ignore', 'ignore', 'never', '', 'The connection did not begin with a PROXY header that is believed'],
  ['idempotency_replayed', 0, 'client', 'ignore', 'good', 'never', '', 'An earlier answer was given again'],
  ['idempotency_key', 400, 'client', 'ignore', 'ignore', 'never', 'http_request_error', 'The idempotency key is missing or malformed'],
  ['idempotency_conflict', 409, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'A request with this idempotency key is under way'],
  ['idempotency_mismatch', 422, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'The idempotency key belongs to another request'],
  ['idempotency_unavailable', 503, 'gateway', 'ignore', 'bad', 'never', 'proxy_internal_error', 'Idempotency keys cannot be looked up'],
  ['grpc_transient', 200, 'upstream', 'bad', 'bad', 'never', '', 'The upstream answered with a gRPC status that may pass'],
  ['grpc_failed', 200, 'upstream', 'bad', 'bad', 'never', '', 'The upstream answered with a gRPC status that is an error'],
  ['upgrade_refused', 501, 'client', 'ignore', 'ignore', 'never', 'http_request_denied', 'This stream cannot become another protocol'],
  ['stream_ended', 0, 'gateway', 'ignore', 'ignore', 'never', '', 'The gateway ended the stream after a rollback, or within a drain'],
  ['client_deadline', 504, 'client', 'ignore', 'ignore', 'never', 'http_response_timeout', 'The client\'s own deadline passed before an answer'],
];

/** Every reason's row; the index is the reason's number. */
export const REASONS: readonly ReasonRow[] = TABLE.map(
  ([name, status, fault, versionEffect, routeEffect, retry, proxyError, title]) => ({
    name,
    status,
    fault,
    versionEffect,
    routeEffect,
    retry,
    proxyError,
    title,
  }),
);

export const REASON_COUNT = TABLE.length;

/** Reason numbers by name. `NONE`: the upstream's own response was passed on. */
export const REASON = {
  none: 0,
  badRequest: 1,
  targetTooLong: 2,
  headTooLarge: 3,
  bodyTooLarge: 4,
  methodRefused: 5,
  expectationFailed: 6,
  codingUnsupported: 7,
  versionUnsupported: 8,
  headTimeout: 9,
  bodyTimeout: 10,
  noRoute: 11,
  rateLimited: 12,
  shed: 13,
  noEndpoint: 14,
  connectRefused: 15,
  connectTimeout: 16,
  tlsFailed: 17,
  responseTimeout: 18,
  upstreamReset: 19,
  upstreamProtocol: 20,
  upstreamTruncated: 21,
  clientClosed: 22,
  internal: 23,
  loopDetected: 24,
  dnsFailed: 25,
  circuitOpen: 26,
  faultInjected: 27,
  misdirected: 28,
  streamRefused: 29,
  proxyHeader: 30,
  idempotencyReplayed: 31,
  idempotencyKey: 32,
  idempotencyConflict: 33,
  idempotencyMismatch: 34,
  idempotencyUnavailable: 35,
  grpcTransient: 36,
  grpcFailed: 37,
  upgradeRefused: 38,
  streamEnded: 39,
  clientDeadline: 40,
} as const;

/** A reason's number. */
export type Reason = (typeof REASON)[keyof typeof REASON];

/** The row of a reason. */
export function reasonRow(reason: Reason): ReasonRow {
  return REASONS[reason] as ReasonRow;
}
