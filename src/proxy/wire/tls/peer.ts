/**
 * What a connection over TLS is known for: the certificate it was made with, and who the client is.
 */

import type { ClientIdentity } from './identity.ts';
import { type CertificateNames, NO_CERTIFICATE } from './names.ts';

/** In place of a certificate's number: which one it was is not known, as a session was resumed that tells no host. */
export const UNTOLD = -2;

export class SecurePeer {
  /** Empty without a certificate of the client's, and of one that names nobody. */
  readonly identity: string;
  /** `X-Forwarded-Client-Cert: …` with its CRLF; empty without a certificate. */
  readonly line: string;
  /** Clients of this listener are asked for certificates: nobody else can say who they are. */
  readonly isAsked: boolean;
  readonly #names: CertificateNames;
  #shown: number;
  #host = '';

  /** @param shown number of the certificate that the client got, or `UNTOLD` */
  constructor(names: CertificateNames, shown: number, client: ClientIdentity | null, isAsked: boolean) {
    this.#names = names;
    this.#shown = shown;
    this.identity = client === null ? '' : client.name;
    this.line = client === null ? '' : `X-Forwarded-Client-Cert: ${client.field}\r\n`;
    this.isAsked = isAsked;
  }

  /**
   * Whether a request for a host belongs on this connection: the host has the certificate that the client was shown. A
   * request for none does. Where it is untold the first host that has one decides for those that follow.
   * Source: RFC 9110 sections 7.4, 15.5.20.
   */
  serves(host: string): boolean {
    if (host === '' || host === this.#host) return true;
    const own = this.#names.find(host);
    if (this.#shown === UNTOLD && own !== NO_CERTIFICATE) this.#shown = own;
    if (own !== this.#shown) return false;
    this.#host = host;
    return true;
  }
}
