/**
 * A worker's link to the broker of idempotency keys: what it has asked, and what it holds meanwhile.
 *
 * The broker runs on a thread of its own; when that has ended, or there is none yet, whoever asks is refused: a key that cannot
 * be looked up is never executed. Bodies of requests that are held and answers that are being taken are within limits of the worker's own.
 */

import type { MessagePort } from 'node:worker_threads';
import { beginTurn } from '../../../../lib/clock.ts';
import type { FromBroker, StoredAnswer, Take, Taken, ToBroker } from '../../../../model/threads/answers/idempotency.ts';
import type { Exchange } from '../../../exchange.ts';

/** Of request bodies that wait for their end or for the broker. */
export const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Of answers on their way to be kept. */
export const COMING_BYTES_MAX = 16 * 1024 * 1024;

const UNAVAILABLE: Taken = { kind: 'unavailable' };

/** The broker's port, as far as it is used. */
export type BrokerPort = Pick<MessagePort, 'postMessage' | 'on' | 'unref' | 'close'>;

export class IdempotencyLink {
  #port: BrokerPort | null = null;
  #ids = 0;
  readonly #asked = new Map<number, (taken: Taken) => void>();
  readonly #held: Budget = new Budget(HELD_BYTES_MAX);
  readonly #coming: Budget = new Budget(COMING_BYTES_MAX);
  /** Exchanges whose clients have left. */
  readonly absent = new Set<Exchange>();

  #emptied: (() => void) | null = null;

  /** An exchange is over that went on without its client. */
  absentDone(x: Exchange): void {
    this.absent.delete(x);
    if (this.absent.size === 0) this.#emptied?.();
  }

  /** Resolves when no exchange goes on without its client. */
  noneAbsent(): Promise<void> {
    if (this.absent.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied = resolve;
    });
  }

  get held(): Budget {
    return this.#held;
  }

  get coming(): Budget {
    return this.#coming;
  }

  /** Asks over this port from now on. Who waits at the one before is refused. */
  connect(port: BrokerPort): void {
    this.close();
    this.#port = port;
    port.on('message', ({ id, taken }: FromBroker) => this.#told(id, taken));
    port.on('close', () => {
      if (this.#port === port) this.#lost();
    });
    // It holds nobody: a worker that has drained ends.
    port.unref();
  }

  close(): void {
    const port = this.#port;
    this.#lost();
    port?.close();
  }

  /** @param tell is called once, never at once. @returns the number of the question */
  take(take: Omit<Take, 'id'>, tell: (taken: Taken) => void): number {
    const id = ++this.#ids;
    this.#asked.set(id, tell);
    if (this.#port === null) setImmediate(() => this.#told(id, UNAVAILABLE));
    else this.#say({ kind: 'take', take: { ...take, id } });
    return id;
  }

  /** What it was given was executed. @param answer its body is given away */
  keep(id: number, answer: StoredAnswer, ttlMs: number): void {
    const { body } = answer;
    const isWhole = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength;
    this.#say({ kind: 'keep', id, answer, ttlMs }, isWhole && body.byteLength > 0 ? [body.buffer as ArrayBuffer] : []);
  }

  /** It was not executed, or left nothing to keep; or nobody waits for the broker's word any more. */
  release(id: number): void {
    this.#asked.delete(id);
    this.#say({ kind: 'release', id });
  }

  #say(message: ToBroker, transfer: readonly ArrayBuffer[] = []): void {
    this.#port?.postMessage(message, [...transfer]);
  }

  #told(id: number, taken: Taken): void {
    const tell = this.#asked.get(id);
    if (tell === undefined) return;
    this.#asked.delete(id);
    beginTurn();
    tell(taken);
  }

  #lost(): void {
    this.#port = null;
    for (const id of [...this.#asked.keys()]) this.#told(id, UNAVAILABLE);
  }
}

/** Bytes that are allowed at a time. */
class Budget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: so many there are not. Balanced by `giveBack`. */
  claim(byteCount: number): boolean {
    if (this.#bytes + byteCount > this.#bytesMax) return false;
    this.#bytes += byteCount;
    return true;
  }

  giveBack(byteCount: number): void {
    this.#bytes -= byteCount;
  }
}
