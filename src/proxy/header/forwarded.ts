/**
 * Who asked, over what: `Forwarded` and `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, `-Client-Cert`. Hot path.
 *
 * A stranger's own are dropped and made anew. A trusted proxy's stand, and its address is appended in the language that
 * it speaks; in both when it speaks neither. It is not translated for: a proxy that sends `X-Forwarded-For` alone would
 * otherwise be named in `Forwarded` as if it were the client, and readers of `Forwarded` would believe it.
 * Source: RFC 7239 sections 4 to 6, 7.4.
 */

import { canonicalAddress } from '../../lib/text/address.ts';
import type { ProxyProtocolVersion } from '../../model/threads/proxied.ts';
import type { Peer } from '../decide/decide.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';
import { announcement } from '../wire/proxied/announce.ts';
import { type HostLine, HostLines, hostLine, textOf } from './host-lines.ts';

/** Of a connection that has none yet. */
const NOBODY: HostLine = { host: '', text: '', bytes: Buffer.alloc(0) };

/** Known fields in which clients speak of themselves as only proxies may. */
export const CLAIMS: readonly number[] = [
  FIELD.forwarded,
  FIELD.xForwardedFor,
  FIELD.xForwardedProto,
  FIELD.xForwardedHost,
  FIELD.xForwardedPort,
  FIELD.xRealIp,
  FIELD.trueClientIp,
  FIELD.xOriginalUrl,
  FIELD.xRewriteUrl,
  FIELD.xForwardedClientCert,
];

const SAYINGS = CLAIMS.slice(0, 5);

/** Is a lower-case name one of the kind that `FieldTable.dropClaims` drops? Those that are configured are known fields. */
export function isClaimName(name: string): boolean {
  return name.startsWith('x-forwarded-') || name.startsWith('x-client-');
}

/** The version of HTTP that a connection was made for. */
export type ClientProtocol = '1.1' | '2';

/** Forwarding lines that are the same for every request of a connection. */
export class PeerLines {
  readonly peer: Peer;
  /** For an untrusted peer: all lines but `X-Forwarded-Host`, each with its CRLF. */
  readonly forwarded: string;
  /** Of the protocol that the peer speaks; a request of HTTP/1.0 says so itself. */
  readonly protocol: ClientProtocol;
  readonly #hosts: HostLines;
  /** Those of the host that was asked for last, from the second request on. */
  #last: HostLine = NOBODY;
  #hasServed = false;

  /** The header of the PROXY protocol that was asked for last. */
  #announced = '';
  #announcedIn: ProxyProtocolVersion | 0 = 0;

  constructor(peer: Peer, protocol: ClientProtocol = '1.1', hosts = new HostLines()) {
    const { address, port, secure } = peer;
    this.#hosts = hosts;
    this.peer = peer;
    this.protocol = protocol;
    this.forwarded =
      `Forwarded: ${elementOf(peer)}\r\nX-Forwarded-Port: ${port}\r\n` +
      `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${protocolOf(peer)}\r\n${secure === null ? '' : secure.line}`;
  }

  /** The header for connections to endpoints that are told who the client is. Made once for each connection of the client. */
  announcedIn(version: ProxyProtocolVersion): string {
    if (version !== this.#announcedIn) this.#announced = announcement(this.peer, version);
    this.#announcedIn = version;
    return this.#announced;
  }

  /**
   * All lines of a request for `host`, which is not empty. From a connection's second request on they are remembered; with a
   * second host they are those that all connections of such peers have.
   */
  of(host: string): string {
    if (host === this.#last.host) return this.#last.text;
    if (!this.#hasServed) {
      this.#hasServed = true;
      return textOf(this.forwarded, host);
    }
    const isOne = this.#last === NOBODY;
    this.#last = isOne ? hostLine(host, textOf(this.forwarded, host)) : this.#hosts.of(this.forwarded, host);
    return this.#last.text;
  }

  /** The bytes of lines that `of` gave last, if they are remembered; null of others. */
  bytesOf(lines: string): Buffer | null {
    return lines === this.#last.text ? this.#last.bytes : null;
  }
}

/** What the peer speaks to the gateway. */
function protocolOf({ secure }: Peer): 'http' | 'https' {
  return secure === null ? 'http' : 'https';
}

/** `for=192.0.2.1;proto=http`; IPv6 in brackets and quotes. Source: RFC 7239 section 6. */
function elementOf(peer: Peer, protocol = protocolOf(peer)): string {
  const { address } = peer;
  return `for=${address.includes(':') ? `"[${address}]"` : address};proto=${protocol}`;
}

/**
 * The lines for the upstream; drops the fields that they replace.
 * @param host of the request as it was asked for; empty in HTTP/1.0 without one.
 * @param isRewritten whether the upstream gets another `Host` than that.
 */
export function forwardedLines(fields: FieldTable, lines: PeerLines, host: string, isRewritten: boolean): string {
  const { secure } = lines.peer;
  // Who was asked for a certificate has none other than the one that was verified.
  if (secure !== null && secure.isAsked) fields.drop(FIELD.xForwardedClientCert);
  if (lines.peer.isTrusted && saysAnything(fields)) return trustedLines(fields, lines, host);
  if (host === '') return lines.forwarded;
  if (!isRewritten) return lines.of(host);
  // Readers of Forwarded take the host from Host unless they are told.
  const rest = lines.forwarded.slice(lines.forwarded.indexOf('\n') + 1);
  return `Forwarded: ${elementOf(lines.peer)};host="${host}"\r\n${rest}X-Forwarded-Host: ${host}\r\n`;
}

/** Does a trusted peer speak as a proxy at all? Otherwise it is the client. */
function saysAnything(fields: FieldTable): boolean {
  for (const id of SAYINGS) if (fields.seen(id) > 0) return true;
  return false;
}

/** A trusted proxy's claims stand; its own address is appended to the path the request took. */
function trustedLines(fields: FieldTable, lines: PeerLines, host: string): string {
  const speaksForwarded = fields.seen(FIELD.forwarded) > 0;
  const speaksX = fields.seen(FIELD.xForwardedFor) > 0;
  let added = '';
  if (speaksX || !speaksForwarded) {
    added = joined(fields, FIELD.xForwardedFor, 'X-Forwarded-For', lines.peer.address);
    if (fields.seen(FIELD.xForwardedProto) === 0) added += `X-Forwarded-Proto: ${protocolOf(lines.peer)}\r\n`;
  }
  if (speaksForwarded || !speaksX) {
    // Who says what its client spoke, and not who that was, is told of as one that speaks so.
    const isOnly = !(speaksForwarded || speaksX);
    const protocol = isOnly && isHttps(fields, lines.peer) ? 'https' : protocolOf(lines.peer);
    added += joined(fields, FIELD.forwarded, 'Forwarded', elementOf(lines.peer, protocol));
  }
  if (host !== '' && fields.seen(FIELD.xForwardedHost) === 0) added += `X-Forwarded-Host: ${host}\r\n`;
  return lines.peer.secure === null ? added : added + lines.peer.secure.line;
}

function joined(fields: FieldTable, id: number, name: string, own: string): string {
  const before = fields.values(id);
  fields.drop(id);
  before.push(own);
  return `${name}: ${before.join(', ')}\r\n`;
}

/** Did the client speak HTTPS: to the trusted proxy that this request comes from, if that says so, else to the gateway? */
export function isHttps(fields: FieldTable, peer: Peer): boolean {
  const said = peer.isTrusted ? (fields.value(FIELD.xForwardedProto) ?? forwardedProto(fields, peer)) : null;
  return said === null ? peer.secure !== null : said.toLowerCase() === 'https';
}

/**
 * What the client spoke by the elements of trusted proxies that speak `Forwarded` alone: who speaks the other language may pass on what
 * its client wrote here. It is in the element of the first address from the right that is not a trusted proxy's.
 */
function forwardedProto(fields: FieldTable, peer: Peer): string | null {
  if (fields.seen(FIELD.xForwardedFor) > 0 || fields.seen(FIELD.forwarded) === 0) return null;
  const elements = splitUnquoted(fields.values(FIELD.forwarded).join(','), ',').toReversed();
  const isClients = (element: string): boolean => {
    const address = nodeAddress(parameterOf(element, 'for'));
    return address === '' || !peer.trusts(address);
  };
  const proto = parameterOf(elements.find(isClients) ?? (elements.at(-1) as string), 'proto').replaceAll('"', '');
  return proto === '' ? null : proto;
}

/**
 * Addresses of the `for=` parameters of a `Forwarded` value, without port and brackets, in its order; empty for one that
 * is missing, `unknown` or obfuscated.
 */
export function forwardedFor(value: string): string[] {
  return splitUnquoted(value, ',').map((element) => nodeAddress(parameterOf(element, 'for')));
}

/** A parameter of an element as it is written; empty without it. */
function parameterOf(element: string, name: string): string {
  for (const pair of splitUnquoted(element, ';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, equals).trim().toLowerCase() === name) return pair.slice(equals + 1).trim();
  }
  return '';
}

/** Cuts at a separator outside of quotes. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') isQuoted = !isQuoted;
    else if (char === '\\' && isQuoted) at++;
    else if (char === separator && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/**
 * `"[2001:DB8::1]:80"` -> `2001:db8::1`; `192.0.2.1:80` -> `192.0.2.1`, as proxies also write into `X-Forwarded-For`. Empty for
 * what is no address: `unknown`, an obfuscated name, an address with a zone.
 */
export function nodeAddress(node: string): string {
  const trimmed = node.trim();
  const bare = trimmed.startsWith('"') ? trimmed.slice(1, trimmed.endsWith('"') ? -1 : 1) : trimmed;
  const colon = bare.indexOf(':');
  if (bare.startsWith('[')) return canonicalAddress(bare.slice(1, Math.max(1, bare.indexOf(']')))) ?? '';
  return canonicalAddress(colon >= 0 && colon === bare.lastIndexOf(':') ? bare.slice(0, colon) : bare) ?? '';
}
