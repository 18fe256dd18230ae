/**
 * How long a message's body is: the decision that request smuggling attacks. Hot path.
 *
 * Content-Length is one field with digits only; Transfer-Encoding is exactly one `chunked`; both together, or anything
 * else, is refused rather than interpreted.
 * Source: RFC 9112 sections 6.1, 6.2, 6.3; RFC 9110 section 8.6.
 */

import type { FieldTable } from './fields/field-table.ts';
import { FIELD } from './fields/names.ts';

/** Body lengths below 0 are not lengths. */
export const CHUNKED = -1;
/** Neither Content-Length nor Transfer-Encoding: no body in a request, read until close in a response. */
export const UNFRAMED = -2;
/** Ambiguous or invalid: refuse the message. */
export const FRAMING_INVALID = -3;
/** A transfer coding we do not speak. */
export const CODING_UNSUPPORTED = -4;

/** Of 2^53-1. */
const LENGTH_DIGITS_MAX = 16;
const ZERO = 48;

/**
 * Body length in bytes, or one of the negative values above.
 * @param minor the message's HTTP/1.x minor version; chunked does not exist in 1.0.
 */
export function bodyLength(fields: FieldTable, minor: number): number {
  const lengths = fields.seen(FIELD.contentLength);
  const codings = fields.seen(FIELD.transferEncoding);
  if (codings === 0) {
    if (lengths === 0) return UNFRAMED;
    return lengths === 1 ? contentLength(fields) : FRAMING_INVALID;
  }
  if (lengths !== 0 || codings > 1 || minor === 0) return FRAMING_INVALID;
  // Legal, but llhttp reads `chunked` followed by a tab as another coding: whoever sends it is refused, not interpreted.
  if (fields.endsInTab(FIELD.transferEncoding)) return FRAMING_INVALID;
  const coding = fields.value(FIELD.transferEncoding) as string;
  if (coding.length === 7 && coding.toLowerCase() === 'chunked') return CHUNKED;
  return isPlainToken(coding) ? CODING_UNSUPPORTED : FRAMING_INVALID;
}

/** Digits only, at most 2^53-1; else `FRAMING_INVALID`. */
function contentLength(fields: FieldTable): number {
  let value = 0;
  for (let at = 0; at <= LENGTH_DIGITS_MAX; at++) {
    const code = fields.valueCode(FIELD.contentLength, at);
    if (code < 0 && at > 0) return value <= Number.MAX_SAFE_INTEGER ? value : FRAMING_INVALID;
    if (code < ZERO || code > ZERO + 9) return FRAMING_INVALID;
    value = value * 10 + (code - ZERO);
  }
  return FRAMING_INVALID;
}

function isPlainToken(text: string): boolean {
  return /^[a-z][a-z0-9-]{0,30}$/i.test(text) && text.toLowerCase() !== 'identity';
}

/** What a `Connection` header says. Nominated names are lower-case and without `close` and `keep-alive`. */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  readonly nominated: readonly string[];
  /** Longer than any honest one: not read at all, the message is to be refused. */
  readonly isExcessive: boolean;
}

const CONNECTION_BYTES_MAX = 1024;

const NO_OPTIONS: ConnectionOptions = {
  close: false,
  keepAlive: false,
  upgrade: false,
  nominated: [],
  isExcessive: false,
};
const KEEP_ALIVE: ConnectionOptions = { ...NO_OPTIONS, keepAlive: true };
const CLOSE: ConnectionOptions = { ...NO_OPTIONS, close: true };

/** Reads all `Connection` fields of a head. The two usual values cost no allocation. */
export function connectionOptions(fields: FieldTable): ConnectionOptions {
  const seen = fields.seen(FIELD.connection);
  if (seen === 0) return NO_OPTIONS;
  if (seen === 1) {
    if (fields.says(FIELD.connection, 'keep-alive') || fields.says(FIELD.connection, 'Keep-Alive')) return KEEP_ALIVE;
    if (fields.says(FIELD.connection, 'close')) return CLOSE;
  }
  const values = fields.values(FIELD.connection);
  if (values.reduce((sum, value) => sum + value.length, 0) > CONNECTION_BYTES_MAX) {
    return { ...NO_OPTIONS, close: true, isExcessive: true };
  }
  const tokens = values
    .flatMap((value) => value.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');
  return {
    close: tokens.includes('close'),
    keepAlive: tokens.includes('keep-alive'),
    upgrade: tokens.includes('upgrade'),
    nominated: tokens.filter((token) => token !== 'close' && token !== 'keep-alive'),
    isExcessive: false,
  };
}
