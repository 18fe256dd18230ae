/**
 * `host:port` addresses: where the gateway listens and which endpoints it dials. IPv6 stands in brackets.
 */

import { isIPv6 } from 'node:net';
import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';
import { canonicalHost, isHost } from './host.ts';

/** A host and a port; IPv6 without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** JSON Schema of `host:port` text. */
export const ADDRESS_META = { type: 'string', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:/\\[\\]]+):[0-9]{1,5}$' };

/** The parts of `host:port` in canonical spelling, null when malformed. The port may still be out of range. */
export function parseAddress(text: string): Address | null {
  const form = /^(?:\[([^\]]*)\]|([^:[\]]+)):([0-9]{1,9})$/.exec(text);
  if (form === null) return null;
  const [, bracketed, bare, port] = form;
  if (bracketed !== undefined && !isIPv6(bracketed)) return null;
  const host = bracketed ?? bare ?? '';
  return isHost(host) ? { host: canonicalHost(host), port: Number(port) } : null;
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A check for `host:port` text with a port from `portMin`. `example` shows the form. */
export function addressFrom(portMin: 0 | 1, example: string): Check {
  const expected = `an address such as ${JSON.stringify(example)}`;
  return (value) => {
    if (typeof value === 'number') return wrongType(expected, value, addressHint(`${value}`, example));
    if (typeof value !== 'string') return wrongType(expected, value);
    const address = parseAddress(value);
    if (address === null) return { kind: 'address', expected, hint: addressHint(value, example) };
    return checkPort(portMin, address.port);
  };
}

/** A check for a port number from `portMin`. */
export function portFrom(portMin: 0 | 1): Check {
  return (value) => {
    const expected = `a port from ${portMin} to ${PORT_MAX}`;
    return typeof value === 'number' ? checkPort(portMin, value) : wrongType(expected, value);
  };
}

/** A host without a port. */
export function checkHost(value: unknown): Fault | null {
  const expected = 'a host name or an IP address';
  if (typeof value !== 'string') return wrongType(expected, value);
  return isHost(value) ? null : { kind: 'address', expected };
}

/** What a `Host` header may hold: a host, IPv6 in brackets, with a port or without. */
export function checkAuthority(value: unknown): Fault | null {
  const expected = 'a host name, with a port or without';
  if (typeof value !== 'string') return wrongType(expected, value);
  const address = parseAddress(value) ?? parseAddress(`${value}:1`);
  return address === null || checkPort(1, address.port) !== null ? { kind: 'hostname', expected } : null;
}

function checkPort(portMin: 0 | 1, port: number): Fault | null {
  if (Number.isInteger(port) && port >= portMin && port <= PORT_MAX) return null;
  return { kind: 'port', expected: `a port from ${portMin} to ${PORT_MAX}` };
}

/** What was meant by a bare port, `:8080`, a URL, or IPv6 without brackets. */
function addressHint(text: string, example: string): string {
  const host = parseAddress(example)?.host ?? '127.0.0.1';
  const port = /^:?([0-9]{1,5})$/.exec(text);
  if (port !== null) return didYouMean(`"${host}:${port[1]}"`);
  const url = /^[a-z]+:\/\/([^/]+)/.exec(text);
  if (url !== null && parseAddress(url[1] as string) !== null) return didYouMean(`"${url[1]}"`);
  const bareIpv6 = /^(.*):([0-9]{1,5})$/.exec(text);
  if (bareIpv6 !== null && isIPv6(bareIpv6[1] as string)) return didYouMean(`"[${bareIpv6[1]}]:${bareIpv6[2]}"`);
  return isHost(text) ? `add the port: "${formatAddress({ host: text, port: 8080 })}"` : '';
}
