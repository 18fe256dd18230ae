/**
 * Paths of the document: those that requests are compared with, and those that the gateway writes.
 *
 * A path to match is refused when no request could ever have it: requests are normalized first. A path that is written
 * goes out as it is, so it has to be one that no upstream or client reads in two ways: no `//`, no dot segments.
 * Source: RFC 3986 section 3.3; Gateway API, HTTPPathMatch and HTTPPathModifier validation.
 */

import { didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const TARGET = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
const PATH_LENGTH_MAX = 4096;
const AMBIGUOUS = /\/\/|\/\.{1,2}(?:\/|$)/;

export const PATH_META = { type: 'string', pattern: PATH.source, maxLength: PATH_LENGTH_MAX };
export const TARGET_META = { type: 'string', pattern: TARGET.source, maxLength: PATH_LENGTH_MAX };

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
  if (AMBIGUOUS.test(path)) return 'leave // and /./ and /../ out';
  if (/%2f/i.test(path)) return 'an encoded slash is not a separator and is not matched';
  if (path.length > PATH_LENGTH_MAX) return `at most ${PATH_LENGTH_MAX} characters`;
  const normalized = normalizeEscapes(path);
  return normalized === path && PATH.test(path) ? null : didYouMean(normalized);
}

/** The spelling that requests are matched in: unreserved characters bare, all others as `%XX` in capitals. */
function normalizeEscapes(path: string): string {
  return escape(path).replace(/%[0-9A-Fa-f]{2}/g, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : code.toUpperCase();
  });
}

/** Percent-encodes what may not stand in a path; escapes that are there stay. */
function escape(path: string): string {
  return encodeURI(path.toWellFormed()).replace(/%25(?=[0-9A-Fa-f]{2})/g, '%');
}

/** A path that a rewrite or redirect puts in the place of another; the request's query is kept. */
export function checkPathSent(value: unknown): Fault | null {
  const expected = 'a path that starts with /';
  if (typeof value !== 'string') return wrongType(expected, value);
  const hint = sentHint(value);
  return hint === null ? null : { kind: 'pathSent', expected, hint };
}

/** The target of a health check: a path that may have a query. */
export function checkTarget(value: unknown): Fault | null {
  const expected = 'a path that starts with /, with a query or without';
  if (typeof value !== 'string') return wrongType(expected, value);
  const [path = ''] = value.split('?', 1);
  const isSound = TARGET.test(value) && value.length <= PATH_LENGTH_MAX;
  const hint = sentHint(path) ?? (isSound ? null : 'percent-encode what stands in the query');
  return hint === null ? null : { kind: 'pathSent', expected, hint };
}

function sentHint(path: string): string | null {
  if (/^[a-z]+:\/\//i.test(path)) return 'leave the scheme and the host out';
  if (!path.startsWith('/')) return PATH.test(`/${path}`) ? didYouMean(`/${path}`) : 'start with /';
  if (/[?#]/.test(path)) return 'leave the query and the fragment out: the query of the request is kept';
  if (AMBIGUOUS.test(path)) return 'leave // and /./ and /../ out';
  if (path.length > PATH_LENGTH_MAX) return `at most ${PATH_LENGTH_MAX} characters`;
  return PATH.test(path) ? null : didYouMean(escape(path));
}
