/**
 * One HTTP/2 connection to an endpoint, for many exchanges at a time.
 *
 * ```
 * connecting ─▸ open ─▸ leaving (no further streams: GOAWAY, lifetime, retired) ─▸ closed
 *      └─────────┴──── any failure of the connection ─────────────────────────────▸ closed
 * ```
 * It is open when the endpoint's SETTINGS are here, which say how many streams it takes; what does not speak HTTP/2 is found
 * out by then, with nothing sent. While exchanges wait and nothing is heard a PING asks whether the endpoint is still there;
 * one that does not answer it has lost its connection. Bounds: what an endpoint sends ahead of its reader (`WINDOW_BYTES` per
 * stream), frames that carry nothing (`IDLE_FRAMES_MAX`), header lists (`limits`).
 * Source: RFC 9113 sections 3.4, 5.1.2, 6.5, 6.7, 6.8, 10.5.
 */

import { type ClientHttp2Session, type ClientSessionOptions, connect, constants, type Settings } from 'node:http2';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { beginTurn, turnMs } from '../../../lib/clock.ts';
import type { Timed } from '../../../lib/deadlines.ts';
import type { Limits } from '../../../model/config.ts';
import { REASON, type Reason } from '../../../model/reason.ts';
import type { Exchange } from '../../exchange.ts';
import type { Lane } from '../../lane.ts';
import type { WireHandle } from '../../wire/binding.ts';
import type { Connecting } from '../../wire/connect.ts';
import { SecureHandle } from '../../wire/tls/handle.ts';
import { reach } from '../../wire/tls/reach.ts';
import type { Endpoint } from '../endpoint.ts';
import { Lifetime } from '../keep-alive.ts';
import type { UpstreamEvents } from '../sides.ts';
import { Pulse } from './pulse.ts';
import { UpstreamStream } from './stream.ts';

/** What an endpoint may send of one response ahead of its reader. */
export const WINDOW_BYTES = 262_144;
/** The same of all responses of a connection, before the runtime has read them. */
const CONNECTION_WINDOW_BYTES = 2_097_152;
/** PING and SETTINGS frames between two frames of responses. */
export const IDLE_FRAMES_MAX = 1000;
/** HTTP/2 counts so many bytes more for each field of a head. Source: RFC 9113 section 6.5.2. */
const FIELD_OVERHEAD = 32;
const PSEUDO_HEADERS_MAX = 8;
/** Names are sent in full where the table of the endpoint is full: no head grows by more. */
const SENT_GROWTH_BYTES = 65_536;
const MIB = 1_048_576;
const OWN_MIB = 10;
/** How long the endpoint may take to close a connection that nobody needs any more. */
const PARTING_MS = 5000;
const NOTHING = Buffer.alloc(0);
const { NGHTTP2_ENHANCE_YOUR_CALM } = constants;

/** What a connection asks of its pool, and tells it. */
export interface SessionEvents {
  /** Finds another place for an exchange that waited for this connection; false: there is none, nor one in the queue. */
  acquire(x: Exchange): boolean;
  /** It may have places for streams that it had not before. */
  freed(session: UpstreamSession): void;
  /** It is gone, for whatever reason; once. */
  gone(session: UpstreamSession): void;
}

type State = 'connecting' | 'open' | 'leaving' | 'closed';

export class UpstreamSession implements Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  /** Answers that came, less the streams that its end left behind and that may be sent again for them (`paysRun`). */
  spareAnswers = 0;
  readonly endpoint: Endpoint;
  readonly lane: Lane;
  readonly events: UpstreamEvents;
  readonly #pool: SessionEvents;
  /** Streams that wait until it is open, then those that are under way. */
  readonly #streams = new Set<UpstreamStream>();
  #state: State = 'connecting';
  #connecting: Connecting | null = null;
  #session: ClientHttp2Session | null = null;
  #socket: Socket | null = null;
  #lifetime: Lifetime | null = null;
  #pulse: Pulse | null = null;
  #streamsMax = 0;
  #hasAnswered = false;
  #idleFrames = 0;
  /** When it serves nobody any more. */
  #endsAtMs = Number.POSITIVE_INFINITY;
  #isLost = false;
  /** Number of the last stream that the endpoint has looked at, once it says that there will be no others. */
  #lastLookedAt = Number.POSITIVE_INFINITY;

  constructor(endpoint: Endpoint, lane: Lane, events: UpstreamEvents, pool: SessionEvents) {
    this.endpoint = endpoint;
    this.lane = lane;
    this.events = events;
    this.#pool = pool;
  }

  /** As the endpoint is spoken to. */
  get scheme(): 'http' | 'https' {
    return this.endpoint.security === null ? 'http' : 'https';
  }

  /** For streams that `begin`. */
  get connection(): ClientHttp2Session {
    return this.#session as ClientHttp2Session;
  }

  /** It has answered before: its end may be the keep-alive race. */
  get isReused(): boolean {
    return this.#hasAnswered;
  }

  /** The connection itself has ended. */
  get isLost(): boolean {
    return this.#isLost || this.#session?.destroyed !== false;
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  /** Exchanges that it has, or is opened for. */
  get size(): number {
    return this.#streams.size;
  }

  /** May one more exchange have it? */
  hasPlace({ sessionStreamsMax }: Limits): boolean {
    if (this.#state === 'connecting') return this.#streams.size < sessionStreamsMax;
    const isSound = this.#state === 'open' && !this.isLost && this.#pulse?.isAsking === false;
    return isSound && this.#streams.size < Math.min(sessionStreamsMax, this.#streamsMax);
  }

  /** Has a stream for this exchange: at once, or as soon as it is open. */
  take(x: Exchange): void {
    const stream = new UpstreamStream(this, x);
    if (this.#state !== 'connecting') {
      this.#serve(stream);
      return;
    }
    this.#streams.add(stream);
    x.opening = stream;
  }

  /** Connects, for exchanges that `take` brings. */
  open({ connectMs, dnsMs }: { readonly connectMs: number; readonly dnsMs: number }): void {
    const now = turnMs();
    this.deadlineAtMs = now + connectMs;
    this.lane.deadlines.add(this);
    const resolving = this.lane.resolver.resolve(this.endpoint.host, now, dnsMs, (addresses, code) => {
      if (this.#state !== 'connecting') return;
      if (addresses.length === 0) this.#openFailed(REASON.dnsFailed, `${code} while resolving the name`);
      else this.#connect(addresses, connectMs);
    });
    // Known at once, the name is behind us already.
    this.#connecting ??= resolving;
  }

  /** Something of a response came. */
  heard(): void {
    this.#hasAnswered = true;
    this.#idleFrames = 0;
    this.#pulse?.heard(turnMs());
  }

  /** A stream that waits for the opening is not wanted any more. */
  withdraw(stream: UpstreamStream): void {
    this.#streams.delete(stream);
  }

  /** A stream is over. */
  left(stream: UpstreamStream): void {
    this.#streams.delete(stream);
    // The runtime ends the streams of a lost connection first, and says of the connection itself only when its socket is closed.
    if (this.isLost) this.#close();
    else if (this.#streams.size === 0) this.#rest();
    this.#pool.freed(this);
  }

  /** Has the endpoint said that it has not looked at this stream? @param id absent: it was never sent */
  isUnprocessed(id: number | undefined): boolean {
    return id === undefined || id > this.#lastLookedAt;
  }

  /** No further streams: closes when those under way are over. */
  leave(): void {
    if (this.#state === 'connecting' && this.#streams.size === 0) this.#close();
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#session?.close();
    if (this.#streams.size === 0) this.#rest();
  }

  expire(nowMs: number): void {
    if (this.#state === 'connecting') this.#openFailed(REASON.connectTimeout, 'no connection in time');
    else if (this.#pulse?.isDead(nowMs) === true) this.#abort();
    else if (this.#pulse !== null && nowMs >= this.#pulse.dueAtMs) {
      this.#pulse.ask(nowMs);
      this.#ask();
    } else if (nowMs >= this.#endsAtMs) {
      this.#endsAtMs = Number.POSITIVE_INFINITY;
      if (this.#state === 'leaving' && this.#streams.size === 0) this.#abort();
      else this.leave();
    }
    this.#plan();
  }

  // ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #connect(addresses: readonly string[], connectMs: number): void {
    this.#connecting = reach(this.endpoint, addresses, connectMs, (handle, reason, detail) => {
      if (handle === null) this.#openFailed(reason, detail);
      else this.#connected(handle);
    });
  }

  #connected(handle: WireHandle): void {
    const socket = handle instanceof SecureHandle ? handle.surrender(NOTHING) : socketOf(handle);
    // HTTP/2 ends in both directions at once; what has the socket over TLS before would wait for the other half.
    socket.allowHalfOpen = false;
    this.#socket = socket;
    // Before the runtime hears of it and ends the streams.
    socket.on('close', () => {
      this.#isLost = true;
    });
    const { limits } = this.lane.table;
    const session = connect(`${this.scheme}://${this.endpoint.address}`, optionsOf(socket, limits));
    this.#session = session;
    this.#listen(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  }

  #listen(session: ClientHttp2Session): void {
    session.on('remoteSettings', (settings: Settings) => this.#settled(settings));
    session.on('ping', () => this.#heardIdleFrame());
    session.on('goaway', (_code, lastStreamId: number) => {
      beginTurn();
      this.#lastLookedAt = Math.min(this.#lastLookedAt, lastStreamId);
      if (this.#state !== 'open') return;
      this.#state = 'leaving';
      if (this.#streams.size === 0) this.#rest();
    });
    let failure = 'closed';
    session.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code === 'ERR_HTTP2_ERROR' ? error.message : (error.code ?? error.message);
    });
    session.on('close', () => {
      beginTurn();
      if (this.#state !== 'connecting') this.#close();
      else this.#openFailed(REASON.upstreamProtocol, `${failure} in place of HTTP/2 settings`);
    });
  }

  /** The endpoint's SETTINGS: the first open the connection. */
  #settled({ maxConcurrentStreams = Number.POSITIVE_INFINITY }: Settings): void {
    beginTurn();
    this.#streamsMax = maxConcurrentStreams;
    if (this.#state === 'connecting') this.#opened();
    else this.#heardIdleFrame();
    this.#pool.freed(this);
  }

  #opened(): void {
    const { timeouts } = this.lane.table;
    this.#state = 'open';
    this.#lifetime = new Lifetime(turnMs(), timeouts.upstreamLifetimeMs, this.lane.random);
    this.#pulse = new Pulse(timeouts.upstreamPingMs);
    this.lane.recorder.connect(this.endpoint.id, 1);
    this.#begin();
    if (this.#streams.size === 0) this.#rest();
  }

  /** Serves those who waited. What the endpoint takes no more of waits on, as nothing of it was sent. */
  #begin(): void {
    const waiting = [...this.#streams];
    this.#streams.clear();
    for (const stream of waiting) {
      const x = stream.exchange;
      if (x === null || x.isFinished) continue;
      if (this.#streams.size >= this.#streamsMax && this.#passOn(stream, x)) continue;
      this.#connectTook(x);
      if (this.#streams.size < this.#streamsMax) this.#serve(stream);
      else this.events.failed(x, REASON.streamRefused, 'the endpoint takes fewer streams');
    }
  }

  /** False: the exchange has neither a stream nor a place now. Who takes no streams at all is not connected to again. */
  #passOn(stream: UpstreamStream, x: Exchange): boolean {
    stream.destroy();
    x.opening = null;
    return this.#streamsMax > 0 && this.#pool.acquire(x);
  }

  #serve(stream: UpstreamStream): void {
    this.#streams.add(stream);
    if (this.#streams.size === 1) {
      this.#pulse?.begin(turnMs());
      this.#endsAtMs = (this.#lifetime as Lifetime).idleUntil(turnMs(), Number.POSITIVE_INFINITY);
      this.#plan();
    }
    stream.begin();
  }

  #openFailed(reason: Reason, detail: string): void {
    this.lane.recorder.connectFailed(this.endpoint.id);
    const waiting = [...this.#streams];
    this.#close();
    for (const stream of waiting) {
      const x = stream.exchange;
      if (x !== null) this.#connectTook(x);
      stream.fail(reason, detail);
    }
  }

  #connectTook(x: Exchange): void {
    const { attemptAtMs } = x;
    this.lane.recorder.connectTook(x, attemptAtMs, this.#connecting?.handshakeMs?.(attemptAtMs));
  }

  // ── while it is open ────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody has it: it waits for the next exchange, or to be closed. */
  #rest(): void {
    const now = turnMs();
    const { upstreamIdleMs } = this.lane.table.timeouts;
    this.#pulse?.rest();
    if (this.#state === 'leaving') this.#endsAtMs = now + PARTING_MS;
    else this.#endsAtMs = (this.#lifetime as Lifetime).idleUntil(now, upstreamIdleMs);
    this.#plan();
  }

  #plan(): void {
    if (this.#pulse !== null) this.deadlineAtMs = Math.min(this.#endsAtMs, this.#pulse.dueAtMs);
  }

  #ask(): void {
    const pulse = this.#pulse as Pulse;
    this.#session?.ping((error) => {
      const now = beginTurn();
      if (error === null) pulse.answered(now);
      this.#pool.freed(this);
    });
  }

  #heardIdleFrame(): void {
    if (++this.#idleFrames > IDLE_FRAMES_MAX) this.#session?.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Closes it whatever is still to be sent: the runtime would wait for the endpoint to take that, and for its end. */
  #abort(): void {
    this.#close();
    this.#socket?.destroy();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state !== 'connecting';
    this.#state = 'closed';
    this.lane.deadlines.remove(this);
    this.#connecting?.cancel();
    this.#session?.destroy();
    if (wasOpen) this.lane.recorder.connect(this.endpoint.id, -1);
    this.#pool.gone(this);
  }
}

/** A socket of a connection that nothing was read from yet. */
function socketOf(handle: WireHandle): Socket {
  handle.reading = false;
  return new Socket({ handle } as unknown as SocketConstructorOpts);
}

/** The types do not know the one about duplicates yet. */
type Options = ClientSessionOptions & { readonly strictSingleValueFields: boolean };

function optionsOf(socket: Socket, limits: Limits): Options {
  const { headBytesMax, headerCountMax } = limits;
  return {
    createConnection: () => socket,
    settings: {
      enablePush: false,
      initialWindowSize: WINDOW_BYTES,
      maxHeaderListSize: headBytesMax + FIELD_OVERHEAD * (headerCountMax + PSEUDO_HEADERS_MAX),
    },
    // Of what a client sends twice the endpoint gets two, as on HTTP/1.1.
    strictSingleValueFields: false,
    maxHeaderListPairs: headerCountMax + PSEUDO_HEADERS_MAX,
    maxSendHeaderBlockLength: 2 * headBytesMax + SENT_GROWTH_BYTES,
    maxSessionMemory: memoryMiB(limits),
  };
}

/** What the runtime may hold for a connection, in MiB: the windows and heads of its streams, and its own. */
function memoryMiB({ sessionStreamsMax, headBytesMax }: Limits): number {
  return OWN_MIB + Math.ceil((sessionStreamsMax * (WINDOW_BYTES + 2 * headBytesMax)) / MIB);
}
