/**
 * Composition of idempotency keys: the thread that brokers them, while some route has any, and the workers' ports to it.
 *
 * It is started before the workers that will need it, and stays until the gateway ends. One that ends before is replaced; what it
 * knew is forgotten, its requests that waited are refused, and what was being executed is.
 */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type { IdempotencyStatus } from '../../../model/threads/answers/idempotency.ts';
import type { ToWorker } from '../../../model/threads/messages.ts';
import type { BrokerSetup, FromThread, ToThread } from './thread.ts';

/** As source or as built. */
const THREAD_FILE = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
/** Before the thread is replaced: one that ends at once does not spin. */
const RESTART_MS = 200;

/** Says something to a worker, and gives it ports. */
export type Tell = (message: ToWorker, ports: readonly MessagePort[]) => void;

export class IdempotencyKeys {
  readonly #log: Log;
  readonly #workers = new Map<number, Tell>();
  #setup: BrokerSetup | null = null;
  #thread: Worker | null = null;
  #status: IdempotencyStatus | null = null;
  #restart: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Null while no route has keys, or before the thread has said anything. */
  get status(): IdempotencyStatus | null {
    return this.#setup === null ? null : this.#status;
  }

  /** Takes in a configuration before workers have it. */
  follow({ idempotency: answers, fleet }: Config): void {
    if (answers === undefined) return;
    const isShared = answers.store === 'redis' && fleet !== null;
    const setup = { answers, fleet: isShared ? { name: fleet.name, redis: fleet.redis } : null };
    if (JSON.stringify(setup) === JSON.stringify(this.#setup)) return;
    this.#setup = setup;
    if (this.#thread === null) this.#start();
    else this.#say({ kind: 'setup', setup: this.#setup });
  }

  /** A worker has begun, in the place of the one that had its number. */
  born(id: number, tell: Tell): void {
    this.#workers.set(id, tell);
    if (this.#thread !== null) this.#join(tell);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    await this.#thread?.terminate();
  }

  #start(): void {
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    if (this.#isClosed || this.#setup === null) return;
    let thread: Worker;
    try {
      thread = new Worker(THREAD_FILE, { workerData: this.#setup, name: 'sluice-idempotency' });
    } catch (error) {
      // The system may have no thread to give now.
      this.#die(causeOf(error));
      return;
    }
    this.#thread = thread;
    let cause = 'left without a word';
    thread.on('message', (message: FromThread) => this.#heard(message));
    thread.on('error', (error) => {
      cause = causeOf(error);
    });
    thread.once('exit', () => this.#die(cause));
    // Workers and the admin server hold the process, this does not.
    thread.unref();
    for (const tell of this.#workers.values()) this.#join(tell);
  }

  #die(cause: string): void {
    this.#thread = null;
    if (this.#isClosed) return;
    this.#log.error('idempotency_broker_died', { cause });
    this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
  }

  #join(tell: Tell): void {
    const { port1, port2 } = new MessageChannel();
    this.#say({ kind: 'worker', port: port1 }, [port1]);
    tell({ kind: 'broker', port: port2 }, [port2]);
  }

  #say(message: ToThread, ports: readonly MessagePort[] = []): void {
    this.#thread?.postMessage(message, [...ports]);
  }

  #heard(message: FromThread): void {
    if (message.kind === 'status') this.#status = message.status;
    else if (message.mode === 'shared') this.#log.info('idempotency_shared', {});
    else this.#log.warn('idempotency_local', { because: message.because, policy: this.#setup?.answers.onStoreFailure });
  }
}

function causeOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
