/**
 * The upgrade lane of one worker: handshakes, sessions, and http-proxy-3 between the two ends of each.
 *
 * The head that http-proxy-3 gets is a constant: it never sees what a client or an upstream said about HTTP. An unlistened
 * node:http server reads that head from the client's own socket, as `ws` wants a request and the socket it came on.
 *
 * Sessions are ended by policy: when a version that had weight gets none any more (a rollback), and when the gateway
 * drains. `keep` lets them live through a rollback, and through a drain until shortly before its end.
 * Source: docs/adr/0016-http-proxy-3.md.
 */

import { Agent, createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ProxyServer } from 'http-proxy-3';
import { nowMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { REASON } from '../../model/reason.ts';
import { SESSION_END, type SessionEnd } from '../../model/tallies.ts';
import type { LinkedRoute } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Lane } from '../lane.ts';
import type { Wire } from '../wire/wire.ts';
import { recordAbnormal, type SessionOrigin } from './aftermath.ts';
import type { Agreement, ClientSocket } from './agreement.ts';
import { FarEnd } from './far-end.ts';
import { Handshake } from './handshake.ts';
import { protocolOf } from './offer.ts';
import { LEAVE_MS, Session } from './session.ts';
import { Offer } from './switching.ts';
import { takeOver } from './take-over.ts';

/** Whatever the protocol is: to http-proxy-3 it is a WebSocket. */
const REQUEST = 'GET / HTTP/1.1\r\nHost: upgrade.invalid\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
/** The one protocol that streams of HTTP/2 may become. Source: RFC 8441 section 5. */
const WEBSOCKET = 'websocket';
/** Never dialed: the agent has the connection already. */
const TARGET = new URL('http://upgrade.invalid/');
/** The 101 was measured by our own parser; its fields grow by little when they are re-made. */
const EXTRA_HEAD_BYTES = 1024;

/** Hands out the one connection that there is. */
class OneConnection extends Agent {
  readonly #far: FarEnd;

  constructor(far: FarEnd) {
    super({ keepAlive: false });
    this.#far = far;
  }

  override createConnection(): Duplex {
    return this.#far;
  }
}

export class Upgrades implements Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly #lane: Lane;
  readonly #server: Server;
  readonly #proxy: ProxyServer;
  readonly #handshakes = new Set<Handshake>();
  readonly #sessions = new Map<Duplex, Session>();
  /** Sessions that a rollback ends, by the dial that tells of it. */
  readonly #watched = new Map<number, Set<Session>>();
  /** Clients that are a stream of a connection that is counted elsewhere. */
  #streams = 0;
  #isDraining = false;
  /** When a drain ends the sessions that may stay. */
  #drainAtMs = Number.POSITIVE_INFINITY;
  #whenEmpty: (() => void)[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
    this.#server = createUnlistened();
    this.#server.on('upgrade', (request, client, head) => this.#connect(request, client, head));
    this.#proxy = createProxyServer({ xfwd: false });
    this.#proxy.on('open', (far) => {
      if (far instanceof FarEnd) far.opened();
    });
    // Each session hears of its sockets' errors itself; without a listener this one would be thrown.
    this.#proxy.on('error', () => undefined);
  }

  /** Clients in the lane. */
  get size(): number {
    return this.#handshakes.size + this.#sessions.size;
  }

  /** Those of them that are a connection of their own. */
  get connections(): number {
    return this.size - this.#streams;
  }

  /**
   * Takes a decided exchange, and its client's connection with it, if the request may become another protocol.
   * @param wire of the client.
   * @param early bytes behind the request; copied.
   * @returns false when it is to be served as a plain request.
   */
  take(x: Exchange, head: RequestHead, wire: Wire, early: Buffer): boolean {
    const protocol = protocolOf(head, (x.route as LinkedRoute).upgrade.protocols);
    // A connection that is HTTP/2 cannot become anything else, and answers that wait would be lost on the way here.
    if (protocol === '' || wire.isBackedUp || x.split?.targets.endpoints[0]?.isHttp2 === true) return false;
    const bytes = Buffer.from(early);
    const handle = wire.release();
    // Ended or broken already: nobody else would close what is left of it.
    if (handle === null) wire.close();
    // We are within a read of this connection: it must not get another owner before that is over.
    this.#shake(x, new Offer(protocol, null), () => (handle === null ? null : takeOver(handle, bytes)));
    return true;
  }

  /**
   * The same for a stream of HTTP/2 (extended CONNECT).
   * @param open called when it is taken; what it gives is the lane's.
   * @returns null when it is to be refused, as `x.reason` says: there is no plain request in it.
   */
  takeStream<Client extends ClientSocket>(x: Exchange, head: RequestHead, open: () => Client): Client | null {
    const protocol = protocolOf(head, (x.route as LinkedRoute).upgrade.protocols);
    if (protocol !== WEBSOCKET || x.split?.targets.endpoints[0]?.isHttp2 === true) {
      x.reason = REASON.upgradeRefused;
      x.detail = protocol === WEBSOCKET ? 'the endpoints speak HTTP/2' : 'the route allows no such protocol';
      return null;
    }
    const client = open();
    this.#streams++;
    client.once('close', () => {
      this.#streams--;
    });
    this.#shake(x, new Offer(protocol, this.#lane.random), () => client);
    return client;
  }

  #shake(x: Exchange, offer: Offer, clientOf: () => ClientSocket | null): void {
    const { mirror } = x.route as LinkedRoute;
    if (mirror !== null) this.#lane.mirrors.forgo(x, mirror);
    const handshake = new Handshake(x, offer, {
      agreed: (agreement) => this.#begin(agreement),
      closed: (gone) => {
        this.#handshakes.delete(gone);
        this.#checkEmpty();
      },
    });
    this.#handshakes.add(handshake);
    process.nextTick(() => handshake.begin(clientOf()));
  }

  /** Ends every session by its policy; resolves when nothing is left. May be asked again. */
  drain(): Promise<void> {
    if (!this.#isDraining) this.#beginDrain();
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  #beginDrain(): void {
    this.#isDraining = true;
    this.#drainAtMs = nowMs() + Math.max(0, this.#lane.table.drain.timeoutMs - LEAVE_MS);
    for (const session of this.#sessions.values()) if (session.isClosedByPolicy) session.retire(SESSION_END.drained);
    this.#plan();
  }

  /** Ends everything now. */
  destroy(): void {
    for (const handshake of [...this.#handshakes]) handshake.destroy();
    for (const session of [...this.#sessions.values()]) session.destroy(SESSION_END.drained);
  }

  /** Due at every sweep while there is something to look after. Cost: O(versions with sessions). */
  expire(atMs: number): void {
    for (const [dial, sessions] of this.#watched) {
      if (Atomics.load(this.#lane.dials, dial) > 0) continue;
      this.#watched.delete(dial);
      for (const session of sessions) session.retire(SESSION_END.rolledBack);
    }
    if (atMs >= this.#drainAtMs) {
      this.#drainAtMs = Number.POSITIVE_INFINITY;
      for (const session of this.#sessions.values()) session.leave(SESSION_END.drained);
    }
    this.#plan();
  }

  #plan(): void {
    this.deadlineAtMs = this.#watched.size > 0 ? 0 : this.#drainAtMs;
    if (this.deadlineAtMs === Number.POSITIVE_INFINITY) this.#lane.deadlines.remove(this);
    else if (this.slot < 0) this.#lane.deadlines.add(this);
  }

  #begin(agreement: Agreement): void {
    const session = new Session(agreement, (over, reason) => this.#over(over, reason));
    const { client, split } = session;
    this.#lane.recorder.sessionBegan(split.cellBase);
    // What counts in the route's cell as well keeps it from being given away.
    if (session.origin !== null) this.#lane.recorder.sessionBegan(session.origin.route.cellBase);
    this.#sessions.set(client, session);
    this.#lane.deadlines.add(session);
    // Without weight from the beginning, as a color may pin it, a version is not rolled back.
    if (session.isClosedByPolicy && agreement.hadWeight) this.#watch(session, split.dial);
    client.unshift(REQUEST, 'latin1');
    this.#server.emit('connection', client);
    if (this.#isDraining && session.isClosedByPolicy) session.retire(SESSION_END.drained);
  }

  /** One that was rolled back before its 101 came is found without weight by the next sweep. */
  #watch(session: Session, dial: number): void {
    const sessions = this.#watched.get(dial);
    if (sessions === undefined) this.#watched.set(dial, new Set([session]));
    else sessions.add(session);
    this.#plan();
  }

  #connect(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const session = this.#sessions.get(client);
    if (session === undefined) {
      client.destroy();
      return;
    }
    const ssl = { maxHeaderSize: this.#lane.table.limits.headBytesMax + EXTRA_HEAD_BYTES };
    const options = { target: TARGET, agent: new OneConnection(session.far), ssl };
    this.#proxy.ws(request, client, head, options, () => session.fail());
  }

  #over(session: Session, reason: SessionEnd): void {
    const { client, split, endpoint } = session;
    this.#sessions.delete(client);
    this.#lane.deadlines.remove(session);
    const watched = this.#watched.get(split.dial);
    if (watched?.delete(session) === true && watched.size === 0) this.#watched.delete(split.dial);
    this.#plan();
    this.#lane.recorder.sessionEnded(split.cellBase, reason);
    if (session.origin !== null) this.#settle(session.origin, reason);
    this.#lane.recorder.connect(endpoint.id, -1);
    endpoint.pool.leave();
    this.#checkEmpty();
  }

  #settle(origin: SessionOrigin, reason: SessionEnd): void {
    this.#lane.recorder.sessionEnded(origin.route.cellBase, reason);
    if (reason === SESSION_END.upstreamAbnormal) recordAbnormal(this.#lane, origin);
  }

  #checkEmpty(): void {
    if (this.size > 0) return;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }
}

/** A server that only gets connections handed in, with one head each that we wrote ourselves: it needs no patience. */
function createUnlistened(): Server {
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: 2 * REQUEST.length,
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 0,
  });
  server.timeout = 0;
  server.on('clientError', (_error, client) => client.destroy());
  server.on('request', (_request, response) => response.destroy());
  return server;
}
