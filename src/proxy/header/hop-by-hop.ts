/**
 * What becomes of known fields: those that end at the next hop, whatever `Connection` names, and those only proxies may
 * send.
 *
 * The field tables mark by it while they scan. What `Connection` nominates is dropped by the parsers.
 * Source: RFC 9110 section 7.6.1; RFC 9113 section 8.2.2 for what HTTP/1.1 connections carry besides.
 */

import type { FieldPolicy } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';

const HOP_BY_HOP: readonly number[] = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.upgrade,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.transferEncoding,
  FIELD.trailer,
  FIELD.http2Settings,
  // Only a trusted sender's counts, and each attempt says what is left of it.
  FIELD.xEnvoyExpectedRqTimeoutMs,
];

/** What becomes of a request's fields. @param claims fields in which clients speak as only proxies may. */
export function requestPolicy(claims: ReadonlySet<number>): (id: number) => FieldPolicy {
  return (id) => (HOP_BY_HOP.includes(id) ? 'drop' : claims.has(id) ? 'claim' : 'keep');
}

/** What becomes of a response's field. */
export function responsePolicy(id: number): FieldPolicy {
  return HOP_BY_HOP.includes(id) ? 'drop' : 'keep';
}
