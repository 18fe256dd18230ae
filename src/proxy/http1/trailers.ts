/**
 * Which trailer fields may go on: those that nobody could mistake for a header that matters.
 *
 * Fields of framing, routing, authentication, request and response control must not come after the body: a recipient
 * that merges trailers into the head would act on them. They are dropped, and so is every field that the gateway itself
 * acts on or that the configuration names.
 * Source: RFC 9110 section 6.5.1; RFC 9112 section 7.1.2.
 */

import type { NameTable } from './fields/names.ts';

const FORBIDDEN: ReadonlySet<string> = new Set([
  'age',
  'authentication-info',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'date',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'pragma',
  'proxy-authentication-info',
  'range',
  'retry-after',
  'set-cookie',
  'vary',
  'warning',
  'www-authenticate',
]);

const FORBIDDEN_PREFIXES: readonly string[] = ['x-forwarded-', 'x-client-', 'access-control-', 'sec-'];

/**
 * The lines that may go on, each with its CRLF, byte for byte.
 * @param text trailer lines, each with its CRLF, as `BodyReader` let them pass.
 * Cost: off the usual path; O(text).
 */
export function allowedTrailers(text: string, names: NameTable): string {
  let allowed = '';
  for (const line of text.split('\r\n')) {
    if (line !== '' && isAllowed(line.slice(0, line.indexOf(':')), names)) allowed += `${line}\r\n`;
  }
  return allowed;
}

function isAllowed(name: string, names: NameTable): boolean {
  // Many recipients read `_` as `-`.
  const folded = name.toLowerCase().replaceAll('_', '-');
  if (FORBIDDEN.has(folded) || names.knows(folded)) return false;
  return !FORBIDDEN_PREFIXES.some((prefix) => folded.startsWith(prefix));
}
