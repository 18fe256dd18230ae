/**
 * Accepts client connections for one worker and keeps account of them.
 *
 * Every worker listens on the same address with SO_REUSEPORT, so the kernel spreads new connections over them; or on
 * sockets that were opened before it, by another process. Beyond the limit of connections a new one is closed at once,
 * counted, and nobody else suffers.
 */

import { BlockList, createServer, isIP, isIPv6, type ListenOptions as NetListenOptions, type Server } from 'node:net';
import { beginTurn } from '../lib/clock.ts';
import { hash32 } from '../lib/hash.ts';
import { Roster } from '../lib/roster.ts';
import { REASON } from '../model/reason.ts';
import { PeerLines } from './header/forwarded.ts';
import type { ConnectionEvents } from './http1/client-terms.ts';
import { ClientConnection } from './http1/connection.ts';
import type { Lane } from './lane.ts';
import type { Handle, ServerHandle } from './wire/binding.ts';

/** Connections that the kernel holds for us until they are accepted; it may hold fewer (`net.core.somaxconn`). */
const BACKLOG = 4096;

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  /** Sockets that listen already, which become the listener's own; none: it opens one at host and port. */
  readonly fds?: readonly number[];
}

/** A worker's listening sockets and its connections. */
export class Listener implements ConnectionEvents {
  readonly #lane: Lane;
  readonly #servers: Server[] = [];
  readonly #connections = new Roster<ClientConnection>();
  #port = 0;
  #trusts: Trust = nobody;
  /** What the kernel says of a peer; one for all, whose fields exist already. */
  readonly #name = { address: '', family: '', port: 0 };
  #whenEmpty: (() => void)[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Descriptors of the listening sockets; empty where the system has no such numbers. */
  get fds(): readonly number[] {
    return this.#servers.map((server) => handleOf(server)?.fd ?? -1).filter((fd) => fd >= 0);
  }

  /** Whose forwarding headers are believed from now on; connections keep what they were accepted with. */
  trust(cidrs: readonly string[]): void {
    this.#trusts = cidrs.length === 0 ? nobody : trustOf(cidrs);
  }

  /**
   * Starts to listen and resolves with the port.
   * @throws the system's error (`EADDRINUSE`, `EACCES`, of what is no listening socket `EINVAL` …).
   */
  async listen({ fds = [], host, port, reusePort }: ListenOptions): Promise<number> {
    if (fds.length === 0) await this.#open({ host, port, reusePort, backlog: BACKLOG });
    for (const fd of fds) await this.#open({ fd, backlog: BACKLOG });
    return this.#port;
  }

  #open(options: NetListenOptions | { readonly fd: number; readonly backlog: number }): Promise<void> {
    const server = createServer();
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(options, () => {
        server.removeListener('error', reject);
        const listening = handleOf(server) as ServerHandle;
        // What is accepted inherits it: a call for all instead of one for each.
        listening.setNoDelay(true);
        listening.onconnection = (status, client) => this.#accept(status, client);
        const address = server.address();
        if (typeof address === 'object' && address !== null) this.#port = address.port;
        resolve();
      });
    });
  }

  /** Stops accepting and has every answer close its connection; another process accepts from the same sockets. */
  leave(): void {
    this.#lane.isDraining = true;
    this.#close();
  }

  /** Stops accepting, closes idle connections; resolves when the last exchange is over. */
  drain(): Promise<void> {
    this.leave();
    for (const connection of this.#connections.all()) connection.drain();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#close();
    for (const connection of this.#connections.all()) connection.destroy();
  }

  #close(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  #accept(status: number, client: Handle | undefined): void {
    // Out of descriptors and the like: the connection is lost, the listener is not.
    if (status !== 0 || client === undefined) {
      this.#lane.recorder.refused(REASON.shed);
      return;
    }
    if (this.#connections.size + this.#lane.upgrades.size >= this.#lane.table.limits.connectionsMax) {
      this.#lane.recorder.refused(REASON.shed);
      client.close();
      return;
    }
    beginTurn();
    this.#connections.add(new ClientConnection(client, this.#lane, this.#linesOf(client), this));
  }

  /** A connection is gone. */
  closed(connection: ClientConnection): void {
    this.#connections.remove(connection);
    if (this.#connections.size > 0) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  #linesOf(client: Handle): PeerLines {
    const name = this.#name;
    // A peer that is gone already has no address: its connection ends at the first read.
    name.address = '0.0.0.0';
    name.port = 0;
    client.getpeername(name);
    const address = plainAddress(name.address);
    const trusts = this.#trusts;
    const key = hash32(`${address}:${name.port}`) | 0;
    return new PeerLines({ address, port: this.#port, isTrusted: trusts(address), trusts, key });
  }
}

/** The runtime's own handle; null when the server is closed. */
function handleOf(server: Server): ServerHandle | null {
  return (server as unknown as { readonly _handle: ServerHandle | null })._handle;
}

/** Whether an address is a trusted proxy's. */
type Trust = (address: string) => boolean;

function nobody(): boolean {
  return false;
}

/** An IPv4 client of a dual-stack socket shows as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function trustOf(cidrs: readonly string[]): Trust {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address, bits] = cidr.split('/') as [string, string | undefined];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
