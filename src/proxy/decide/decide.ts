/**
 * Decides where a request goes: route, user key, color, split. Hot path.
 *
 * Synchronous from first to last, so no configuration change can slip between two of its steps. Each step fills its own
 * field of the exchange; a step that cannot go on returns the reason.
 */

import { hash32 } from '../../lib/hash.ts';
import type { Random } from '../../lib/random.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import { FIELD } from '../http1/names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { chooseSplit } from './splitter.ts';
import type { LinkedRoute } from './table.ts';

/** Who sent the request, as far as decisions need it. */
export interface Peer {
  readonly address: string;
  /** One of `trustedProxies`. */
  readonly isTrusted: boolean;
  /** Whether an address is one of `trustedProxies`. */
  readonly trusts: (address: string) => boolean;
  /** Hash of address and port: the user key where none is configured. */
  readonly key: number;
}

/** Fills `route`, `userKey`, `split` and `isPinned`. Cost: O(path segments + versions), at most the strings it looks at. */
export function decide(x: Exchange, head: RequestHead, peer: Peer, random: Random): Reason {
  const route = x.table.router.match(head.host, head.path, head.method, head.fields);
  if (route === null) return REASON.noRoute;
  x.route = route;
  const sticky = userKeyOf(route, head, peer);
  x.userKey = sticky === null ? peer.key : sticky;
  const color = head.fields.value(x.table.colorField);
  if (color !== null && (x.table.colorFromAnyone || peer.isTrusted)) {
    const pinned = route.byColor.get(color);
    if (pinned !== undefined) {
      x.split = pinned;
      x.isPinned = true;
      return REASON.none;
    }
  }
  x.split = chooseSplit(route.splits, x.client.lane.dials, sticky === null ? random.nextUint32() : sticky);
  return x.split === null ? REASON.noEndpoint : REASON.none;
}

/** Hash of the first configured key that is present, or null: then the split is drawn per request. */
function userKeyOf(route: LinkedRoute, head: RequestHead, peer: Peer): number | null {
  if (route.stickyField !== FIELD.unknown) {
    const value = head.fields.value(route.stickyField);
    if (value !== null && value !== '') return hash32(value);
  }
  if (route.stickyCookie !== '') {
    const value = cookieValue(cookiesOf(head), route.stickyCookie);
    if (value !== null) return hash32(value);
  }
  return route.stickyClientIp ? hash32(clientAddress(head, peer)) : null;
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
  // Every proxy appends whom it heard from, to the line or as one of its own: from the right, the first that is not ours.
  const path = head.fields.values(FIELD.xForwardedFor).join(',').split(',');
  for (let i = path.length - 1; i >= 0; i--) {
    const address = (path[i] as string).trim();
    if (address === '') return peer.address;
    if (!peer.trusts(address)) return address;
  }
  return peer.address;
}
