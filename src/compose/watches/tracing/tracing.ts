/**
 * Composition of tracing: the thread that exports spans, while a collector is configured, and the workers' ports to it.
 *
 * Neither the data plane nor the control loop waits for the collector: workers hand their rows to the thread itself. A thread
 * that ends is replaced; what it held is lost. Where there is no `tracing` nothing of it is started, or loaded.
 */

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Log } from '../../../lib/log.ts';
import type { SavedRollout } from '../../../model/rollout.ts';
import type { LoggedDecision } from '../../../model/slo.ts';
import type {
  DecisionNote,
  TelemetryConfig,
  TracingConfig,
  TracingStatus,
} from '../../../model/threads/requests/tracing.ts';
import type { Tell } from '../idempotency/keys.ts';
import type { FromTracing, ToTracing, TracingSetup } from './thread.ts';

/** As source or as built. */
const THREAD_FILE = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
/** Before the thread is replaced: one that ends at once does not spin. */
const RESTART_MS = 1000;
/** Longest try to hand over what waits when the gateway ends, or has no traces any more. */
const FLUSH_MS = 3000;
/** A thread that has not ended by then is ended. */
const CLOSE_MS = 5000;

type Environment = Readonly<Record<string, string | undefined>>;

export interface TracingDeps {
  readonly log: Log;
  readonly release: { readonly version: string };
  readonly environment: Environment;
}

type Decided = (decision: LoggedDecision, rollout: SavedRollout | null) => void;

export class Tracing {
  readonly #log: Log;
  readonly #release: string;
  readonly #environment: Environment;
  readonly #workers = new Map<number, Tell>();
  #setup: TracingSetup | null = null;
  #thread: Worker | null = null;
  #status: TracingStatus | null = null;
  #restart: NodeJS.Timeout | null = null;
  readonly #ending = new Set<Promise<void>>();

  constructor({ log, release, environment }: TracingDeps) {
    this.#log = log;
    this.#release = release.version;
    this.#environment = environment;
  }

  /** Null while there are no traces, or before the thread has said anything. */
  get status(): TracingStatus | null {
    return this.#setup === null ? null : this.#status;
  }

  /** Takes in a configuration before workers have it. */
  follow({ tracing }: TelemetryConfig): void {
    const setup = tracing === undefined ? null : this.#setupOf(tracing);
    if (JSON.stringify(setup) === JSON.stringify(this.#setup)) return;
    this.#setup = setup;
    if (setup === null) this.#end();
    else if (this.#thread === null) this.#start();
    else this.#say({ kind: 'setup', setup });
  }

  /** A worker has begun, in the place of the one that had its number. */
  born(id: number, tell: Tell): void {
    this.#workers.set(id, tell);
    if (this.#thread !== null) this.#join(tell);
  }

  /** Makes a span of each decision that goes to `next`. */
  noting(next: Decided): Decided {
    return (decision, rollout) => {
      next(decision, rollout);
      this.#say({ kind: 'decision', note: noteOf(decision) });
    };
  }

  /** Hands over what waits, for a few seconds at most. */
  async close(): Promise<void> {
    this.#setup = null;
    this.#end();
    await Promise.all(this.#ending);
  }

  /** Of the environment only what headers name. */
  #setupOf(tracing: TracingConfig): TracingSetup {
    const names = tracing.headers.flatMap(({ from }) => (from.kind === 'variable' ? [from.name] : []));
    const environment = Object.fromEntries(names.map((name) => [name, this.#environment[name]]));
    return { tracing, release: this.#release, environment };
  }

  #start(): void {
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    if (this.#setup === null) return;
    let thread: Worker;
    try {
      thread = new Worker(THREAD_FILE, { workerData: this.#setup, name: 'sluice-tracing' });
    } catch (error) {
      // The system may have no thread to give now.
      this.#die(causeOf(error));
      return;
    }
    this.#thread = thread;
    let cause = 'left without a word';
    thread.on('message', (message: FromTracing) => {
      if (message.kind === 'closed') void thread.terminate();
      // How one stands whose place another one has taken is nobody's question any more.
      else if (message.kind !== 'status') this.#told(message);
      else if (this.#thread === thread) this.#status = message.status;
    });
    thread.on('error', (error) => {
      cause = causeOf(error);
    });
    thread.once('exit', () => {
      if (this.#thread === thread) this.#die(cause);
    });
    // Workers and the admin server hold the process, this does not.
    thread.unref();
    for (const tell of this.#workers.values()) this.#join(tell);
  }

  #die(cause: string): void {
    this.#thread = null;
    this.#log.error('tracing_died', { cause });
    this.#restart = setTimeout(() => this.#start(), RESTART_MS).unref();
  }

  /** The thread hands over what it has and ends; another one may begin meanwhile. */
  #end(): void {
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    const thread = this.#thread;
    this.#thread = null;
    this.#status = null;
    if (thread === null) return;
    const ended = new Promise<void>((resolve) => {
      const timer = setTimeout(() => void thread.terminate(), CLOSE_MS);
      thread.once('exit', () => {
        clearTimeout(timer);
        this.#ending.delete(ended);
        resolve();
      });
    });
    this.#ending.add(ended);
    thread.postMessage({ kind: 'close', flushMs: FLUSH_MS } satisfies ToTracing);
  }

  #join(tell: Tell): void {
    const { port1, port2 } = new MessageChannel();
    this.#say({ kind: 'worker', port: port1 }, [port1]);
    tell({ kind: 'tracing', port: port2 }, [port2]);
  }

  #say(message: ToTracing, ports: readonly MessagePort[] = []): void {
    this.#thread?.postMessage(message, [...ports]);
  }

  #told(message: Extract<FromTracing, { readonly kind: 'changed' }>): void {
    if (message.because === '') this.#log.info('traces_taken', { endpoint: this.#setup?.tracing.endpoint });
    else this.#log.warn('traces_lost', { endpoint: this.#setup?.tracing.endpoint, because: message.because });
  }
}

function causeOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What a span says of it. */
function noteOf(decision: LoggedDecision): DecisionNote {
  const { kind, trigger, sentence, route, at } = decision;
  const shared = { kind, trigger, sentence, route, atWallMs: Date.parse(at) };
  if (decision.kind === 'revert') return { ...shared, rollout: null, requestIds: [] };
  const { service, stable, canary, weightBefore, weightAfter, sampleRequestIds } = decision;
  return {
    ...shared,
    rollout: { service, stable, canary, weightBefore, weightAfter },
    requestIds: sampleRequestIds,
  };
}
