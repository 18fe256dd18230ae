/**
 * Which `Host` names the admin server answers to: the defense against DNS rebinding.
 *
 * A page in a browser can make its own name resolve to 127.0.0.1 and then read this server as "same origin"; it cannot
 * choose the name that the browser sends. So only names that cannot be an attacker's are served: `localhost` and its
 * subdomains, loopback addresses, the bound address, and names the operator listed. A server that is bound to every
 * interface (`0.0.0.0`, `::`) also answers to any IP address, because an address, unlike a name, cannot be rebound.
 */

import { isIP } from 'node:net';

const LOOPBACK_NAME = /^(?:[a-z0-9-]+\.)*localhost$/;

/** Host name without port, brackets and trailing dot, in lower case; empty when the header is not a host. */
export function hostName(header: string): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase().replace(/\.$/, '');
}

/**
 * Makes the test for a `Host` header.
 * @param boundHost the address the server listens on.
 * @param allowed further names now, in lower case and without port.
 */
export function hostFilter(
  boundHost: string,
  allowed: () => readonly string[] = () => [],
): (header: string) => boolean {
  const bound = boundHost.toLowerCase();
  const isEverywhere = boundHost === '0.0.0.0' || boundHost === '::';
  return (header) => {
    const name = hostName(header);
    if (name === '') return false;
    if (name === bound || LOOPBACK_NAME.test(name) || allowed().includes(name)) return true;
    if (isIP(name) === 0) return false;
    return isEverywhere || name === '::1' || name.startsWith('127.');
  };
}
