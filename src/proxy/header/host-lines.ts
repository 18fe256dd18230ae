/**
 * Forwarding lines by host, kept for connections that ask for several: over HTTP/2, or of a proxy that is not known as one. Hot path.
 *
 * Connections whose peers are told of in the same words have the same lines. Bounded: by number and by bytes; then all are forgotten.
 */

import { latin1Of } from '../../lib/latin1.ts';

const LINES_MAX = 1024;
const BYTES_MAX = 1_048_576;

/** All lines that tell of a peer and of the host that it asked for. */
export interface HostLine {
  readonly host: string;
  /** One flat text of which nothing has to be gathered when it is written, and which refers to no request. */
  readonly text: string;
  readonly bytes: Buffer;
}

/** @param text of all lines, which end with the host and its CRLF */
export function hostLine(host: string, text: string): HostLine {
  // By itself: a piece of the runtime's pool would keep all of it.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  const end = bytes.length - 2;
  // Not a piece of the lines, which V8 would leave to its runtime to compare: 6 instead of 20 ns.
  return { host: latin1Of(bytes, end - host.length, end), text: latin1Of(bytes, 0, bytes.length), bytes };
}

/** Of one listener. */
export class HostLines {
  /** By what is said of the peer, then by host as it was asked for. */
  readonly #lines = new Map<string, Map<string, HostLine>>();
  #count = 0;
  #bytes = 0;

  get size(): number {
    return this.#count;
  }

  /** The lines of a host, made once. Cost: two look-ups for those that are kept. @param said of the peer, all lines but the host's */
  of(said: string, host: string): HostLine {
    const known = this.#lines.get(said)?.get(host);
    return known ?? this.#keep(said, hostLine(host, textOf(said, host)));
  }

  #keep(said: string, line: HostLine): HostLine {
    const bytes = 2 * line.bytes.length;
    if (this.#count >= LINES_MAX || this.#bytes + bytes > BYTES_MAX) this.#forget();
    let hosts = this.#lines.get(said);
    if (hosts === undefined) {
      hosts = new Map();
      this.#lines.set(said, hosts);
    }
    hosts.set(line.host, line);
    this.#count += 1;
    this.#bytes += bytes;
    return line;
  }

  #forget(): void {
    this.#lines.clear();
    this.#count = 0;
    this.#bytes = 0;
  }
}

/** All lines for a request that asks for `host`. @param said of the peer */
export function textOf(said: string, host: string): string {
  return `${said}X-Forwarded-Host: ${host}\r\n`;
}
