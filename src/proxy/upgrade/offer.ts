/**
 * Which protocol a request may be upgraded to, if any.
 *
 * Whatever does not qualify is served as a plain request without hop-by-hop fields: a server may always ignore
 * `Upgrade`. Protocols that are HTTP again are never upgraded to, whatever the configuration says: requests inside would
 * reach the upstream unseen.
 * Source: RFC 9110 section 7.8; RFC 9113 section 3.1 (h2c by upgrade is gone).
 */

import { FIELD } from '../http1/fields/names.ts';
import type { RequestHead } from '../http1/request-head.ts';

/** Protocol names, without version, that would carry further requests past the gateway. */
const HTTP_AGAIN = new Set(['http', 'h2', 'h2c', 'h3', 'tls']);

/** An honest offer is a word or two. */
const OFFER_BYTES_MAX = 256;

/**
 * The first protocol the client offers that the route allows, lower-case; empty when the request is to stay a plain one:
 * not a GET, a body, `Expect`, HTTP/1.0, no `Connection: upgrade`.
 * @param allowed lower-case protocols.
 */
export function protocolOf(head: RequestHead, allowed: readonly string[]): string {
  if (!head.wantsUpgrade || head.method !== 'GET' || head.minor !== 1) return '';
  if (head.bodyLength !== 0 || head.expectsContinue) return '';
  const offer = head.fields.values(FIELD.upgrade).join(',');
  if (offer.length > OFFER_BYTES_MAX) return '';
  for (const token of offer.split(',')) {
    const protocol = token.trim().toLowerCase();
    if (allowed.includes(protocol) && !HTTP_AGAIN.has(nameOf(protocol))) return protocol;
  }
  return '';
}

function nameOf(protocol: string): string {
  const slash = protocol.indexOf('/');
  return slash < 0 ? protocol : protocol.slice(0, slash);
}
