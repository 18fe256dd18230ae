/**
 * Judges a response head beside llhttp: what we accept, it accepts and reads alike; what only it accepts has a known reason.
 */

import assert from 'node:assert/strict';
import { clientFraming, interimText, responseText } from '#src/proxy/header/response.ts';
import { UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import type { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { bench, exchangeOn } from '../../proxy/parts.ts';
import { opinionOf } from '../llhttp.ts';

const BODY_BYTES_MAX = 1000;
const on = bench();

/** What llhttp accepts and we refuse, by our detail. Everything else that only it accepts is a fault. */
export const ONLY_LLHTTP_ACCEPTS: Readonly<Record<string, string>> = {
  'not an HTTP/1.x response': 'it takes HTTP/0.9 and HTTP/2.0 in a status line; we speak neither',
  'malformed status line': 'it takes any number as status; RFC 9110 section 15 has 100 to 599',
  'ambiguous or invalid body framing':
    'it reads an unknown coding until close, and chunked in HTTP/1.0; RFC 9112 section 6.1 forbids both to be guessed',
  'a 1xx response announces a body': 'whoever sends one disagrees about where it ends; RFC 9110 sections 8.6 and 15.2',
  'a 204 response announces a body':
    'whoever sends one disagrees about where it ends; RFC 9110 sections 8.6 and 15.3.5',
  'Connection nominates a field that must not be removed':
    'it does not act on Connection; a proxy would take away what the client depends on',
  'Connection is too long': 'it does not act on Connection; a flood of names costs a proxy time',
  'malformed or too many header fields': 'a limit of ours: it counts no fields',
  'head too long': 'a limit of ours',
};

/** How a response is looked at. */
export interface Look {
  /** It answers HEAD. */
  readonly isHead: boolean;
  /** Minor version of the client. */
  readonly minor: number;
}

/** The head with the body that we believe belongs to it. */
function withBody(head: Buffer, length: number): Buffer {
  if (length === CHUNKED) return Buffer.concat([head, Buffer.from('3\r\nabc\r\n0\r\n\r\n')]);
  if (length === UNTIL_CLOSE) return Buffer.concat([head, Buffer.from('abc')]);
  return length > BODY_BYTES_MAX ? head : Buffer.concat([head, Buffer.alloc(length, 'x')]);
}

/** llhttp sees one whole response whose head and end are where we see them. */
function assertAgrees(head: Buffer, length: number, isHead: boolean, what: string): void {
  const whole = opinionOf('response', withBody(head, length), isHead);
  assert.equal(whole.error, '', what);
  assert.equal(opinionOf('response', head, isHead).hasHead, true, `${what}: it waits for more`);
  assert.equal(opinionOf('response', head.subarray(0, -1), isHead).hasHead, false, `${what}: its head ends earlier`);
  if (length > BODY_BYTES_MAX && length !== UNTIL_CLOSE) return;
  assert.equal(whole.isDone, length !== UNTIL_CLOSE, `${what}: it ends elsewhere`);
  assert.equal(whole.body.length, length === CHUNKED || length === UNTIL_CLOSE ? 3 : length, `${what}: another body`);
}

/** What the client gets is one response with the framing that we give it. */
function assertForwardable(head: ResponseHead, { isHead, minor }: Look): void {
  const x = Object.assign(exchangeOn(on), { method: isHead ? 'HEAD' : 'GET', minor });
  if (head.status < 200) {
    if (head.status !== 101) assertAgrees(Buffer.from(interimText(head), 'latin1'), 0, isHead, 'sent on');
    return;
  }
  const framing = clientFraming(head, minor);
  const text = responseText(x, head, framing, framing === 'close');
  const lengths = { 'as-is': head.bodyLength, chunked: CHUNKED, close: UNTIL_CLOSE };
  assertAgrees(Buffer.from(text, 'latin1'), lengths[framing], isHead, `sent on: ${JSON.stringify(text)}`);
  assert.doesNotMatch(text, /^(?:keep-alive|te|upgrade|proxy-.*|trailer):/im);
}

function classOfRefused(end: number, bytes: Buffer, head: ResponseHead, isHead: boolean): string {
  const opinion = opinionOf('response', bytes, isHead);
  if (opinion.error !== '' || !opinion.hasHead) return end === 0 ? 'incomplete' : 'refused by both';
  assert.notEqual(end, 0, 'llhttp has a whole head where we wait for more');
  const key = head.detail.replace(/^a 1\d\d/, 'a 1xx');
  assert.ok(key in ONLY_LLHTTP_ACCEPTS, `only llhttp accepts it, and nobody has explained why we do not: ${key}`);
  return `only llhttp: ${key}`;
}

/** Judges one input; its class, `accepted` among them. @throws AssertionError when we are looser, or differ unexplained */
export function judgeResponseHead(text: string, look: Look): string {
  const bytes = Buffer.from(text, 'latin1');
  const head = on.table.responseHead;
  const end = head.parse(bytes, 0, bytes.length, look.isHead);
  if (end <= 0) return classOfRefused(end, bytes, head, look.isHead);
  const moved = Buffer.concat([Buffer.from('zzz'), bytes]);
  assert.equal(head.parse(moved, 3, moved.length, look.isHead), end + 3);
  head.parse(bytes, 0, bytes.length, look.isHead);
  // An upgrade that nobody asked for is refused by whoever reads the status.
  if (head.status !== 101) assertAgrees(bytes.subarray(0, end), head.bodyLength, look.isHead, 'received');
  assertForwardable(head, look);
  return 'accepted';
}
