/**
 * What is handed over of a traced request that has ended: plain values in the order of `TraceRow`.
 *
 * A query goes on as the configuration wants it, by default without its values; nothing else of what may hold secrets does.
 */

import type { AttemptRow, QueryPolicy, TraceRow } from '../../../model/threads/requests/tracing.ts';
import { TRACE_CHARS_MAX } from '../../../model/threads/requests/tracing.ts';
import type { LinkedRoute, RouteTable } from '../../decide/table.ts';
import type { Exchange } from '../../exchange.ts';
import { hostOf } from '../../http1/target.ts';
import { cut, fallenOf, fieldOf, pathOf, rescuedFrom } from '../access-log.ts';
import type { AttemptSpan, Trace } from './trace.ts';

const HOST = /\r\nhost:([^\r]*)/i;
const REDACTED = 'REDACTED';

/** Paths of routes, as spans name them: a route has the same one as long as it lives. */
const httpRoutes = new WeakMap<LinkedRoute, string>();

/** The row. Cost: some 5 us, for requests that are exported only. */
export function rowOf(x: Exchange, trace: Trace, query: QueryPolicy): TraceRow {
  const { origin, attempts, attemptCount } = trace;
  const { lines } = x.client;
  const fallen = fallenOf(x);
  const split = x.split ?? fallen?.from ?? null;
  return [
    origin.traceId,
    origin.spanId,
    origin.parentId,
    origin.keptBy,
    x.startedAtMs,
    x.endedAtMs,
    x.method,
    hostText(origin.host ?? askedHost(x)),
    cut(pathOf(x.target), TRACE_CHARS_MAX.path),
    queryOf(x.target, query),
    lines.peer.secure !== null,
    lines.protocol === '2' ? '2' : `1.${x.minor}`,
    origin.client ?? lines.peer.address,
    x.status,
    fallen === null ? x.reason : fallen.reason,
    x.route === null ? null : x.route.name,
    x.route === null ? null : httpRouteOf(x.route, x.table),
    split === null ? null : split.service,
    split === null ? null : split.version,
    x.isPinned ? colorOf(x) : null,
    rescuedFrom(x),
    fallen === null ? null : fallen.kind,
    x.requestId === '' ? null : x.requestId,
    attempts.map((span) => attemptRow(span, x.endedAtMs)),
    attemptCount,
  ];
}

function attemptRow(span: AttemptSpan, endedAtMs: number): AttemptRow {
  const { endpoint, split } = span;
  return [
    span.spanId,
    span.kind,
    span.startedAtMs,
    span.endedAtMs === 0 ? endedAtMs : span.endedAtMs,
    endpoint.host,
    endpoint.port,
    split.service,
    split.version,
    span.status,
    span.reason,
    endpoint.isHttp2,
  ];
}

/** What is told of a target's query; null: nothing. Names stay, values are replaced, unless all of it is wanted. */
export function queryOf(target: string, policy: QueryPolicy): string | null {
  const at = target.indexOf('?');
  if (at < 0 || policy === 'omit') return null;
  const query = cut(target.slice(at + 1), TRACE_CHARS_MAX.query);
  if (policy === 'keep') return query;
  return query
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=${REDACTED}` : pair && REDACTED))
    .join('&');
}

function httpRouteOf(route: LinkedRoute, { links }: RouteTable): string {
  const known = httpRoutes.get(route);
  if (known !== undefined) return known;
  const path = links.snapshot.routes[links.routes.indexOf(route)]?.matches[0]?.path.value ?? '/';
  httpRoutes.set(route, path);
  return path;
}

function askedHost(x: Exchange): string | null {
  const authority = fieldOf(x.requestText, HOST);
  return authority === null ? null : hostOf(authority);
}

function hostText(host: string | null): string | null {
  return host === null ? null : cut(host, TRACE_CHARS_MAX.host);
}

/** As its endpoint was told, while that is still known. */
function colorOf({ requestText, table }: Exchange): string | null {
  const start = `${table.links.snapshot.color.header}:`;
  const line = requestText.split('\r\n').find((one) => one.slice(0, start.length).toLowerCase() === start);
  return line === undefined ? null : cut(line.slice(start.length).trim(), TRACE_CHARS_MAX.color);
}
