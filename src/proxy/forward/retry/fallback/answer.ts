/**
 * What the gateway answers itself when an exchange is given up: what a step of the route's chain has, else the failure's own.
 *
 * An answer of a chain says in `Proxy-Status` what it stands in for (RFC 9209), a kept one besides its `Age` (RFC 9111
 * section 5.1) and in `Cache-Status` where it comes from (RFC 9211): `hit` when nothing was sent for it, `fwd=stale` when
 * something was, in vain. A fixed one is not to be kept by others, unless its own headers say so.
 *
 * An answer that is given again to a request with an idempotency key says so in `Idempotency-Replayed`, and is otherwise as it was.
 *
 * Its body goes out piece by piece as the client takes it, from where it is kept: a client that is slow has the time of any
 * body, and one that does not read is found out.
 */

import { STATUS_CODES } from 'node:http';
import { turnMs } from '../../../../lib/clock.ts';
import { REASON, reasonRow } from '../../../../model/reason.ts';
import type { StaticFallback } from '../../../../model/threads/answers/fallback.ts';
import type { StoredAnswer } from '../../../../model/threads/answers/idempotency.ts';
import type { Peer } from '../../../decide/decide.ts';
import type { Exchange } from '../../../exchange.ts';
import { isGrpc, proxyStatusLine, rejectionOf, statusOf } from '../../../header/rejection.ts';
import { persistenceLine } from '../../../header/response.ts';
import { GATEWAY_NAME } from '../../../header/via.ts';
import type { Outlet } from '../../../wire/wire.ts';
import { keyedOf } from '../idempotency/keyed.ts';
import type { Fallen } from './chain.ts';
import type { KeptAnswer } from './stale.ts';

/** Of a body that are handed over at once. */
const PIECE_BYTES = 65_536;

/** An answer of the configuration. */
export interface FixedAnswer {
  readonly status: number;
  /** The first line and the answer's own fields, each line with its CRLF. */
  readonly lines: string;
  readonly body: Buffer;
}

/** Makes the answer of a step. */
export function linkFixed({ status, headers, body }: StaticFallback): FixedAnswer {
  const names = new Set(headers.map(({ name }) => name.toLowerCase()));
  const bytes = Buffer.from(body, 'utf8');
  let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (const { name, value } of headers) lines += `${name}: ${value}\r\n`;
  if (body !== '' && !names.has('content-type')) lines += 'Content-Type: text/plain; charset=utf-8\r\n';
  if (!names.has('cache-control')) lines += 'Cache-Control: no-store\r\n';
  // Source: RFC 9110 section 8.6.
  if (status !== 204) lines += `Content-Length: ${bytes.length}\r\n`;
  return { status, lines, body: bytes };
}

/**
 * The answer to an exchange that is given up; of a chain's answer the head, and `pour` the rest. Sets `x.status`, and
 * `x.reason` to what the route counts.
 * @param date the line of this second
 */
export function ownAnswer(x: Exchange, peer: Peer, date: string, close: boolean): string {
  const keyed = keyedOf(x);
  if (keyed !== null && keyed.answer !== null) return repeated(x, keyed.answer, close);
  const fallen = x.retrying === null ? null : x.retrying.fallen;
  if (fallen === null || fallen.answer === null) {
    x.status = isGrpc(x) ? 200 : statusOf(x);
    return rejectionOf(x, peer, date, close);
  }
  const { answer } = fallen;
  x.status = answer.status;
  x.reason = fallen.isGood ? REASON.none : fallen.reason;
  const own = ownLines(x, fallen, peer) + persistenceLine(x.minor, close);
  const more = 'cameAtMs' in answer ? keptLines(x, fallen, answer) : date;
  return `${answer.lines}${more}${own}\r\n`;
}

/** An answer of before, to a request with the same idempotency key. */
function repeated(x: Exchange, { status, lines }: StoredAnswer, close: boolean): string {
  x.status = status;
  x.reason = REASON.idempotencyReplayed;
  const id = x.requestId === '' ? '' : `X-Request-Id: ${x.requestId}\r\n`;
  return `${lines}${x.answerLines}${id}Idempotency-Replayed: true\r\n${persistenceLine(x.minor, close)}\r\n`;
}

/** An answer with a body that is kept, and how much of it was sent. */
interface Poured {
  readonly answer: { readonly body: Uint8Array } | null;
  sentBytes: number;
}

function pouredOf({ retrying }: Exchange): Poured | null {
  if (retrying === null) return null;
  return retrying.keyed !== null && retrying.keyed.answer !== null ? retrying.keyed : retrying.fallen;
}

/**
 * Sends of a kept answer what the client takes now; to be called again when that has left.
 * @returns whether everything has left; of any other answer it has.
 */
export function pour(x: Exchange, out: Outlet): boolean {
  const poured = pouredOf(x);
  if (poured === null || poured.answer === null) return true;
  x.responseStarted = true;
  const body = poured.answer.body as Buffer;
  const length = x.isHead ? 0 : body.length;
  while (!out.isBackedUp && poured.sentBytes < length) {
    const from = poured.sentBytes;
    poured.sentBytes = Math.min(length, from + PIECE_BYTES);
    out.writeBytes(body, from, poured.sentBytes);
  }
  return !out.isBackedUp;
}

/** Such an answer is on its way, to a client that takes it slowly. */
export function isPoured({ responseStarted, upstream }: Exchange): boolean {
  return responseStarted && upstream === null;
}

function ownLines(x: Exchange, { reason, from }: Fallen, peer: Peer): string {
  const id = x.requestId === '' ? '' : `X-Request-Id: ${x.requestId}\r\n`;
  const nextHop = peer.isTrusted && x.endpoint !== null ? x.endpoint.address : '';
  const status = proxyStatusLine(reasonRow(reason).proxyError, {
    nextHop,
    version: peer.isTrusted ? from.version : '',
  });
  return x.answerLines + id + status;
}

function keptLines(x: Exchange, { reason }: Fallen, { cameAtMs }: KeptAnswer): string {
  const ageS = Math.max(0, Math.floor((turnMs() - cameAtMs) / 1000));
  const how = x.attempts === 0 ? 'hit' : 'fwd=stale';
  return `Age: ${ageS}\r\nCache-Status: ${GATEWAY_NAME}; ${how}; detail=${reasonRow(reason).name}\r\n`;
}
