/**
 * Header rules of forwarding: what is removed, what is set, both ways. Hot path.
 *
 * Removed: everything hop-by-hop and whatever `Connection` nominates (done by the parsers). Set: `Via`,
 * `X-Forwarded-*`, `X-Request-Id`, `traceparent`. What an untrusted peer claims about itself is overwritten. All other
 * fields go through byte for byte, in their order, duplicates included.
 * Source: RFC 9110 sections 7.6.1, 7.6.3; W3C Trace Context level 2, section 3.2.
 */

import type { Peer } from './decide/decide.ts';
import type { Exchange } from './exchange.ts';
import { CHUNKED } from './http1/framing.ts';
import type { FieldPolicy, FieldTable } from './http1/head.ts';
import { FIELD } from './http1/names.ts';
import type { RequestHead } from './http1/request-head.ts';
import type { ResponseHead } from './http1/response-head.ts';

const HOP_BY_HOP: readonly number[] = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.upgrade,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.transferEncoding,
  FIELD.trailer,
  FIELD.http2Settings,
];

const CLAIMS_OF_CLIENTS: readonly number[] = [
  FIELD.forwarded,
  FIELD.xForwardedFor,
  FIELD.xForwardedProto,
  FIELD.xForwardedHost,
  FIELD.xForwardedPort,
  FIELD.xRealIp,
  FIELD.trueClientIp,
  FIELD.xOriginalUrl,
  FIELD.xRewriteUrl,
];

/** What becomes of a request's field: hop-by-hop ones end here, what a client says in a proxy's name may. */
export function requestPolicy(id: number): FieldPolicy {
  if (HOP_BY_HOP.includes(id)) return 'drop';
  return CLAIMS_OF_CLIENTS.includes(id) ? 'claim' : 'keep';
}

/** What becomes of a response's field. */
export function responsePolicy(id: number): FieldPolicy {
  return HOP_BY_HOP.includes(id) ? 'drop' : 'keep';
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Forwarding lines that are the same for every request of a connection. */
export interface PeerLines {
  readonly peer: Peer;
  /** For an untrusted peer: `X-Forwarded-For: a.b.c.d CRLF X-Forwarded-Proto: http CRLF`. */
  readonly forwarded: string;
}

/** The head to send upstream. Sets `x.requestId`. @param freshId 48 hex digits, used for whatever the client did not send. */
export function requestText(x: Exchange, head: RequestHead, lines: PeerLines, freshId: string): string {
  const fields = head.fields;
  let added = x.bodyLength === CHUNKED ? 'Transfer-Encoding: chunked\r\n' : '';
  added += lines.peer.isTrusted ? trustedLines(fields, lines) : untrustedLines(x, fields, lines);
  if (fields.seen(FIELD.host) === 0) added += 'Host: \r\n';
  else if (!lines.peer.isTrusted || fields.seen(FIELD.xForwardedHost) === 0) {
    added += `X-Forwarded-Host: ${fields.value(FIELD.host)}\r\n`;
  }
  if (x.method === 'OPTIONS') added += maxForwardsLine(fields);
  added += idLines(x, fields, freshId);
  return `${x.method} ${x.target} HTTP/1.1\r\n${fields.kept(lines.peer.isTrusted)}${added}Via: 1.${x.minor} sluice\r\n\r\n`;
}

/** One forward less for the next one; 0 never gets here. Source: RFC 9110 section 7.6.2. */
function maxForwardsLine(fields: FieldTable): string {
  const left = fields.value(FIELD.maxForwards);
  if (left === null || !/^\d{1,9}$/.test(left)) return '';
  fields.drop(FIELD.maxForwards);
  return `Max-Forwards: ${Math.max(0, Number(left) - 1)}\r\n`;
}

function untrustedLines(x: Exchange, fields: FieldTable, lines: PeerLines): string {
  if (!x.table.colorFromAnyone) fields.drop(x.table.colorField);
  return lines.forwarded;
}

/** A trusted proxy's claims stand; its own address is appended to the path the request took. */
function trustedLines(fields: FieldTable, lines: PeerLines): string {
  const path = fields.values(FIELD.xForwardedFor);
  fields.drop(FIELD.xForwardedFor);
  path.push(lines.peer.address);
  const proto = fields.seen(FIELD.xForwardedProto) === 0 ? 'X-Forwarded-Proto: http\r\n' : '';
  return `X-Forwarded-For: ${path.join(', ')}\r\n${proto}`;
}

function idLines(x: Exchange, fields: FieldTable, freshId: string): string {
  let added = '';
  const claimed = fields.value(FIELD.xRequestId);
  if (claimed !== null && fields.seen(FIELD.xRequestId) === 1 && REQUEST_ID.test(claimed)) {
    x.requestId = claimed;
  } else {
    fields.drop(FIELD.xRequestId);
    x.requestId = freshId.slice(0, 32);
    added = `X-Request-Id: ${x.requestId}\r\n`;
  }
  const trace = fields.value(FIELD.traceparent);
  if (trace === null || fields.seen(FIELD.traceparent) !== 1 || !TRACEPARENT.test(trace)) {
    fields.drop(FIELD.traceparent);
    added += `traceparent: 00-${freshId.slice(0, 32)}-${freshId.slice(32)}-00\r\n`;
  }
  return added;
}

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
  let added = framing === 'chunked' && !x.isHead ? 'Transfer-Encoding: chunked\r\n' : '';
  if (close) added += 'Connection: close\r\n';
  else if (x.minor === 0) added += 'Connection: keep-alive\r\n';
  return `HTTP/1.1 ${statusLineEnd(head)}\r\n${fields.kept()}${added}Via: 1.${head.minor} sluice\r\n\r\n`;
}

/** An interim response (1xx) for the client. */
export function interimText(head: ResponseHead): string {
  return `HTTP/1.1 ${statusLineEnd(head)}\r\n${head.fields.kept()}\r\n`;
}

/** Status and reason phrase; the space between them stands even when the upstream left both out. RFC 9112 section 4. */
function statusLineEnd(head: ResponseHead): string {
  return head.statusText.length === 3 ? `${head.statusText} ` : head.statusText;
}
