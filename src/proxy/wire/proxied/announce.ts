/**
 * The header of the PROXY protocol as the gateway writes it at the beginning of a connection to an endpoint.
 *
 * It says who the client's connection is from, and which address it was made to. As Latin-1 text, whatever the version: what is
 * written is what connections are told apart by, too.
 * Source: haproxy's proxy-protocol.txt, section 2.
 */

import { isIPv4 } from 'node:net';
import { PROXY_SIGNATURE, type ProxyProtocolVersion } from '../../../model/threads/proxied.ts';

/** What a header is made of. */
export interface Announced {
  /** IPv4 or IPv6, with a zone or without. */
  readonly address: string;
  /** Where the client's connection was made to; empty: it was not asked for, and the unspecified address stands for it. */
  readonly local: string;
  readonly sourcePort: number;
  readonly port: number;
}

/** For a client's connection over TCP. */
export function announcement({ address, local, sourcePort, port }: Announced, version: ProxyProtocolVersion): string {
  const [from = ''] = address.split('%', 1);
  const [to = ''] = (local === '' ? (isIPv4(from) ? '0.0.0.0' : '::') : local).split('%', 1);
  const isV4 = isIPv4(from) && isIPv4(to);
  if (version === 1) {
    const textOf = (host: string): string => (isV4 || !isIPv4(host) ? host : `::ffff:${host}`);
    return `PROXY ${isV4 ? 'TCP4' : 'TCP6'} ${textOf(from)} ${textOf(to)} ${sourcePort} ${port}\r\n`;
  }
  const hosts = isV4 ? [bytesV4(from), bytesV4(to)] : [bytesV6(from), bytesV6(to)];
  const addresses = [...hosts.flat(), ...twoBytes(sourcePort), ...twoBytes(port)];
  const head = [0x21, isV4 ? 0x11 : 0x21, ...twoBytes(addresses.length)];
  return PROXY_SIGNATURE + String.fromCharCode(...head, ...addresses);
}

function twoBytes(value: number): [number, number] {
  return [value >>> 8, value & 255];
}

function bytesV4(address: string): number[] {
  return address.split('.').map(Number);
}

/** An IPv4 address in the form of IPv6. Source: RFC 4291 sections 2.2, 2.5.5.2. */
function bytesV6(address: string): number[] {
  if (isIPv4(address)) return [...Array.from({ length: 10 }, () => 0), 255, 255, ...bytesV4(address)];
  const [before = '', after = ''] = address.split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after);
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

/** Bytes of groups, of which the last may be an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text
    .split(':')
    .flatMap((group) => (group.includes('.') ? bytesV4(group) : twoBytes(Number.parseInt(group, 16))));
}
