/**
 * Accepts client connections for one worker and keeps account of them.
 *
 * Every worker listens on the same addresses with SO_REUSEPORT, so the kernel spreads new connections over them; or on
 * sockets that were opened before it, by another process. Beyond the limit of connections, and while the gateway is short of
 * what connections take (decide/admission/shedder.ts), a new one is closed at once, counted, and nobody else suffers. Behind
 * an address with TLS a connection becomes one when its handshake is done; behind one that takes headers of the PROXY
 * protocol, when its header is read: then it is the connection of whom the header names (docs/CLIENT-IP.md).
 */

import { BlockList, createServer, isIP, isIPv6, type ListenOptions as NetListenOptions, type Server } from 'node:net';
import { beginTurn } from '../lib/clock.ts';
import { hash32 } from '../lib/hash.ts';
import { Roster } from '../lib/roster.ts';
import { REASON } from '../model/reason.ts';
import { CELL } from '../model/tallies.ts';
import type { ProxyProtocolMode } from '../model/threads/proxied.ts';
import { type Door, HANDSHAKE, type TlsMaterial } from '../model/threads/tls.ts';
import type { Peer } from './decide/decide.ts';
import { PeerLines } from './header/forwarded.ts';
import { HostLines } from './header/host-lines.ts';
import type { Caller, ConnectionEvents } from './http1/client-terms.ts';
import { ClientConnection } from './http1/connection.ts';
import { Http2Connection } from './http2/connection.ts';
import { PrefaceReader } from './http2/preface.ts';
import type { Lane } from './lane.ts';
import type { Handle, ServerHandle, WireHandle } from './wire/binding.ts';
import { proxiedPeer } from './wire/proxied/peer.ts';
import { Reception } from './wire/proxied/reception.ts';
import { HTTP2, SecureDoor } from './wire/tls/door.ts';

/** Connections that the kernel holds for us until they are accepted; it may hold fewer (`net.core.somaxconn`). */
const BACKLOG = 4096;
/** While the gateway is short: how long a connection may be idle, and the pace at which those that are longer are looked for. */
const LEAN_IDLE_MS = 1000;
const LEAN_LOOK_MS = 500;

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  /** Whether HTTP/2 is spoken besides HTTP/1.1. */
  readonly http2?: boolean;
  /** Sockets that listen already, which become the listener's own; none: it opens one at host and port. */
  readonly fds?: readonly number[];
  /** Absent: connections begin without a header. */
  readonly proxyProtocol?: ProxyProtocolMode | undefined;
}

/** One address. */
interface Entrance {
  port: number;
  readonly isHttp2: boolean;
  readonly servers: Server[];
  readonly proxyProtocol: ProxyProtocolMode | undefined;
  door: SecureDoor | 'plain' | 'shut';
}

/** A worker's listening sockets and its connections. */
export class Listener implements ConnectionEvents {
  readonly #lane: Lane;
  /** In the order of `TlsMaterial.doors`. */
  readonly #entrances: Entrance[] = [];
  readonly #connections = new Roster<Caller>();
  #doors: readonly Door[] = [];
  /** Connections whose handshake is under way, those of doors that were replaced included. */
  #handshakes = 0;
  /** Doors that still have such, and are not in use any more. */
  readonly #former = new Set<SecureDoor>();
  readonly #reception: Reception;
  readonly #hosts = new HostLines();
  #trusts: Trust = nobody;
  /** What the kernel says of a peer; one for all, whose fields exist already. */
  readonly #name = { address: '', family: '', port: 0 };
  #whenEmpty: (() => void)[] = [];
  /** Endpoints are told which address clients came to; connections that were there before have none. */
  asksLocal = false;
  #leanAtMs = Number.NEGATIVE_INFINITY;

  constructor(lane: Lane) {
    this.#lane = lane;
    this.#reception = new Reception(lane);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Those that are no client's yet: their header or their handshake is under way. */
  get waiting(): number {
    return this.#handshakes + this.#reception.size;
  }

  /** Descriptors of the listening sockets of an address; empty where the system has no such numbers. */
  fdsOf(entrance: number): readonly number[] {
    const servers = this.#entrances[entrance]?.servers ?? [];
    return servers.map((server) => handleOf(server)?.fd ?? -1).filter((fd) => fd >= 0);
  }

  /** Whose forwarding headers are believed from now on; connections keep what they were accepted with. */
  trust(cidrs: readonly string[]): void {
    this.#trusts = cidrs.length === 0 ? nobody : trustOf(cidrs);
  }

  /** What the addresses speak TLS with from now on; connections and handshakes keep what they were begun with. */
  secure({ doors }: Pick<TlsMaterial, 'doors'>): void {
    this.#doors = doors;
    for (const [index, entrance] of this.#entrances.entries()) {
      const before = entrance.door;
      entrance.door = this.#doorOf(index, entrance.isHttp2);
      if (before instanceof SecureDoor && before.size > 0) this.#former.add(before);
    }
    for (const door of this.#former) if (door.size === 0) this.#former.delete(door);
  }

  /**
   * Starts to listen at one more address and resolves with the port.
   * @throws the system's error (`EADDRINUSE`, `EACCES`, of what is no listening socket `EINVAL` …).
   */
  async listen(options: ListenOptions): Promise<number> {
    const { fds = [], host, port, reusePort, http2: isHttp2 = false, proxyProtocol } = options;
    const door = this.#doorOf(this.#entrances.length, isHttp2);
    const entrance: Entrance = { port: 0, isHttp2, servers: [], proxyProtocol, door };
    this.#entrances.push(entrance);
    if (fds.length === 0) await this.#open(entrance, { host, port, reusePort, backlog: BACKLOG });
    for (const fd of fds) await this.#open(entrance, { fd, backlog: BACKLOG });
    return entrance.port;
  }

  #doorOf(index: number, isHttp2: boolean): Entrance['door'] {
    const door = this.#doors[index] ?? 'plain';
    if (typeof door === 'string') return door;
    return new SecureDoor(door, isHttp2, {
      count: (result) => this.#lane.recorder.countedHere(CELL.handshakes + result),
    });
  }

  #open(
    entrance: Entrance,
    options: NetListenOptions | { readonly fd: number; readonly backlog: number },
  ): Promise<void> {
    const server = createServer();
    entrance.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(options, () => {
        server.removeListener('error', reject);
        const listening = handleOf(server) as ServerHandle;
        // What is accepted inherits it: a call for all instead of one for each.
        listening.setNoDelay(true);
        listening.onconnection = (status, client) => this.#accept(status, client, entrance);
        const address = server.address();
        if (typeof address === 'object' && address !== null) entrance.port = address.port;
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
    if (this.#isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#close();
    for (const { door } of this.#entrances) if (door instanceof SecureDoor) door.destroy();
    for (const door of this.#former) door.destroy();
    this.#reception.destroy();
    for (const connection of this.#connections.all()) connection.destroy();
  }

  /** Closes connections that have been idle for more than a second. Cost: O(connections), twice a second at most. */
  closeIdle(nowMs: number): void {
    if (nowMs - this.#leanAtMs < LEAN_LOOK_MS) return;
    this.#leanAtMs = nowMs;
    // An idle connection's deadline is `idleMs` after its last answer; what else is under way is left alone by `drain`.
    const idleUntilMs = nowMs + this.#lane.table.timeouts.idleMs - LEAN_IDLE_MS;
    for (const connection of this.#connections.all()) if (connection.deadlineAtMs < idleUntilMs) connection.drain();
  }

  #close(): void {
    for (const { servers } of this.#entrances) for (const server of servers.splice(0)) server.close();
  }

  #accept(status: number, client: Handle | undefined, entrance: Entrance): void {
    // Out of descriptors and the like: the connection is lost, the listener is not.
    if (status !== 0 || client === undefined) {
      this.#lane.recorder.refused(REASON.shed);
      return;
    }
    const { shedder, table, upgrades } = this.#lane;
    const count = this.#connections.size + this.waiting + upgrades.connections;
    if (shedder.refusesConnections || count >= table.limits.connectionsMax) {
      this.#lane.recorder.refused(REASON.shed);
      client.close();
      return;
    }
    beginTurn();
    const peer = this.#peerOf(client, entrance);
    if (entrance.proxyProtocol !== undefined) this.#receive(client, entrance, peer);
    else this.#enter(client, entrance, peer);
  }

  /** Reads the header of a trusted peer first; of others there is to be none. */
  #receive(client: Handle, entrance: Entrance, socket: Peer): void {
    if (socket.isTrusted) {
      this.#reception.receive(client, socket.address, (proxied) => {
        if (proxied === null) this.#checkEmpty();
        else this.#enter(client, entrance, proxiedPeer(socket, proxied));
      });
    } else if (entrance.proxyProtocol === 'trusted') this.#enter(client, entrance, socket);
    else this.#reception.refuse(client, socket);
  }

  #enter(client: Handle, { door, isHttp2 }: Entrance, peer: Peer): void {
    if (door !== 'plain') this.#begin(client, peer, door);
    else if (isHttp2) this.#ask(client, peer);
    else this.#welcome(client, peer, false);
  }

  #welcome(handle: WireHandle, peer: Peer, isHttp2: boolean): ClientConnection | Http2Connection {
    const lines = new PeerLines(peer, isHttp2 ? '2' : '1.1', this.#hosts);
    const caller = isHttp2
      ? new Http2Connection(handle, this.#lane, lines, this)
      : new ClientConnection(handle, this.#lane, lines, this);
    this.#connections.add(caller);
    return caller;
  }

  /** A plain connection that may be of either protocol: its first bytes tell. */
  #ask(client: WireHandle, peer: Peer): void {
    const events = {
      told: (handle: WireHandle, isHttp2: boolean) => this.#welcome(handle, peer, isHttp2),
      closed: (caller: Caller) => this.closed(caller),
    };
    this.#connections.add(new PrefaceReader(client, this.#lane, events));
  }

  /** A handshake; what the kernel says of the peer was asked for while the connection was surely there. */
  #begin(client: Handle, peer: Peer, door: SecureDoor | 'shut'): void {
    const isFull = door !== 'shut' && this.#handshakes >= door.material.handshakesMax;
    if (door === 'shut' || isFull) {
      this.#lane.recorder.countedHere(CELL.handshakes + (isFull ? HANDSHAKE.refusedMany : HANDSHAKE.shut));
      client.close();
      return;
    }
    this.#handshakes++;
    door.begin(client, (secured) => {
      this.#handshakes--;
      beginTurn();
      if (secured === null) this.#checkEmpty();
      else this.#welcome(secured.handle, { ...peer, secure: secured.peer }, secured.protocol === HTTP2);
    });
  }

  /** A connection is gone. */
  closed(caller: Caller): void {
    this.#connections.remove(caller);
    this.#checkEmpty();
  }

  get #isEmpty(): boolean {
    return this.#connections.size + this.waiting === 0;
  }

  #checkEmpty(): void {
    if (!this.#isEmpty) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  /** Whom the kernel knows; asked while the connection is surely there. */
  #peerOf(client: Handle, { port }: Entrance): Peer {
    const name = this.#name;
    // A peer that is gone already has no address: its connection ends at the first read.
    name.address = '0.0.0.0';
    name.port = 0;
    client.getpeername(name);
    const address = plainAddress(name.address);
    const trusts = this.#trusts;
    const key = hash32(`${address}:${name.port}`) | 0;
    const sourcePort = name.port;
    const local = this.asksLocal ? this.#localOf(client) : '';
    return { address, sourcePort, port, local, isTrusted: trusts(address), trusts, key, secure: null };
  }

  #localOf(client: Handle): string {
    const name = this.#name;
    name.address = '';
    client.getsockname(name);
    return plainAddress(name.address);
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

/** Whom a list of addresses and blocks trusts. */
export function trustOf(cidrs: readonly string[]): Trust {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address, bits] = cidr.split('/') as [string, string | undefined];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
