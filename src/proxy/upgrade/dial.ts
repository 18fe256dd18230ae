/**
 * One connection to an upstream for one attempt at a handshake, until somebody else owns it or it is dropped.
 *
 * It counts and waits as one of the endpoint's connections, by the endpoint's pool, and finds its address as they do. Its
 * place and its being open are counted until `drop`; whoever takes it by `release` counts their end.
 * ```
 * waiting (for a place) ─▸ connecting ─▸ connected ─▸ over (released, dropped)
 * ```
 */

import type { Socket } from 'node:net';
import { nowMs } from '../../lib/clock.ts';
import type { Timeouts } from '../../model/config.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import type { Guest } from '../forward/sides.ts';
import type { Lane } from '../lane.ts';
import type { WireHandle } from '../wire/binding.ts';
import type { Connecting } from '../wire/connect.ts';
import { reach } from '../wire/tls/reach.ts';
import { takeOver } from './take-over.ts';

const KEEP_ALIVE_MS = 60_000;
const NOTHING = Buffer.alloc(0);

export interface DialEvents {
  /** It has its place and is being connected. */
  begun(): void;
  connected(): void;
  /** It cannot be connected. */
  failed(reason: Reason, detail: string): void;
  received(bytes: Buffer): void;
  /** The upstream will send no more. */
  ended(): void;
  /** @param code the system's, or `closed`. */
  broke(code: string): void;
}

type State = 'waiting' | 'connecting' | 'connected' | 'over';

export class Dial implements Guest {
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: DialEvents;
  #state: State = 'waiting';
  #timeouts: Timeouts | null = null;
  #preface = '';
  #connecting: Connecting | null = null;
  #socket: Socket | null = null;
  // Listeners by name, so that they can be taken off again.
  readonly #onData = (bytes: Buffer): void => this.#events.received(bytes);
  readonly #onEnd = (): void => this.#events.ended();
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#events.broke(error.code ?? error.message);
  readonly #onClose = (): void => this.#events.broke('closed');

  constructor(endpoint: Endpoint, lane: Lane, events: DialEvents) {
    this.#endpoint = endpoint;
    this.#lane = lane;
    this.#events = events;
  }

  /** Begins to connect, or waits for a place first; false when too many wait already: then nothing is told. */
  open(x: Pick<Exchange, 'client' | 'table'>): boolean {
    const { limits, timeouts } = x.table;
    this.#timeouts = timeouts;
    this.#preface = this.#endpoint.prefaceOf(x);
    return this.#endpoint.pool.admit(this, limits);
  }

  admitted(): void {
    const { connectMs, dnsMs } = this.#timeouts as Timeouts;
    this.#state = 'connecting';
    this.#events.begun();
    const resolving = this.#lane.resolver.resolve(this.#endpoint.host, nowMs(), dnsMs, (addresses, code) => {
      if (this.#state !== 'connecting') return;
      if (addresses.length === 0) this.#events.failed(REASON.dnsFailed, `${code} while resolving the name`);
      else this.#connect(addresses, connectMs);
    });
    // Known at once, the name is behind us already.
    this.#connecting ??= resolving;
  }

  write(text: string): void {
    this.#socket?.write(text, 'latin1');
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    if (this.#state !== 'over') this.#socket?.resume();
  }

  /** Gives the connection away: paused, without listeners. Only when it is connected. */
  release(): Socket {
    const socket = this.#socket as Socket;
    this.#state = 'over';
    socket.pause();
    this.#silence(socket);
    return socket;
  }

  /** Closes it, gives its place back, and hears nothing of it any more. Idempotent. */
  drop(): void {
    const before = this.#state;
    if (before === 'over') return;
    this.#state = 'over';
    const { pool, id } = this.#endpoint;
    if (before === 'waiting') {
      pool.cancel(this);
      return;
    }
    this.#connecting?.cancel();
    if (this.#socket !== null) {
      this.#silence(this.#socket);
      this.#socket.on('error', () => undefined);
      this.#socket.destroy();
      this.#lane.recorder.connect(id, -1);
    }
    pool.leave();
  }

  #connect(addresses: readonly string[], connectMs: number): void {
    this.#connecting = reach(
      this.#endpoint.reachedAs(this.#preface),
      addresses,
      connectMs,
      (handle, reason, detail) => {
        if (handle === null) this.#events.failed(reason, detail);
        else this.#connected(handle);
      },
    );
  }

  #connected(handle: WireHandle): void {
    const socket = takeOver(handle, NOTHING);
    this.#state = 'connected';
    this.#socket = socket;
    this.#lane.recorder.connect(this.#endpoint.id, 1);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    this.#events.connected();
  }

  #silence(socket: Socket): void {
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
  }
}
