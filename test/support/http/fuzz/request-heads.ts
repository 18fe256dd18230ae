/**
 * Judges a request head beside llhttp: what we accept, it accepts and reads alike; what only it accepts has a known reason.
 */

import assert from 'node:assert/strict';
import { reasonRow } from '#src/model/reason.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import type { RequestHead } from '#src/proxy/http1/request-head.ts';
import { bench, exchangeOn, peerOf, requestText, TWO_VERSIONS } from '../../proxy/parts.ts';
import { type Opinion, opinionOf } from '../llhttp.ts';

/** Bodies of known length longer than this are not made for the second opinion. */
const BODY_BYTES_MAX = 1000;

/** What we accept and llhttp does not, by its code. Everything else that only we accept is a fault. */
export const ONLY_WE_ACCEPT: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD:
    'it knows a list of methods; any token is one, and unknown ones pass through (RFC 9110 section 9.1)',
};

/** What llhttp accepts and we refuse, by our reason and detail. Everything else that only it accepts is a fault. */
export const ONLY_LLHTTP_ACCEPTS: Readonly<Record<string, string>> = {
  'bad_request: malformed request target':
    'HTTP/0.9 requests, which have no Host and no framing; targets with a fragment or of another scheme: RFC 9112 section 3.2 knows none',
  'bad_request: malformed HTTP version': 'it skips spaces before the version; RFC 9112 section 3 has exactly one',
  'bad_request: malformed method': 'it skips any number of bare LFs before the request line',
  'bad_request: bare CR before the request line': 'it skips any number of bare CRs before the request line',
  'bad_request: the target names another authority than Host':
    'two readers would route differently; RFC 9112 section 3.2.2 leaves it to us',
  'bad_request: asterisk-form is for OPTIONS only': 'RFC 9112 section 3.2.4',
  'bad_request: ambiguous path': 'it does not look into the path; one that hides dot segments has two meanings',
  'bad_request: invalid authority in the target': 'it takes user information; RFC 9110 section 4.2.4 wants it refused',
  'bad_request: invalid Host': 'it does not look into Host; RFC 9112 section 3.2 wants 400',
  'bad_request: more than one Host': 'it does not count Host; RFC 9112 section 3.2 wants 400',
  'bad_request: Host is missing': 'it does not count Host; RFC 9112 section 3.2 wants 400',
  'bad_request: Connection nominates a field that must not be removed':
    'it does not act on Connection; a proxy would take away what somebody behind it depends on',
  'bad_request: Connection is too long': 'it does not act on Connection; a flood of names costs a proxy time',
  'bad_request: ambiguous or invalid body framing':
    'chunked in HTTP/1.0, which that version does not know: RFC 9112 section 6.1 calls its framing faulty',
  'expectation_failed: unknown expectation': 'it does not look into Expect; RFC 9110 section 10.1.1 allows 417',
  'coding_unsupported: unsupported transfer coding':
    'it leaves the coding of an upgrade request to whoever takes the upgrade; we take none with a body',
  'method_refused: CONNECT is refused': 'a policy of ours: no tunnels',
  'method_refused: TRACE is refused': 'a policy of ours: it would show fields that proxies added',
  'version_unsupported: unsupported HTTP version': 'it takes HTTP/0.9 and HTTP/2.0 in a request line; we speak neither',
  'body_too_large: Content-Length exceeds the limit': 'a limit of ours',
  'target_too_long: request line too long': 'a limit of ours',
  'head_too_large: head too long': 'a limit of ours',
  'head_too_large: too many header fields': 'a limit of ours',
};

const on = bench({ routes: [TWO_VERSIONS] });
const lines = new PeerLines(peerOf());

/** A head as llhttp sees it, with the body that we believe belongs to it and nothing more. */
function withBody(head: Buffer, length: number): Buffer {
  if (length === CHUNKED) return Buffer.concat([head, Buffer.from('3\r\nabc\r\n0\r\n\r\n')]);
  return length > BODY_BYTES_MAX ? head : Buffer.concat([head, Buffer.alloc(length, 'x')]);
}

/** llhttp sees one whole message whose head and end are where we see them; null for an explained refusal. */
function assertAgrees(head: Buffer, length: number, what: string): Opinion | null {
  const whole = opinionOf('request', withBody(head, length));
  if (whole.error in ONLY_WE_ACCEPT) return null;
  assert.equal(whole.error, '', what);
  assert.equal(opinionOf('request', head).hasHead, true, `${what}: it waits for more`);
  assert.equal(opinionOf('request', head.subarray(0, -1)).hasHead, false, `${what}: its head ends earlier`);
  if (whole.isUpgrade || length > BODY_BYTES_MAX) return whole;
  assert.equal(whole.isDone, true, `${what}: its message is longer`);
  if (length !== 0) {
    const shorter = withBody(head, length).subarray(0, -1);
    assert.equal(opinionOf('request', shorter).isDone, false, `${what}: its message is shorter`);
  }
  assert.equal(whole.body.length, length === CHUNKED ? 3 : length, `${what}: another body`);
  return whole;
}

function assertSameFields(head: RequestHead, opinion: Opinion): void {
  assert.equal(opinion.fields.length, head.fields.count);
  const host = opinion.fields.filter(([name]) => name.toLowerCase() === 'host');
  assert.ok(host.length <= 1);
  const authority = (host[0]?.[1] ?? '')
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/(.)\.$/, '$1');
  assert.equal(head.host, authority);
}

const FRESH = freshLines('0123456789abcdef'.repeat(3));

/** What goes upstream is one request with the same framing, whoever reads it. */
function assertForwardable(head: RequestHead): void {
  const x = exchangeOn(on);
  const { method, target, minor, bodyLength } = head;
  Object.assign(x, { method, target, minor, bodyLength });
  const text = requestText(x, head, lines, FRESH);
  const sent = assertAgrees(Buffer.from(text, 'latin1'), bodyLength, `sent upstream: ${JSON.stringify(text)}`);
  if (sent === null) return;
  assert.equal(sent.isUpgrade, false, 'an upgrade was sent on');
  assert.equal(sent.target, target);
  for (const name of ['host', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'traceparent']) {
    assert.equal(sent.fields.filter(([field]) => field.toLowerCase() === name).length, 1, name);
  }
  for (const [name] of sent.fields) {
    assert.doesNotMatch(name, /^(?:connection|te|upgrade|keep-alive|proxy-.*|transfer_encoding|content_length)$/i);
  }
}

/** The class of an input that we do not accept. */
function classOfRefused(end: number, bytes: Buffer, head: RequestHead): string {
  const opinion = opinionOf('request', bytes);
  if (opinion.error !== '' || !opinion.hasHead) return end === 0 ? 'incomplete' : 'refused by both';
  assert.notEqual(end, 0, 'llhttp has a whole head where we wait for more');
  const key = `${reasonRow(head.reason).name}: ${head.detail}`;
  assert.ok(key in ONLY_LLHTTP_ACCEPTS, `only llhttp accepts it, and nobody has explained why we do not: ${key}`);
  return `only llhttp: ${key}`;
}

/** Judges one input; its class, `accepted` among them. @throws AssertionError when we are looser, or differ unexplained */
export function judgeRequestHead(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const head = on.table.requestHead;
  const end = head.parse(bytes, 0, bytes.length);
  if (end <= 0) return classOfRefused(end, bytes, head);
  // The same bytes somewhere else in a buffer are the same head.
  const moved = Buffer.concat([Buffer.from('zzz'), bytes]);
  assert.equal(head.parse(moved, 3, moved.length), end + 3);
  head.parse(bytes, 0, bytes.length);
  const opinion = assertAgrees(bytes.subarray(0, end), head.bodyLength, 'received');
  if (opinion !== null) assertSameFields(head, opinion);
  assert.match(head.target, /^(?:\/[!-~]*|\*)$/);
  assert.match(head.path, /^(?:\/[^?#\\]*|\*)$/);
  if (head.target !== '*') assertForwardable(head);
  return opinion === null ? 'only we: HPE_INVALID_METHOD' : 'accepted';
}
