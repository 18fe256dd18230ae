/**
 * Words of HTTP in the document: methods, header names and values, protocols; and the names of routes and services.
 *
 * A match that no request could ever satisfy is refused: the data plane refuses or normalizes such requests first.
 * Source: RFC 9110 sections 5.5, 5.6.2, 7.6.1, 7.8 and 9.1.
 */

import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const TOKEN_CHARS = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]{1,256}";
const TOKEN = new RegExp(`^${TOKEN_CHARS}$`);
const FIELD_VALUE = /^[!-~](?:[\t -~]{0,4094}[!-~])?$/;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** Fields that frame, route or end a message; a color header is removed from strangers' requests, these cannot be. */
const RESERVED = new Set(
  'host connection content-length transfer-encoding te trailer upgrade keep-alive expect proxy-connection'.split(' '),
);

/** Fields that belong to one connection (RFC 9110 section 7.6.1) besides the reserved ones, and the loop detection. */
const OWN_OF_GATEWAY = new Set('via proxy-authenticate proxy-authorization http2-settings'.split(' '));

/** Protocols that would carry HTTP past routing, limits and measurement. Source: RFC 9110 section 7.8. */
const TUNNELS = new Set(['h2c', 'h2', 'http', 'tls']);

export const NAME_META = { type: 'string', pattern: NAME.source };
export const TOKEN_META = { type: 'string', pattern: TOKEN.source };
export const PROTOCOL_META = { type: 'string', pattern: `^${TOKEN_CHARS}(?:/${TOKEN_CHARS})?$` };
export const FIELD_VALUE_META = { type: 'string', pattern: FIELD_VALUE.source };

/** The name of a route, a service or a version: also a metric label and part of a counter's key. */
export function checkName(value: unknown): Fault | null {
  const expected = 'a name of 1 to 63 letters, digits, -, _ and .';
  if (typeof value === 'string') return NAME.test(value) ? null : { kind: 'name', expected };
  return wrongType(expected, value, typeof value === 'number' ? 'put it in quotes' : '');
}

/** A check for an HTTP token, called `what` in messages. */
export function tokenCalled(what: string): Check {
  const expected = `a ${what}: letters, digits and !#$%&'*+-.^_\`|~`;
  return (value) => {
    if (typeof value !== 'string') {
      return wrongType(expected, value, typeof value === 'number' ? 'put it in quotes' : '');
    }
    return TOKEN.test(value) ? null : { kind: 'headerName', expected, hint: tokenHint(value) };
  };
}

function tokenHint(value: string): string {
  const bare = value
    .replace(/\s*:.*$/, '')
    .trim()
    .replaceAll(' ', '-');
  return TOKEN.test(bare) ? didYouMean(bare) : '';
}

/** A header that the gateway may read for itself: a token that HTTP does not need. @param example that people are pointed to */
export function freeHeader(example: string): Check {
  return (value) => {
    const fault = tokenCalled('header name')(value);
    if (fault !== null || !RESERVED.has(String(value).toLowerCase())) return fault;
    return { kind: 'reservedHeader', expected: 'a header that HTTP does not need itself', hint: `use ${example}` };
  };
}

/** The header that carries the color. */
export const checkColorHeader: Check = freeHeader('x-release-stage');

/** A header that a filter may write or remove: none that frames, routes or ends a message, or belongs to a connection. */
export function checkHeaderWritten(value: unknown): Fault | null {
  const fault = tokenCalled('header name')(value);
  if (fault !== null) return fault;
  const name = String(value).toLowerCase();
  if (!RESERVED.has(name) && !OWN_OF_GATEWAY.has(name)) return null;
  const hint = name === 'host' ? 'urlRewrite.hostname changes the host' : 'the gateway writes it itself';
  return { kind: 'protectedHeader', expected: 'a header that is not the connection’s own', hint };
}

/** A protocol of the `Upgrade` header: a name, with a version or without. */
export function checkProtocol(value: unknown): Fault | null {
  const expected = 'a protocol such as websocket';
  if (typeof value !== 'string') return wrongType(expected, value);
  const [name = '', version = '1', ...rest] = value.toLowerCase().split('/');
  if (!TOKEN.test(name) || !TOKEN.test(version) || rest.length > 0) return { kind: 'protocol', expected };
  if (!TUNNELS.has(name)) return null;
  const hint = 'requests inside it would be neither routed nor limited nor measured';
  return { kind: 'protocol', expected: 'a protocol that is not HTTP itself', hint };
}

/** A header value to compare with or to write: visible ASCII, no white space at either end. */
export function checkFieldValue(value: unknown): Fault | null {
  const expected = 'a header value of visible ASCII characters';
  if (typeof value === 'string') return FIELD_VALUE.test(value) ? null : { kind: 'headerValue', expected };
  const isBare = typeof value === 'number' || typeof value === 'boolean';
  return wrongType(expected, value, isBare ? 'put it in quotes' : '');
}

/** A request method; the nine standard ones in lower case are surely a slip. */
export function checkMethod(value: unknown): Fault | null {
  const expected = 'a method such as GET or POST';
  if (typeof value !== 'string') return wrongType(expected, value);
  const upper = value.toUpperCase();
  const isSlip = METHODS.has(upper) && upper !== value;
  if (TOKEN.test(value) && !isSlip) return null;
  return { kind: 'method', expected, hint: isSlip ? didYouMean(upper) : '' };
}

/** A check for one of a few words. */
export function oneOf(words: readonly string[]): Check {
  const expected = words.join(' or ');
  return (value) => {
    if (typeof value !== 'string') return wrongType(expected, value);
    if (words.includes(value)) return null;
    const near = words.find((word) => isPartOf(value.toLowerCase(), word.toLowerCase()));
    return { kind: 'choice', expected, hint: near === undefined ? '' : didYouMean(near) };
  };
}

function isPartOf(value: string, word: string): boolean {
  return value.length > 2 && (word.includes(value) || word.startsWith(value.slice(0, 4)));
}

/** True or false. */
export function checkBoolean(value: unknown): Fault | null {
  if (typeof value === 'boolean') return null;
  const meant = typeof value === 'string' ? /^(?:(yes|on|true)|no|off|false)$/i.exec(value) : null;
  return wrongType('true or false', value, meant === null ? '' : didYouMean(meant[1] === undefined ? 'false' : 'true'));
}
