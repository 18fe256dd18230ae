/**
 * Makes spans of what workers hand over, and of decisions. Pure.
 *
 * One span for the request as its client saw it (SERVER), one for each attempt (CLIENT), one for a decision (INTERNAL), which
 * is linked to the requests that led to it. Names and attributes as in the stable semantic conventions of HTTP; `sluice.*`
 * is the gateway's own. A client that goes away is no error; an answer from 400 on is one for who asked the endpoint, from
 * 500 on for who asked the gateway. Source: OpenTelemetry semantic conventions, HTTP spans; docs/traces.md.
 */

import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { AttemptRow, DecisionNote, TraceRow } from '../../model/threads/requests/tracing.ts';

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What names a span. */
export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span as it is to be exported; nothing of any library is in it. */
export interface Span extends SpanRef {
  readonly parentId: string | null;
  /** The parent is somebody else's. */
  readonly isParentRemote: boolean;
  readonly kind: 'server' | 'client' | 'internal';
  readonly name: string;
  /** In ms since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  /** Why it failed, for people; null: it did not. */
  readonly error: string | null;
  readonly links: readonly SpanRef[];
}

const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;
const METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '));

/** The spans of one request, its own first. @param offsetMs wall clock minus the rows' clock */
export function spansOf(row: TraceRow, offsetMs: number): Span[] {
  const [traceId, spanId, parentId, keptBy, startedAtMs, endedAtMs, method, host, path, query, ...seen] = row;
  const [isSecure, protocol, client, status, reason, route, httpRoute, service, version, color, ...fate] = seen;
  const [rescuedFrom, fallback, requestId, attempts, attemptCount] = fate;
  const error = errorOf(status, reason, SERVER_ERROR);
  const own: Span = {
    traceId,
    spanId,
    parentId,
    isParentRemote: true,
    kind: 'server',
    name: httpRoute === null ? verbOf(method) : `${verbOf(method)} ${httpRoute}`,
    startedAtMs: startedAtMs + offsetMs,
    endedAtMs: endedAtMs + offsetMs,
    attributes: known({
      ...methodOf(method),
      'url.scheme': isSecure ? 'https' : 'http',
      'url.path': path,
      'url.query': query,
      'server.address': host,
      'client.address': client,
      'network.protocol.name': 'http',
      'network.protocol.version': protocol,
      'http.route': httpRoute,
      ...outcomeOf(status, reason, error),
      'sluice.route': route,
      'sluice.service': service,
      'sluice.version': version,
      'sluice.color': color,
      'sluice.reason': reason === REASON.none ? null : reasonRow(reason).name,
      'sluice.rescued_from': rescuedFrom,
      'sluice.fallback': fallback,
      'sluice.request_id': requestId,
      'sluice.attempts': attemptCount,
      'sluice.kept_by': keptBy,
    }),
    error,
    links: [],
  };
  return [own, ...attempts.map((attempt, n) => attemptSpan(own, { attempt, n, method, offsetMs }))];
}

/** The id and the span of a request that went wrong, as its client or its version saw it; null of any other. */
export function failureOf(row: TraceRow): { readonly requestId: string; readonly ref: SpanRef } | null {
  const [traceId, spanId, , keptBy, , , , , , , ...seen] = row;
  const [, , , status, reason, , , , , , rescuedFrom, , requestId] = seen;
  const hasFailed = keptBy === 'failure' || errorOf(status, reason, SERVER_ERROR) !== null || rescuedFrom !== null;
  return requestId === null || !hasFailed ? null : { requestId, ref: { traceId, spanId } };
}

interface AttemptOf {
  readonly attempt: AttemptRow;
  readonly n: number;
  readonly method: string;
  readonly offsetMs: number;
}

function attemptSpan(own: Span, { attempt, n, method, offsetMs }: AttemptOf): Span {
  const [spanId, kind, startedAtMs, endedAtMs, host, port, service, version, status, reason, isHttp2] = attempt;
  const error = errorOf(status, reason, CLIENT_ERROR);
  return {
    traceId: own.traceId,
    spanId,
    parentId: own.spanId,
    isParentRemote: false,
    kind: 'client',
    name: verbOf(method),
    startedAtMs: startedAtMs + offsetMs,
    endedAtMs: endedAtMs + offsetMs,
    attributes: known({
      ...methodOf(method),
      'server.address': host,
      'server.port': port,
      'network.protocol.name': 'http',
      'network.protocol.version': isHttp2 ? '2' : '1.1',
      'http.request.resend_count': n === 0 ? null : n,
      ...outcomeOf(status, reason, error),
      'sluice.attempt': kind,
      'sluice.endpoint': host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      'sluice.service': service,
      'sluice.version': version,
      'sluice.reason': reason === REASON.none ? null : reasonRow(reason).name,
      'sluice.called_off': status === 0 && reason === REASON.none ? true : null,
    }),
    error,
    links: [],
  };
}

/** The span of a decision. @param ref its own ids. @param links the requests that led to it, as far as their spans are known */
export function decisionSpan(note: DecisionNote, ref: SpanRef, links: readonly SpanRef[]): Span {
  return {
    ...ref,
    parentId: null,
    isParentRemote: false,
    kind: 'internal',
    name: note.rollout === null ? `configuration ${note.kind}` : `rollout ${note.kind}`,
    startedAtMs: note.atWallMs,
    endedAtMs: note.atWallMs,
    attributes: {
      'sluice.decision.kind': note.kind,
      'sluice.decision.trigger': note.trigger,
      'sluice.decision.sentence': note.sentence,
      'sluice.decision.request_ids': note.requestIds,
      'sluice.route': note.route,
      ...(note.rollout !== null && {
        'sluice.decision.stable': note.rollout.stable,
        'sluice.decision.canary': note.rollout.canary,
        'sluice.decision.weight_before': note.rollout.weightBefore,
        'sluice.decision.weight_after': note.rollout.weightAfter,
        'sluice.service': note.rollout.service,
      }),
    },
    error: null,
    links,
  };
}

/** Why a span failed; null when it did not. @param from status from which on an answer is a failure */
function errorOf(status: number, reason: Reason, from: number): string | null {
  const { name, fault, title } = reasonRow(reason);
  const isFault = name !== 'none' && (fault !== 'client' || from === CLIENT_ERROR);
  if (reason === REASON.clientClosed || (!isFault && status < from)) return null;
  return isFault ? title : '';
}

function outcomeOf(status: number, reason: Reason, error: string | null) {
  const type = reason === REASON.none ? String(status) : reasonRow(reason).name;
  return {
    'http.response.status_code': status === 0 ? null : status,
    'error.type': error === null ? null : type,
  };
}

/** Names that clients make up are told beside the span's own. */
function methodOf(method: string) {
  if (METHODS.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': method.slice(0, 64) };
}

function verbOf(method: string): string {
  return METHODS.has(method) ? method : 'HTTP';
}

function known(attributes: Readonly<Record<string, Attributes[string] | null>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)) as Attributes;
}
