/**
 * Words of HTTP in the document: methods, header names and values, paths; and the names of routes and services.
 *
 * A match that no request could ever satisfy is refused: the data plane refuses or normalizes such requests first.
 * Source: RFC 9110 sections 5.5, 5.6.2 and 9.1; RFC 3986 section 3.3; Gateway API, HTTPPathMatch validation.
 */

import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const FIELD_VALUE = /^[!-~](?:[\t -~]{0,4094}[!-~])?$/;
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const PATH_LENGTH_MAX = 4096;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** Fields that frame, route or end a message; a color header is removed from strangers' requests, these cannot be. */
const RESERVED = new Set(
  'host connection content-length transfer-encoding te trailer upgrade keep-alive expect proxy-connection'.split(' '),
);

export const NAME_META = { type: 'string', pattern: NAME.source };
export const TOKEN_META = { type: 'string', pattern: TOKEN.source };
export const FIELD_VALUE_META = { type: 'string', pattern: FIELD_VALUE.source };
export const PATH_META = { type: 'string', pattern: PATH.source, maxLength: PATH_LENGTH_MAX };

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

/** The header that carries the color: a token that HTTP itself does not need. */
export function checkColorHeader(value: unknown): Fault | null {
  const fault = tokenCalled('header name')(value);
  if (fault !== null || !RESERVED.has(String(value).toLowerCase())) return fault;
  return { kind: 'reservedHeader', expected: 'a header that HTTP does not need itself', hint: 'use x-release-stage' };
}

/** A header value to compare with: visible ASCII, no white space at either end. */
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

/** A path to match, as it stands in a normalized request target without its query. */
export function checkPath(value: unknown): Fault | null {
  const expected = 'a path that starts with / and is already normalized';
  if (typeof value !== 'string') return wrongType(expected, value);
  const hint = pathHint(value);
  return hint === null ? null : { kind: 'path', expected, hint };
}

function pathHint(path: string): string | null {
  if (!path.startsWith('/')) return PATH.test(`/${path}`) ? didYouMean(`/${path}`) : 'start with /';
  if (/[?#]/.test(path)) return 'leave the query and the fragment out';
  if (path.endsWith('/*')) return 'PathPrefix matches everything below already';
  if (/\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return 'leave // and /./ and /../ out';
  if (/%2f/i.test(path)) return 'an encoded slash is not a separator and is not matched';
  if (path.length > PATH_LENGTH_MAX) return `at most ${PATH_LENGTH_MAX} characters`;
  const normalized = normalizeEscapes(path);
  return normalized === path && PATH.test(path) ? null : didYouMean(normalized);
}

/** The spelling that requests are matched in: unreserved characters bare, all others as `%XX` in capitals. */
function normalizeEscapes(path: string): string {
  const escaped = encodeURI(path.toWellFormed()).replace(/%25(?=[0-9A-Fa-f]{2})/g, '%');
  return escaped.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : escape.toUpperCase();
  });
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
