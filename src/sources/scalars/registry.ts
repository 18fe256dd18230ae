/**
 * What endpoints are asked for by: names and tags of a catalog, names of SRV records, addresses of name servers.
 */

import { isIP } from 'node:net';
import { type Check, type Fault, wrongType } from '../problems/fault.ts';
import { parseAddress } from './address.ts';
import { isHost } from './host.ts';

const TAG = /^[!-~](?:[ -~]{0,254}[!-~])?$/;
const PORT_MAX = 65_535;

export const TAG_META = { type: 'string', pattern: TAG.source };
export const SRV_META = { type: 'string', maxLength: 253 };
export const SERVER_META = { type: 'string' };

/** A service, version, color or tag as registries hold them: visible ASCII, spaces inside. */
export const checkTag: Check = (value) => {
  const expected = 'text of 1 to 256 visible ASCII characters';
  if (typeof value !== 'string') return wrongType(expected, value, typeof value === 'number' ? 'put it in quotes' : '');
  return TAG.test(value) ? null : { kind: 'registryText', expected };
};

/** A name that SRV records are kept under. */
export function checkSrvName(value: unknown): Fault | null {
  const expected = 'a name such as _http._tcp.shop.example.com';
  if (typeof value !== 'string') return wrongType(expected, value);
  return isHost(value) && isIP(value) === 0 ? null : { kind: 'registryText', expected };
}

/** An IP address, with a port or without: a name would have to be resolved first. */
export function checkServerAddress(value: unknown): Fault | null {
  const expected = 'an IP address with a port or without, such as 10.0.0.2 or "[::1]:53"';
  if (typeof value !== 'string') return wrongType(expected, value);
  if (isIP(value) !== 0) return null;
  const address = parseAddress(value);
  const isSound = address !== null && isIP(address.host) !== 0 && address.port >= 1 && address.port <= PORT_MAX;
  return isSound ? null : { kind: 'registryText', expected };
}
