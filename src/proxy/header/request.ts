/**
 * The request head that goes upstream: what is removed, what is set. Hot path.
 *
 * Removed: everything hop-by-hop and whatever `Connection` nominates (done by the parser), and what an untrusted peer
 * claims about itself. Set: `Via`, `Forwarded` and `X-Forwarded-*`, `X-Request-Id`, `traceparent`, and what the route's
 * filters say. All other fields go through byte for byte, in their order, duplicates included.
 * Source: RFC 9110 sections 7.2, 7.6.1 to 7.6.3; RFC 9112 section 3.2.
 */

import type { Exchange } from '../exchange.ts';
import { applyHeaderFilter } from '../filter/header-filter.ts';
import { type LinkedPathRewrite, rewriteTarget } from '../filter/rewrite.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { forwardedLines, type PeerLines } from './forwarded.ts';
import { traceLines } from './trace.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The head to send upstream. Sets `x.requestId`. @param freshId 48 hex digits, used for whatever the client did not send. */
export function requestText(x: Exchange, head: RequestHead, lines: PeerLines, freshId: string): string {
  const fields = head.fields;
  const filters = x.route === null ? null : x.route.filters;
  if (x.wantsTrailers) fields.keep(FIELD.trailer);
  if (!lines.peer.isTrusted && !x.table.colorFromAnyone) fields.drop(x.table.colorField);
  const asked = head.authority === '' ? fields.value(FIELD.host) : head.authority;
  const host = filters !== null && filters.host !== '' ? filters.host : head.authority;
  let added = forwardedLines(fields, lines, asked === null ? '' : asked, host !== '');
  if (x.isPinned) added += colorLine(x, fields);
  if (fields.seen(FIELD.xEnvoyExpectedRqTimeoutMs) !== 0 && lines.peer.isTrusted) x.allowedMs = allowedMsOf(fields);
  if (x.method === 'OPTIONS') added += maxForwardsLine(fields);
  added += idLine(x, fields, freshId);
  added += traceLines(fields, freshId);
  if (filters !== null && filters.requestHeaders !== null) {
    added = applyHeaderFilter(filters.requestHeaders, fields, added);
  }
  if (x.bodyLength === CHUNKED) added += 'Transfer-Encoding: chunked\r\n';
  // Of what `TE` can say only this is for more than one hop, if each says so anew (RFC 9110 section 10.1.4).
  if (x.wantsTrailers) added += 'Connection: TE\r\nTE: trailers\r\n';
  const target = filters === null || filters.path === null ? x.target : rewritten(x, filters.path);
  return `${x.method} ${target} HTTP/1.1\r\n${hostLine(fields, host)}${fields.kept(lines.peer.isTrusted)}${added}Via: 1.${x.minor} sluice\r\n\r\n`;
}

/** How long a trusted sender will wait, in ms; 0 when it does not say it in a way to be understood. */
function allowedMsOf(fields: FieldTable): number {
  const text = fields.value(FIELD.xEnvoyExpectedRqTimeoutMs);
  const isNumber = text !== null && fields.seen(FIELD.xEnvoyExpectedRqTimeoutMs) === 1 && /^\d{1,9}$/.test(text);
  return isNumber ? Number(text) : 0;
}

/** A head that also says how much of the time that the client allowed is left for this attempt. At least 1 ms. */
export function withTimeLeft(x: Exchange, nowMs: number): string {
  const leftMs = Math.max(1, Math.floor(Math.min(x.deadlineAtMs, x.startedAtMs + x.allowedMs) - nowMs));
  const attemptMs = Math.min(leftMs, x.responseLimitMs);
  return `${x.requestText.slice(0, -2)}X-Envoy-Expected-Rq-Timeout-Ms: ${attemptMs}\r\n\r\n`;
}

function rewritten(x: Exchange, path: LinkedPathRewrite): string {
  return rewriteTarget(path, x.target, x.prefixLength);
}

/** A `Host` that takes the place of the client's, or an empty one where HTTP/1.0 sent none. Source: RFC 9112 section 3.2. */
function hostLine(fields: FieldTable, host: string): string {
  if (host === '') return fields.seen(FIELD.host) === 0 ? 'Host: \r\n' : '';
  fields.drop(FIELD.host);
  return `Host: ${host}\r\n`;
}

/** The color that pinned the request is the only one that goes on: upstreams may read the last of several. */
function colorLine(x: Exchange, fields: FieldTable): string {
  const { colorField } = x.table;
  if (fields.seen(colorField) <= 1) return '';
  fields.drop(colorField);
  return `${x.table.names.names[colorField]}: ${fields.value(colorField)}\r\n`;
}

/** One forward less for the next one; 0 never gets here. Source: RFC 9110 section 7.6.2. */
function maxForwardsLine(fields: FieldTable): string {
  const left = fields.value(FIELD.maxForwards);
  if (left === null || !/^\d{1,9}$/.test(left)) return '';
  fields.drop(FIELD.maxForwards);
  return `Max-Forwards: ${Math.max(0, Number(left) - 1)}\r\n`;
}

function idLine(x: Exchange, fields: FieldTable, freshId: string): string {
  const claimed = fields.value(FIELD.xRequestId);
  if (claimed !== null && fields.seen(FIELD.xRequestId) === 1 && REQUEST_ID.test(claimed)) {
    x.requestId = claimed;
    return '';
  }
  fields.drop(FIELD.xRequestId);
  x.requestId = freshId.slice(0, 32);
  return `X-Request-Id: ${x.requestId}\r\n`;
}
