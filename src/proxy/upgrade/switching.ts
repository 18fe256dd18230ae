/**
 * The heads of an upgrade: what is asked of the upstream, and the 101 with which it may agree.
 *
 * A 101 is believed only if it switches to the one protocol that was offered. Whether `Sec-WebSocket-Accept` is right is
 * for the client to check; it goes through as it came.
 * Source: RFC 9110 sections 7.8, 15.2.2; RFC 6455 section 4.
 */

import { interimText } from '../header/response.ts';
import { GATEWAY_NAME } from '../header/via.ts';
import { FIELD } from '../http1/fields/names.ts';
import { connectionOptions } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/** The sanitized request with the one offer that is made. @param text a head that ends in an empty line. */
export function offerText(text: string, protocol: string): string {
  return `${text.slice(0, -2)}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
}

/** Why this 101 is not an answer to the offer; empty when it is. */
export function switchFault(head: ResponseHead, protocol: string): string {
  if (head.minor !== 1) return 'a 101 in HTTP/1.0';
  if (!connectionOptions(head.fields).upgrade) return 'a 101 without Connection: upgrade';
  const chosen = head.fields.values(FIELD.upgrade);
  if (chosen.length !== 1 || (chosen[0] as string).toLowerCase() !== protocol) return 'a 101 for another protocol';
  return '';
}

/** The 101 for the client: hop-by-hop fields re-made, the others as they came. */
export function switchText(head: ResponseHead): string {
  const chosen = head.fields.values(FIELD.upgrade)[0];
  // Zero at most, or the head would have been refused; in a 1xx it has no meaning.
  head.fields.drop(FIELD.contentLength);
  const text = interimText(head).slice(0, -2);
  return `${text}Connection: Upgrade\r\nUpgrade: ${chosen}\r\nVia: 1.1 ${GATEWAY_NAME}\r\n\r\n`;
}
