/**
 * One connection to an upstream for one attempt at a handshake, until somebody else owns it or it is dropped.
 *
 * It is counted as open from its connect to `drop`; whoever takes it by `release` counts its end.
 */

import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../forward/endpoint.ts';
import type { Recorder } from '../recorder.ts';

const KEEP_ALIVE_MS = 60_000;

export interface DialEvents {
  connected(): void;
  received(bytes: Buffer): void;
  /** The upstream will send no more. */
  ended(): void;
  /** @param code the system's, or `closed`. */
  broke(code: string): void;
}

export class Dial {
  readonly #endpoint: Endpoint;
  readonly #recorder: Recorder;
  readonly #socket: Socket;
  #isConnected = false;
  #isOver = false;
  // Listeners by name, so that they can be taken off again.
  readonly #onConnect: () => void;
  readonly #onData: (bytes: Buffer) => void;
  readonly #onEnd: () => void;
  readonly #onError: (error: NodeJS.ErrnoException) => void;
  readonly #onClose: () => void;

  constructor(endpoint: Endpoint, recorder: Recorder, events: DialEvents) {
    this.#endpoint = endpoint;
    this.#recorder = recorder;
    this.#onConnect = () => {
      this.#isConnected = true;
      recorder.connect(endpoint.id, 1);
      events.connected();
    };
    this.#onData = (bytes) => events.received(bytes);
    this.#onEnd = () => events.ended();
    this.#onError = (error) => events.broke(error.code ?? error.message);
    this.#onClose = () => events.broke('closed');
    const { host, port } = endpoint;
    const alive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true, ...alive });
    this.#socket.on('connect', this.#onConnect);
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#socket.resume();
  }

  /** Gives the connection away: paused, without listeners. */
  release(): Socket {
    this.#isOver = true;
    this.#socket.pause();
    this.#silence();
    return this.#socket;
  }

  /** Closes it and hears nothing of it any more. Idempotent. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#silence();
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
    if (this.#isConnected) this.#recorder.connect(this.#endpoint.id, -1);
  }

  #silence(): void {
    this.#socket.off('connect', this.#onConnect);
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }
}
