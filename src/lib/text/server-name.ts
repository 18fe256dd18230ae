/**
 * Whom a TLS connection asks for, and whose certificate it believes. A name is asked for and compared; an address is compared alone, and
 * Node refuses to ask for one.
 * Source: RFC 6066 section 3.
 */

import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** As `tls.connect` takes it. An empty name is not asked for. */
export interface ServerName {
  readonly servername: string;
  readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/** @param host that is connected to: Node compares it without being told */
export function serverNameOf(name: string, host: string | null = null): ServerName {
  if (isIP(name) === 0) return { servername: name };
  if (name === host) return { servername: '' };
  return { servername: '', checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) };
}
