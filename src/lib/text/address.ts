/**
 * Addresses as text, for people and as URLs: an IPv6 host in brackets (RFC 3986 section 3.2.2). And in one spelling each.
 */

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/**
 * An IP address as the kernel writes it, so that one client has one spelling; an IPv4 address in the form of IPv6 is IPv4.
 * Null: it is none, or has a zone, which means nothing on another machine.
 */
export function canonicalAddress(text: string): string | null {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return null;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** `host:port`. */
export function addressOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `http://host:port`. */
export function urlOf(host: string, port: number): string {
  return `http://${addressOf(host, port)}`;
}
