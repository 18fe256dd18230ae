/**
 * Host names and IP addresses: what a route may match, what an endpoint may be, which peers are trusted.
 *
 * Names are RFC 1123: labels of 1 to 63 letters, digits and inner hyphens, 253 characters in all. Endpoint names may
 * also hold `_`, which container networks use. A last label that is a number makes the whole an IPv4 address, so
 * `10.0.0` and `999.1.1.1` are refused instead of being looked up.
 * Source: RFC 1123 section 2.1; WHATWG URL, "ends in a number"; RFC 4291 section 2.2.
 */

import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const NAME_LENGTH_MAX = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ENDPOINT_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** JSON Schema of a route's host name. */
export const HOSTNAME_META = { type: 'string', maxLength: NAME_LENGTH_MAX };

/** Whether `host` can be dialed or listened on: an IP address (IPv6 without brackets or zone) or a name. */
export function isHost(host: string): boolean {
  if (isIPv6(host)) return !host.includes('%');
  if (isIPv4(host)) return true;
  const labels = host.toLowerCase().split('.');
  return host.length <= NAME_LENGTH_MAX && labels.every((label) => ENDPOINT_LABEL.test(label)) && !endsInNumber(labels);
}

/** One spelling per host: lower case, IPv6 compressed. `host` must be valid. */
export function canonicalHost(host: string): string {
  return isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host.toLowerCase();
}

function endsInNumber(labels: readonly string[]): boolean {
  return /^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '');
}

/** A host name of a route, with `*` as the whole first label at most. */
export function checkHostname(value: unknown): Fault | null {
  const expected = 'a host name such as shop.example.com or *.example.com';
  if (typeof value !== 'string') return wrongType(expected, value);
  const name = value.toLowerCase();
  const labels = (name.startsWith('*.') ? name.slice(2) : name).split('.');
  const isName = labels.every((label) => LABEL.test(label)) && !endsInNumber(labels);
  if (name.length <= NAME_LENGTH_MAX && (isName || isIPv4(name))) return null;
  return { kind: 'hostname', expected, hint: hostnameHint(name) };
}

/** A host name that is sent: without a wildcard. */
export function checkPreciseHostname(value: unknown): Fault | null {
  const expected = 'a host name such as shop.example.com';
  const fault = checkHostname(value);
  if (fault !== null) return { ...fault, expected, hint: value === '*' ? '' : (fault.hint ?? '') };
  const isWild = String(value).startsWith('*');
  return isWild ? { kind: 'hostname', expected, hint: 'a wildcard is no host to send' } : null;
}

function hostnameHint(name: string): string {
  if (name === '*') return 'leave hostnames out to match every host';
  if (name.lastIndexOf('*') > 0) return 'the wildcard can only be the whole first label';
  const scheme = /^[a-z]+:\/\/([^/]+)/.exec(name);
  if (scheme !== null) return didYouMean(scheme[1] as string);
  const bare = name
    .replace(/[/?#].*$/, '')
    .replace(/:[0-9]*$/, '')
    .replace(/\.$/, '');
  if (bare !== name && checkHostname(bare) === null) return didYouMean(bare);
  const ascii = domainToASCII(name);
  return ascii !== name && checkHostname(ascii) === null ? didYouMean(ascii) : '';
}

/** A CIDR block, `10.0.0.0/8`; a bare address stands for itself alone. */
export function checkCidr(value: unknown): Fault | null {
  const expected = 'an address block such as 10.0.0.0/8 or fd00::/8';
  if (typeof value !== 'string') return wrongType(expected, value);
  if (parseCidr(value) !== null) return null;
  const [address = '', ...lengths] = value.split('/');
  const bits = isIPv4(address) ? 32 : 128;
  const isLengthWrong = isIP(address) > 0 && lengths.length === 1;
  return { kind: 'cidr', expected, hint: isLengthWrong ? `the prefix length is from 0 to ${bits}` : '' };
}

/** The block in canonical form, `10.1.2.3` as `10.1.2.3/32`; null when it is malformed. */
export function parseCidr(text: string): string | null {
  const [address = '', length, ...rest] = text.split('/');
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return null;
  const bits = isIPv4(address) ? 32 : 128;
  if (length === undefined) return `${canonicalHost(address)}/${bits}`;
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return null;
  return `${canonicalHost(address)}/${length}`;
}
