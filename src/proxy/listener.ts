/**
 * Accepts client connections for one worker and keeps account of them.
 *
 * Every worker listens on the same address with SO_REUSEPORT, so the kernel spreads new connections over them. Beyond
 * the limit of connections a new one is closed at once, counted, and nobody else suffers.
 */

import { BlockList, createServer, isIP, isIPv6, type Server } from 'node:net';
import { beginTurn } from '../lib/clock.ts';
import { hash32 } from '../lib/hash.ts';
import { Roster } from '../lib/roster.ts';
import { REASON } from '../model/reason.ts';
import { PeerLines } from './header/forwarded.ts';
import { ClientConnection, type ConnectionEvents } from './http1/connection.ts';
import type { Lane } from './lane.ts';
import type { Handle, ServerHandle } from './wire/binding.ts';

/** A worker's listening socket and its connections. */
export class Listener implements ConnectionEvents {
  readonly #lane: Lane;
  readonly #server: Server;
  readonly #connections = new Roster<ClientConnection>();
  #port = 0;
  #trusts: Trust = nobody;
  /** What the kernel says of a peer; one for all, whose fields exist already. */
  readonly #name = { address: '', family: '', port: 0 };
  #whenEmpty: (() => void)[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
    this.#server = createServer();
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Whose forwarding headers are believed from now on; connections keep what they were accepted with. */
  trust(cidrs: readonly string[]): void {
    this.#trusts = cidrs.length === 0 ? nobody : trustOf(cidrs);
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
        const { _handle: listening } = this.#server as unknown as { readonly _handle: ServerHandle };
        // What is accepted inherits it: a call for all instead of one for each.
        listening.setNoDelay(true);
        listening.onconnection = (status, client) => this.#accept(status, client);
        const address = this.#server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : options.port;
        resolve(this.#port);
      });
    });
  }

  /** Stops accepting, closes idle connections; resolves when the last exchange is over. */
  drain(): Promise<void> {
    this.#lane.isDraining = true;
    this.#server.close();
    for (const connection of this.#connections.all()) connection.drain();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#server.close();
    for (const connection of this.#connections.all()) connection.destroy();
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
