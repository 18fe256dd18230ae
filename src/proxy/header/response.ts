/**
 * The response head that goes to the client: what is removed, what is set. Hot path.
 *
 * Removed: everything hop-by-hop and whatever `Connection` nominates (done by the parser). Set: framing and persistence
 * of the client's connection, `Via`, `Date` where the upstream sent none, `Server-Timing` where it is asked for, and what
 * the route's filters say. All other fields go through byte for byte, in their order, duplicates included.
 * Source: RFC 9110 sections 6.6.1, 7.6.1, 7.6.3; RFC 9112 section 9.3; W3C Server Timing.
 */

import { turnMs } from '../../lib/clock.ts';
import type { Exchange } from '../exchange.ts';
import { CORS_FIELDS } from '../filter/cors.ts';
import type { LinkedFilters } from '../filter/filters.ts';
import { applyHeaderFilter } from '../filter/header-filter.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { code, putForGood, whole } from '../wire/memory/memory.ts';
import { GATEWAY_NAME } from './via.ts';

/** How a response's body is framed for the client. */
export type ClientFraming = 'as-is' | 'chunked' | 'close';

/** Framing towards the client of a response whose own framing is `head.bodyLength`. */
export function clientFraming(head: ResponseHead, minor: number): ClientFraming {
  if (head.bodyLength >= 0 && head.bodyLength !== Number.POSITIVE_INFINITY) return 'as-is';
  return minor === 1 ? 'chunked' : 'close';
}

/** The response head for the client. @param close the connection ends after this response. */
export function responseText(x: Exchange, head: ResponseHead, framing: ClientFraming, close: boolean): string {
  const fields = head.fields;
  if (x.wantsTrailers && framing === 'chunked') fields.keep(FIELD.trailer);
  let added = '';
  if (fields.seen(FIELD.date) === 0) added = x.client.lane.date.at(turnMs());
  if (x.table.http.serverTiming) added += serverTimingLine(x, turnMs());
  if (x.route !== null && x.route.filters !== null) added = filtered(x, x.route.filters, fields, added);
  if (framing === 'chunked' && !x.isHead) added += 'Transfer-Encoding: chunked\r\n';
  added += persistenceLine(x.minor, close);
  return `HTTP/1.1 ${statusLineEnd(head)}\r\n${fields.kept()}${added}Via: ${head.version} ${GATEWAY_NAME}\r\n\r\n`;
}

const VIA = Buffer.from(`Via: 1.1 ${GATEWAY_NAME}\r\n`, 'latin1');
const VIA_AT = putForGood(VIA);

/**
 * Turns the head into the client's where it stands: what ends here is cut out, `Via` put in. That is all there is to do
 * for the usual response, and costs no text. @param end of the head.
 * @returns where it begins now, or -1 when there is more to do: then nothing was changed.
 */
export function editInPlace(x: Exchange, head: ResponseHead, bytes: Buffer, end: number): number {
  if (x.minor !== 1 || head.minor !== 1 || !x.keepAlive || !head.hasReasonSpace) return -1;
  if (head.fields.seen(FIELD.date) === 0 || x.table.http.serverTiming) return -1;
  if (x.route === null || x.route.filters !== null) return -1;
  const start = head.fields.compact(VIA.length);
  if (start < 0) return -1;
  if (bytes === whole) code.copy(end - 2 - VIA.length, VIA_AT, VIA.length);
  else bytes.set(VIA, end - 2 - VIA.length);
  return start;
}

/** CORS first, then the modifier of response headers. */
function filtered(x: Exchange, filters: LinkedFilters, fields: FieldTable, added: string): string {
  let own = added;
  if (filters.cors !== null) {
    for (const id of CORS_FIELDS) fields.drop(id);
    own += x.answerLines;
  }
  return filters.responseHeaders === null ? own : applyHeaderFilter(filters.responseHeaders, fields, own);
}

/** Whether the connection goes on: in HTTP/1.0 that is not the rule and is said. Source: RFC 9112 section 9.3. */
export function persistenceLine(minor: number, close: boolean): string {
  if (close) return 'Connection: close\r\n';
  return minor === 0 ? 'Connection: keep-alive\r\n' : '';
}

/** `up`: the last attempt until its response began; `gw`: the rest since the request began. In ms. */
export function serverTimingLine(x: Exchange, atMs: number): string {
  const upMs = atMs - x.attemptAtMs;
  const gwMs = x.attemptAtMs - x.startedAtMs;
  return `Server-Timing: gw;dur=${gwMs.toFixed(1)}, up;dur=${upMs.toFixed(1)}\r\n`;
}

/** An interim response (1xx) for the client. */
export function interimText(head: ResponseHead): string {
  return `HTTP/1.1 ${statusLineEnd(head)}\r\n${head.fields.kept()}\r\n`;
}

/** Status and reason phrase; the space between them stands even when the upstream left both out. RFC 9112 section 4. */
function statusLineEnd(head: ResponseHead): string {
  return head.statusText.length === 3 ? `${head.statusText} ` : head.statusText;
}
