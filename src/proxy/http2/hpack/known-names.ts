/**
 * What an encoder knows of names beforehand: where the static table has them, and which are not worth a place in the dynamic one.
 *
 * A field that is another one in nearly every answer would push out what repeats. One that is a secret must not enter a table at
 * all, where others of the same connection could guess at it by the length of blocks, here or behind the next hop.
 * Source: RFC 7541 sections 6.2, 7.1.
 */

import { STATIC_LAST, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** How a literal begins: its first bits, and what the rest of that octet can say of the name's index (RFC 7541 section 6.2). */
export interface Literal {
  readonly first: number;
  readonly indexMost: number;
}

/** Enters the table. */
export const INDEXED: Literal = { first: 0x40, indexMost: 0x3f };
export const NOT_INDEXED: Literal = { first: 0x00, indexMost: 0x0f };
/** Must be a literal on every further hop too. */
export const NEVER_INDEXED: Literal = { first: 0x10, indexMost: 0x0f };

/** What is known of a name. */
export interface KnownName {
  /** Its first index in the static table; 0: it is not there. */
  readonly index: number;
  /** What the static table has at that index and behind it with this name. */
  readonly values: readonly string[];
  /** How it is always written; null: that depends on whether the field repeats. */
  readonly literal: Literal | null;
}

/** Of a name that nothing is known of. */
export const UNKNOWN_NAME: KnownName = { index: 0, values: [], literal: null };

const CHANGING: readonly string[] = [
  'age',
  'content-length',
  'content-range',
  'date',
  'etag',
  'expires',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'range',
  'retry-after',
  'server-timing',
  'traceparent',
  'tracestate',
  'x-amzn-trace-id',
  'x-correlation-id',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-request-id',
];

const SECRET: readonly string[] = [
  'authentication-info',
  'authorization',
  'cookie',
  'proxy-authentication-info',
  'proxy-authorization',
  'set-cookie',
];

/** By name, in lower case. */
export const KNOWN_NAMES: ReadonlyMap<string, KnownName> = knownNames();

function knownNames(): Map<string, KnownName> {
  const known = new Map<string, KnownName>();
  for (let index = STATIC_LAST; index > 0; index--) {
    const name = STATIC_NAMES[index] as string;
    const values = [STATIC_VALUES[index] as string, ...(known.get(name)?.values ?? [])];
    known.set(name, { index, values, literal: null });
  }
  for (const name of CHANGING) known.set(name, { ...(known.get(name) ?? UNKNOWN_NAME), literal: NOT_INDEXED });
  for (const name of SECRET) known.set(name, { ...(known.get(name) ?? UNKNOWN_NAME), literal: NEVER_INDEXED });
  return known;
}
