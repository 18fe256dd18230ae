/**
 * The heads of an upgrade: what is asked of the upstream, and the 101 with which it may agree.
 *
 * A 101 is believed only if it switches to the one protocol that was offered. Whether `Sec-WebSocket-Accept` is right is
 * for whoever made the key to check: a client of HTTP/1.1, to which it goes through as it came, or the gateway for a stream of HTTP/2.
 * Source: RFC 9110 sections 7.8, 15.2.2; RFC 6455 sections 4.1, 4.2.2; RFC 8441 section 5.
 */

import { createHash } from 'node:crypto';
import type { Random } from '../../lib/random.ts';
import { interimText } from '../header/response.ts';
import { GATEWAY_NAME } from '../header/via.ts';
import { FIELD } from '../http1/fields/names.ts';
import { connectionOptions } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/** Hashed with a key; proves that it was read by a WebSocket server. Source: RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY_BYTES = 16;
const ACCEPT = /\r\nsec-websocket-accept:([^\r]*)/gi;

/** What one upgrade request offers its upstream, and whether that agreed. */
export class Offer {
  readonly protocol: string;
  readonly #random: Random | null;
  #key = '';

  /** @param random for a key per attempt, where the client sends none, as streams of HTTP/2 do; else null. */
  constructor(protocol: string, random: Random | null) {
    this.protocol = protocol;
    this.#random = random;
  }

  /** The sanitized request with the one offer that is made. @param text a head that ends in an empty line. */
  text(text: string): string {
    const offer = `${text.slice(0, -2)}Connection: Upgrade\r\nUpgrade: ${this.protocol}\r\n`;
    if (this.#random === null) return `${offer}\r\n`;
    this.#key = keyOf(this.#random);
    return `${offer}Sec-WebSocket-Key: ${this.#key}\r\n\r\n`;
  }

  /** Why this 101 is not an answer to the offer; empty when it is. */
  fault(head: ResponseHead): string {
    if (head.minor !== 1) return 'a 101 in HTTP/1.0';
    if (!connectionOptions(head.fields).upgrade) return 'a 101 without Connection: upgrade';
    const chosen = head.fields.values(FIELD.upgrade);
    const isOffered = chosen.length === 1 && (chosen[0] as string).toLowerCase() === this.protocol;
    if (!isOffered) return 'a 101 for another protocol';
    return this.#random !== null && !this.#isAccepted(head)
      ? 'a 101 whose Sec-WebSocket-Accept is missing or wrong'
      : '';
  }

  #isAccepted({ fields }: ResponseHead): boolean {
    const expected = createHash('sha1')
      .update(this.#key + WEBSOCKET_GUID)
      .digest('base64');
    const accepted = [...fields.text.matchAll(ACCEPT)];
    return accepted.length === 1 && accepted[0]?.[1]?.trim() === expected;
  }
}

/** A nonce of 16 bytes. */
function keyOf(random: Random): string {
  const bytes = Buffer.alloc(KEY_BYTES);
  for (let at = 0; at < KEY_BYTES; at += 4) bytes.writeUInt32LE(random.nextUint32(), at);
  return bytes.toString('base64');
}

/** The 101 for the client: hop-by-hop fields re-made, the others as they came. */
export function switchText(head: ResponseHead): string {
  const chosen = head.fields.values(FIELD.upgrade)[0];
  // Zero at most, or the head would have been refused; in a 1xx it has no meaning.
  head.fields.drop(FIELD.contentLength);
  const text = interimText(head).slice(0, -2);
  return `${text}Connection: Upgrade\r\nUpgrade: ${chosen}\r\nVia: 1.1 ${GATEWAY_NAME}\r\n\r\n`;
}
