/**
 * Accepts client connections for one worker and keeps account of them.
 *
 * Every worker listens on the same address with SO_REUSEPORT, so the kernel spreads new connections over them. Beyond
 * the limit of connections a new one is closed at once, counted, and nobody else suffers.
 */

import { BlockList, createServer, isIP, isIPv6, type Server, type Socket } from 'node:net';
import { hash32 } from '../lib/hash.ts';
import { REASON } from '../model/reason.ts';
import type { PeerLines } from './headers.ts';
import { ClientConnection } from './http1/connection.ts';
import type { Lane } from './lane.ts';

/** A worker's listening socket and its connections. */
export class Listener {
  readonly #lane: Lane;
  readonly #server: Server;
  readonly #connections = new Set<ClientConnection>();
  #trusted = new BlockList();
  #whenEmpty: (() => void)[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#accept(socket),
    );
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Whose forwarding headers are believed from now on; connections keep what they were accepted with. */
  trust(cidrs: readonly string[]): void {
    this.#trusted = blockListOf(cidrs);
  }

  /**
   * Starts to listen and resolves with the port.
   * @throws the system's error (`EADDRINUSE`, `EACCES` …).
   */
  listen(options: { host: string; port: number; reusePort: boolean }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...options, backlog: 4096 }, () => {
        this.#server.removeListener('error', reject);
        // Out of descriptors and the like: the connection is lost, the listener is not.
        this.#server.on('error', () => this.#lane.recorder.refused(REASON.shed));
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : options.port);
      });
    });
  }

  /** Stops accepting, closes idle connections; resolves when the last exchange is over. */
  drain(): Promise<void> {
    this.#lane.isDraining = true;
    this.#server.close();
    for (const connection of [...this.#connections]) connection.drain();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#server.close();
    for (const connection of [...this.#connections]) connection.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#lane.table.limits.connectionsMax) {
      this.#lane.recorder.refused(REASON.shed);
      socket.destroy();
      return;
    }
    const connection = new ClientConnection(socket, this.#lane, this.#linesOf(socket), {
      closed: (gone) => this.#forget(gone),
    });
    this.#connections.add(connection);
  }

  #forget(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  #linesOf(socket: Socket): PeerLines {
    const address = plainAddress(socket.remoteAddress ?? '0.0.0.0');
    const trusted = this.#trusted;
    const trusts = (other: string): boolean =>
      isIP(other) !== 0 && trusted.check(other, isIPv6(other) ? 'ipv6' : 'ipv4');
    return {
      peer: { address, isTrusted: trusts(address), trusts, key: hash32(`${address}:${socket.remotePort ?? 0}`) },
      forwarded: `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: http\r\n`,
    };
  }
}

/** An IPv4 client of a dual-stack socket shows as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address, bits] = cidr.split('/') as [string, string | undefined];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
