/**
 * The user of a request: what stickiness and de-duplication hash. Hot path.
 *
 * The first source that a route names and the request has: a header, a cookie, the user's own address.
 * Source: RFC 6265 section 5.4; RFC 7239.
 */

import { hash32 } from '../../lib/hash.ts';
import type { StickyConfig } from '../../model/threads/requests/experiments.ts';
import { forwardedFor, nodeAddress } from '../header/forwarded.ts';
import { FIELD, type NameTable } from '../http1/fields/names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Peer } from './decide.ts';

/** Where a user key comes from. */
export interface LinkedKey {
  /** Field id of the header, 0 without one. */
  readonly stickyField: number;
  readonly stickyCookie: string;
  readonly stickyClientIp: boolean;
}

/** Links a user key; `names` must hold its header. */
export function linkKey(sticky: StickyConfig | null, names: NameTable): LinkedKey {
  return {
    stickyField: sticky?.header ? names.idOf(sticky.header) : FIELD.unknown,
    stickyCookie: sticky?.cookie ?? '',
    stickyClientIp: sticky?.clientIp ?? false,
  };
}

/**
 * Hash of the first configured key that is present, or null: then the split is drawn per request. Its 32 bits as a
 * signed integer, because one above 2^31 would be boxed.
 */
export function userKeyOf(key: LinkedKey, head: RequestHead, peer: Peer): number | null {
  const { fields } = head;
  if (fields.seen(key.stickyField) !== 0 && !fields.says(key.stickyField, '')) {
    return fields.valueHash(key.stickyField);
  }
  if (key.stickyCookie !== '') {
    const value = cookieValue(cookiesOf(head), key.stickyCookie);
    if (value !== null) return hash32(value) | 0;
  }
  return key.stickyClientIp ? hash32(clientAddress(head, peer)) | 0 : null;
}

/** All cookies; more than one field is rare (HTTP/2 clients behind a translating proxy). */
function cookiesOf(head: RequestHead): string | null {
  if (head.fields.seen(FIELD.cookie) <= 1) return head.fields.value(FIELD.cookie);
  return head.fields.values(FIELD.cookie).join('; ');
}

/** Value of one cookie, or null. Source: RFC 6265 section 5.4. */
export function cookieValue(cookies: string | null, name: string): string | null {
  if (cookies === null) return null;
  for (let at = cookies.indexOf(name); at >= 0; at = cookies.indexOf(name, at + 1)) {
    const after = at + name.length;
    const isStart = at === 0 || cookies[at - 1] === ' ' || cookies[at - 1] === ';';
    if (!isStart || cookies[after] !== '=') continue;
    const end = cookies.indexOf(';', after);
    return cookies.slice(after + 1, end < 0 ? undefined : end);
  }
  return null;
}

/** The user's own address: the peer's, or what a trusted proxy says is the last untrusted one's. */
export function clientAddress(head: RequestHead, peer: Peer): string {
  if (!peer.isTrusted) return peer.address;
  const path = addressesBefore(head);
  // Every proxy appends whom it heard from, to the line or as one of its own: from the right, the first that is not ours.
  for (let i = path.length - 1; i >= 0; i--) {
    const address = nodeAddress(path[i] as string);
    if (address === '') return peer.address;
    if (!peer.trusts(address)) return address;
  }
  return peer.address;
}

/** Whom a trusted proxy names, in the one of the two languages that it speaks. */
function addressesBefore(head: RequestHead): string[] {
  const fields = head.fields;
  if (fields.seen(FIELD.xForwardedFor) === 0 && fields.seen(FIELD.forwarded) > 0) {
    return forwardedFor(fields.values(FIELD.forwarded).join(','));
  }
  return fields.values(FIELD.xForwardedFor).join(',').split(',');
}
