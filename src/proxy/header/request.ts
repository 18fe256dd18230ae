/**
 * The request head that goes upstream: what is removed, what is set. Hot path.
 *
 * Removed: everything hop-by-hop and whatever `Connection` nominates (done by the parser), and what an untrusted peer
 * claims about itself. Set: `Via`, `Forwarded` and `X-Forwarded-*`, `X-Request-Id`, `traceparent`, and what the route's
 * filters say. All other fields go through byte for byte, in their order, duplicates included.
 * Source: RFC 9110 sections 7.2, 7.6.1 to 7.6.3; RFC 9112 section 3.2.
 */

import { putLatin1 } from '../../lib/latin1.ts';
import { tellColor } from '../decide/color/color.ts';
import { rememberTrace } from '../decide/color/downstream.ts';
import type { Exchange } from '../exchange.ts';
import { applyHeaderFilter, type LinkedHeaderFilter } from '../filter/header-filter.ts';
import { type LinkedPathRewrite, rewriteTarget } from '../filter/rewrite.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import type { Room } from '../http1/fields/moving.ts';
import { FIELD } from '../http1/fields/names.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { code, putForGood, whole } from '../wire/memory/memory.ts';
import { forwardedLines, type PeerLines } from './forwarded.ts';
import { type FreshLines, LINES_BYTES, traceOf } from './fresh.ts';
import { isGrpcFields, timeoutMsOf } from './grpc.ts';
import { bringsTrace, traceLines } from './trace.ts';
import { GATEWAY_NAME } from './via.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

const VIA = { '1.1': `Via: 1.1 ${GATEWAY_NAME}\r\n\r\n`, '2': `Via: 2 ${GATEWAY_NAME}\r\n\r\n` } as const;
const VIA_OLD = `Via: 1.0 ${GATEWAY_NAME}\r\n\r\n`;
const VIA_BYTES = Buffer.from(VIA['1.1'], 'latin1');
const VIA_AT = putForGood(VIA_BYTES);

/**
 * The head to send upstream for the request that is being read: decided, not yet made. One per worker.
 *
 * Nearly always the attempt goes out before anything else happens. Then the head is made of the bytes that were read, in
 * the memory of the connection that sends it, and never becomes a text. Else `end` makes the text while there is time.
 */
export class RequestDraft {
  /** Whose it is, between `begin` and `end`. */
  of: Exchange | null = null;
  #fields!: FieldTable;
  /** What goes in place of the first line; empty = it goes on as it was read. */
  #start = '';
  /** What is added; only the client's lines where these are the usual ones. */
  #added = '';
  /** Of all that is added. */
  #addedLength = 0;
  /** The client's lines as bytes, where nothing is added but they, the ids that were made last and `Via`; else null. */
  #usual: Buffer | null = null;
  #fresh!: FreshLines;
  #isTrusted = false;

  /** Decides what goes. Sets `x.requestId`. @param given the ids for a request that brings none; the lane's next ones without them. */
  begin(x: Exchange, head: RequestHead, lines: PeerLines, given: string | null = null): void {
    const fields = head.fields;
    const filters = x.route === null ? null : x.route.filters;
    if (x.wantsTrailers) fields.keep(FIELD.trailer);
    const { asked } = head;
    const host = filters !== null && filters.host !== '' ? filters.host : head.authority;
    const forwarded = forwardedLines(fields, lines, asked === null ? '' : asked, host !== '');
    let own = forwarded;
    if (x.isPinned) tellColor(x, fields);
    own += fields.replacedLines();
    if (fields.seen(FIELD.xEnvoyExpectedRqTimeoutMs) !== 0 && lines.peer.isTrusted) x.allowedMs = allowedMsOf(fields);
    if (fields.seen(FIELD.grpcTimeout) !== 0 && isGrpcFields(fields)) x.allowedMs = leastMs(x.allowedMs, fields);
    if (x.method === 'OPTIONS') own += maxForwardsLine(fields);
    this.#fresh = x.client.lane.fresh;
    if (given === null) this.#fresh.advance();
    const ids = given === null && isFresh(x, fields) ? null : idLines(x, head, given ?? this.#fresh.lines);
    if (ids === null) x.requestId = this.#fresh.trace;
    const filter = filters === null ? null : filters.requestHeaders;
    const via = x.minor === 1 ? VIA[lines.protocol] : VIA_OLD;
    const isUsual = own.length === forwarded.length && ids === null && via === VIA['1.1'] && isSimple(x, filter);
    this.#usual = isUsual ? lines.bytesOf(forwarded) : null;
    if (this.#usual === null) this.#added = added(x, fields, own + (ids ?? this.#fresh.lines), filter) + via;
    else this.#added = forwarded;
    this.#addedLength = this.#usual === null ? this.#added.length : forwarded.length + LINES_BYTES + via.length;
    this.#start = startOf(x, head, host);
    this.#fields = fields;
    this.#isTrusted = lines.peer.isTrusted;
    this.of = x;
  }

  /** The fields as they were read. To be asked between `begin` and `end`. */
  get asked(): FieldTable {
    return this.#fields;
  }

  /** Nothing is added but the client's lines, fresh ids, of which the request's is the trace's as well, and `Via`. */
  get isUsual(): boolean {
    return this.#usual !== null;
  }

  /** The head as text. Cost: a string; it is flattened when it is written. */
  text(): string {
    const kept = this.#fields.kept(this.#isTrusted);
    const added = this.#usual === null ? this.#added : `${this.#added}${this.#fresh.lines}${VIA['1.1']}`;
    return `${this.#start === '' ? this.#fields.firstLine : this.#start}${kept}${added}`;
  }

  /**
   * Writes the head.
   * @returns how long it is; 0 when it does not fit, or its first line is not the one that was read.
   */
  put(out: Room): number {
    if (this.#start !== '') return 0;
    const length = this.#fields.putKept(out, out.room - this.#addedLength, this.#isTrusted);
    if (length === 0) return 0;
    const usual = this.#usual;
    const { bytes } = out;
    const usualAt = out.at + length;
    if (usual === null) return length + putLatin1(bytes, this.#added, usualAt);
    bytes.set(usual, usualAt);
    const idsAt = usualAt + usual.length;
    const viaAt = idsAt + this.#fresh.put(bytes, idsAt);
    if (bytes === whole) code.copy(viaAt, VIA_AT, VIA_BYTES.length);
    else bytes.set(VIA_BYTES, viaAt);
    return viaAt + VIA_BYTES.length - out.at;
  }

  /** What was read is overwritten soon: makes the text, if the head was not sent and may still be. */
  end(): void {
    const x = this.of;
    if (x === null) return;
    if (!x.isFinished) x.settleRequest();
    this.of = null;
  }
}

/** What is added to the fields that go on: the gateway's own lines, and what color, filter and body ask for. */
function added(x: Exchange, fields: FieldTable, own: string, filter: LinkedHeaderFilter | null): string {
  if (x.isPinned) rememberTrace(x, own, fields.value(FIELD.traceparent));
  let lines = filter === null ? own : applyHeaderFilter(filter, fields, own);
  if (x.bodyLength === CHUNKED) lines += 'Transfer-Encoding: chunked\r\n';
  // Of what `TE` can say only this is for more than one hop, if each says so anew (RFC 9110 section 10.1.4).
  if (x.wantsTrailers) lines += 'Connection: TE\r\nTE: trailers\r\n';
  return lines;
}

/** Is nothing added for its color, its body or a filter? */
function isSimple(x: Exchange, filter: LinkedHeaderFilter | null): boolean {
  return !x.isPinned && filter === null && x.bodyLength !== CHUNKED && !x.wantsTrailers;
}

/** What goes before the fields that are kept, unless the line that was read does. */
function startOf(x: Exchange, head: RequestHead, host: string): string {
  const path = x.route === null || x.route.filters === null ? null : x.route.filters.path;
  if (head.isVerbatim && path === null && host === '') return '';
  const target = path === null ? x.target : rewritten(x, path);
  return `${x.method} ${target} HTTP/1.1\r\n${hostLine(head.fields, host)}`;
}

/** How long a trusted sender will wait, in ms; 0 when it does not say it in a way to be understood. */
function allowedMsOf(fields: FieldTable): number {
  const text = fields.value(FIELD.xEnvoyExpectedRqTimeoutMs);
  const isNumber = text !== null && fields.seen(FIELD.xEnvoyExpectedRqTimeoutMs) === 1 && /^\d{1,9}$/.test(text);
  return isNumber ? Number(text) : 0;
}

/** A client of gRPC says itself how long it waits; who it is does not matter, as it bounds nothing but its own request. */
function leastMs(allowedMs: number, fields: FieldTable): number {
  const ms = timeoutMsOf(fields.value(FIELD.grpcTimeout) ?? '');
  return ms === 0 || (allowedMs !== 0 && allowedMs < ms) ? allowedMs : ms;
}

/**
 * Is the client's own time over, and was it shorter than the route's? An endpoint that is told of it is told whole
 * milliseconds, so its word may come by one earlier.
 */
export function isClientsTimeOver(
  x: Pick<Exchange, 'allowedMs' | 'startedAtMs' | 'deadlineAtMs'>,
  nowMs: number,
): boolean {
  if (x.allowedMs === 0) return false;
  const endsAtMs = x.startedAtMs + x.allowedMs;
  return endsAtMs <= x.deadlineAtMs && nowMs >= endsAtMs - 1;
}

/** How much of the time that the client allowed is left, in ms, at least 1; of its whole time, not of an attempt's. */
export function timeLeftMs(x: Exchange, nowMs: number): number {
  return Math.max(1, Math.floor(Math.min(x.deadlineAtMs, x.startedAtMs + x.allowedMs) - nowMs));
}

/** A head that also says how much of the time that the client allowed is left for this attempt. At least 1 ms. */
export function withTimeLeft(x: Exchange, nowMs: number): string {
  const attemptMs = Math.min(timeLeftMs(x, nowMs), x.responseLimitMs);
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

/** One forward less for the next one; 0 never gets here. Source: RFC 9110 section 7.6.2. */
function maxForwardsLine(fields: FieldTable): string {
  const left = fields.value(FIELD.maxForwards);
  if (left === null || !/^\d{1,9}$/.test(left)) return '';
  fields.drop(FIELD.maxForwards);
  return `Max-Forwards: ${Math.max(0, Number(left) - 1)}\r\n`;
}

/** Does it bring neither an id nor a trace, and nobody but its upstream is told of it? Then both are as they were made. */
function isFresh(x: Exchange, fields: FieldTable): boolean {
  return x.client.lane.tracer === null && fields.seen(FIELD.xRequestId) === 0 && !bringsTrace(fields);
}

/** Request id and trace. */
function idLines(x: Exchange, head: RequestHead, fresh: string): string {
  const { fields } = head;
  const { tracer } = x.client.lane;
  if (fields.seen(FIELD.xRequestId) !== 0 || bringsTrace(fields)) {
    const id = idLine(x, fields, fresh);
    return id + (tracer === null ? traceLines(fields, fresh) : tracer.join(x, head, fresh));
  }
  x.requestId = traceOf(fresh);
  return tracer === null ? fresh : tracer.begin(x, head, fresh);
}

function idLine(x: Exchange, fields: FieldTable, fresh: string): string {
  const claimed = fields.value(FIELD.xRequestId);
  if (claimed !== null && fields.seen(FIELD.xRequestId) === 1 && REQUEST_ID.test(claimed)) {
    x.requestId = claimed;
    return '';
  }
  fields.drop(FIELD.xRequestId);
  x.requestId = traceOf(fresh);
  return `X-Request-Id: ${x.requestId}\r\n`;
}
