/**
 * Rows of traced requests as workers hand them over, by name.
 */

import { REASON, type Reason } from '#src/model/reason.ts';
import type { AttemptKind, AttemptRow, KeptBy, TraceRow } from '#src/model/threads/requests/tracing.ts';

/** Ids of `traceRow`. */
export const REF = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) } as const;

interface RowChanges {
  readonly keptBy?: KeptBy;
  readonly method?: string;
  readonly query?: string | null;
  readonly status?: number;
  readonly reason?: Reason;
  readonly route?: string | null;
  readonly httpRoute?: string | null;
  readonly color?: string | null;
  readonly rescuedFrom?: string | null;
  readonly requestId?: string | null;
  readonly attempts?: readonly AttemptRow[];
}

/** A sampled GET that was answered with 200. */
export function traceRow(changes: RowChanges): TraceRow {
  const row = {
    keptBy: 'ratio' as KeptBy,
    method: 'GET',
    query: 'a=REDACTED',
    status: 200,
    reason: REASON.none as Reason,
    route: 'shop',
    httpRoute: '/cart',
    color: 'blue',
    rescuedFrom: null,
    requestId: 'c'.repeat(32),
    attempts: [],
    ...changes,
  };
  return [
    REF.traceId,
    REF.spanId,
    null,
    row.keptBy,
    10,
    35.5,
    row.method,
    'shop.example',
    '/cart/7',
    row.query,
    false,
    '1.1',
    '203.0.113.7',
    row.status,
    row.reason,
    row.route,
    row.httpRoute,
    'web',
    'v1',
    row.color,
    row.rescuedFrom,
    null,
    row.requestId,
    row.attempts,
    row.attempts.length,
  ];
}

interface AttemptChanges {
  readonly kind?: AttemptKind;
  readonly host?: string;
  readonly port?: number;
  readonly status?: number;
  readonly reason?: Reason;
  readonly isHttp2?: boolean;
}

/** An attempt that was answered with 200. */
export function attemptRow(changes: AttemptChanges): AttemptRow {
  const {
    kind = 'first',
    host = '127.0.0.1',
    port = 7001,
    status = 200,
    reason = REASON.none,
    isHttp2 = false,
  } = changes;
  return ['d'.repeat(16), kind, 11, 30, host, port, 'web', 'v1', status, reason, isHttp2];
}
