/**
 * Who may execute a request with an idempotency key, and what the others get: for all workers of a gateway, and over a shared
 * store for all gateways of a fleet.
 *
 * ```
 *         ┌──────────── asks the shared store ◂─────────────┐ every POLL_MS
 * take ─▸ asking ─▸ held (one executes, others wait) ─▸ keep ─▸ all get the answer
 *            │        ▲ └─ release: the next one that waits executes
 *            │        └─ the store is away, and the policy is `local`
 *            └─▸ elsewhere (another gateway executes, all wait)
 * ```
 * One request at a time executes a key. A worker that ends releases what it held; what a gateway held that ends is free when
 * its lock in the store has ended. Without an answer of the store in its time, gateways go by what they know themselves
 * (`local`), or refuse (`refuse`); who waits for another gateway then is told that there is a conflict, and executes nothing.
 * What is executed when the store answers again is locked there then.
 *
 * No timer and no clock of its own: `tick` is to be called now and then. Bounded: as many keys are taken as answers may be
 * kept; who waits is a request, which its connection bounds.
 */

import type {
  AnswersConfig,
  FromBroker,
  IdempotencyCounts,
  IdempotencyStatus,
  StoredAnswer,
  Take,
  Taken,
  ToBroker,
} from '../../model/threads/answers/idempotency.ts';
import { AnswerMemory, type Kept } from './memory.ts';

/** Time between two looks whether another gateway has answered. */
export const POLL_MS = 50;
/** A lock in the store ends by itself after this, unless it is renewed. */
export const LOCK_MS = 10_000;
const RENEW_MS = LOCK_MS / 4;
/** After a failure of the store, so long nobody asks it. */
export const DOWN_MS = 1000;

/** A key in the store, and which of this gateway's executions of it is meant. */
export interface SharedKey {
  readonly key: string;
  readonly print: string;
  /** Rising. */
  readonly turn: number;
}

export type SharedTaken =
  | { readonly kind: 'taken' | 'busy' | 'mismatch' | 'full' }
  | { readonly kind: 'answer'; readonly answer: StoredAnswer; readonly leftMs: number };

/** Answers that several gateways share. Each promise settles soon, and rejects when there is no answer in time. */
export interface SharedAnswers {
  take(key: SharedKey, lockMs: number): Promise<SharedTaken>;
  keep(key: SharedKey, answer: StoredAnswer, ttlMs: number): Promise<void>;
  release(key: SharedKey): Promise<void>;
  /** Locks a key again that nobody has any more. */
  renew(key: SharedKey, lockMs: number): Promise<void>;
}

export interface BrokerDeps {
  readonly nowMs: () => number;
  /** The store began or ceased to answer. */
  readonly changed: (mode: IdempotencyStatus['mode'], because: string) => void;
}

/** One worker, as the broker knows it. */
export interface BrokerClient {
  handle(message: ToBroker): void;
  /** The worker has ended. */
  close(): void;
}

interface Asker {
  readonly client: Client;
  readonly take: Take;
  readonly untilMs: number;
}

interface Running {
  readonly key: string;
  readonly print: string;
  phase: 'asking' | 'held' | 'elsewhere';
  /** A question to the store is under way. */
  isAsking: boolean;
  holder: Asker | null;
  waiting: Asker[];
  /** This gateway has the lock in the store, or may have. */
  isShared: boolean;
  turn: number;
  /** When to renew the lock, or to ask again. */
  nextAtMs: number;
}

interface Client {
  readonly reply: (message: FromBroker) => void;
  readonly asked: Map<number, Running>;
}

type Counts = { -readonly [name in keyof IdempotencyCounts]: number };

export class Broker {
  readonly #deps: BrokerDeps;
  readonly #memory: AnswerMemory;
  readonly #running = new Map<string, Running>();
  #config: AnswersConfig;
  #shared: SharedAnswers | null = null;
  #downUntilMs = Number.NEGATIVE_INFINITY;
  #because = '';
  #turns = 0;
  readonly #counts: Counts = {
    executed: 0,
    replayed: 0,
    conflicts: 0,
    mismatches: 0,
    unavailable: 0,
    waited: 0,
    kept: 0,
    released: 0,
    evicted: 0,
    storeFailures: 0,
  };

  constructor(config: AnswersConfig, deps: BrokerDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#memory = new AnswerMemory(config);
  }

  /** @param shared null: answers are kept in memory only */
  configure(config: AnswersConfig, shared: SharedAnswers | null): void {
    this.#config = config;
    this.#memory.configure(config, this.#deps.nowMs());
    this.#shared = shared;
    this.#downUntilMs = Number.NEGATIVE_INFINITY;
    this.#because = '';
  }

  get status(): IdempotencyStatus {
    let waiting = 0;
    for (const running of this.#running.values()) waiting += running.waiting.length;
    return {
      store: this.#config.store,
      mode: this.#shared === null || this.#because !== '' ? 'local' : 'shared',
      because: this.#because,
      entries: this.#memory.size,
      bytes: this.#memory.bytes,
      running: this.#running.size,
      waiting,
      counts: { ...this.#counts, evicted: this.#memory.evicted },
    };
  }

  /** @param reply tells the worker what came of its requests, each once */
  open(reply: (message: FromBroker) => void): BrokerClient {
    const client: Client = { reply, asked: new Map() };
    return {
      handle: (message) => this.#handle(client, message),
      close: () => this.#close(client),
    };
  }

  /** Lets go who waited for too long, renews locks, asks for keys that another gateway has. Cost: O(keys that are taken). */
  tick(): void {
    const nowMs = this.#deps.nowMs();
    for (const running of this.#running.values()) {
      if (running.phase !== 'asking') this.#refuseLate(running, nowMs);
      if (running.isAsking || nowMs < running.nextAtMs) continue;
      if (running.phase === 'elsewhere') void this.#ask(running);
      else if (this.#shared !== null && nowMs >= this.#downUntilMs) this.#renew(running, nowMs);
    }
  }

  #handle(client: Client, message: ToBroker): void {
    if (message.kind === 'take') this.#take(client, message.take);
    else if (message.kind === 'keep') this.#keep(client, message.id, message);
    else this.#release(client, message.id);
  }

  #take(client: Client, take: Take): void {
    const nowMs = this.#deps.nowMs();
    const asker: Asker = { client, take, untilMs: nowMs + take.waitMs };
    const kept = this.#memory.find(take.key, nowMs);
    const running = this.#running.get(take.key);
    if (kept !== null) this.#answer(asker, resultOf(kept, take.print));
    else if (running !== undefined) this.#join(running, asker);
    else if (this.#running.size >= this.#config.entriesMax) this.#answer(asker, { kind: 'unavailable' });
    else this.#begin(asker, nowMs);
  }

  #begin(asker: Asker, nowMs: number): void {
    const { key, print } = asker.take;
    const isDown = this.#shared !== null && nowMs < this.#downUntilMs;
    if (isDown && this.#config.onStoreFailure === 'refuse') {
      this.#answer(asker, { kind: 'unavailable' });
      return;
    }
    const running: Running = {
      key,
      print,
      phase: 'asking',
      isAsking: false,
      holder: null,
      waiting: [asker],
      isShared: false,
      turn: ++this.#turns,
      nextAtMs: Number.POSITIVE_INFINITY,
    };
    this.#running.set(key, running);
    asker.client.asked.set(asker.take.id, running);
    if (this.#shared === null || isDown) this.#next(running);
    else void this.#ask(running);
  }

  /** Waits for a key that is taken, or is told that it is. */
  #join(running: Running, asker: Asker): void {
    if (running.print !== asker.take.print) this.#answer(asker, { kind: 'mismatch' });
    else if (running.phase !== 'asking' && asker.take.waitMs === 0) this.#answer(asker, { kind: 'conflict' });
    else {
      if (running.phase !== 'asking') this.#counts.waited++;
      running.waiting.push(asker);
      asker.client.asked.set(asker.take.id, running);
    }
  }

  /** The next one that waits executes; without any the key is free. */
  #next(running: Running): void {
    const holder = running.waiting.shift();
    if (holder === undefined) {
      this.#free(running);
      return;
    }
    running.holder = holder;
    running.phase = 'held';
    running.nextAtMs = this.#deps.nowMs() + RENEW_MS;
    this.#counts.executed++;
    holder.client.reply({ id: holder.take.id, taken: { kind: 'taken' } });
    this.#refuseImpatient(running);
  }

  #keep(client: Client, id: number, { answer, ttlMs }: Extract<ToBroker, { kind: 'keep' }>): void {
    const running = client.asked.get(id);
    if (running === undefined || running.holder?.take.id !== id || running.holder.client !== client) return;
    client.asked.delete(id);
    running.holder = null;
    this.#counts.kept++;
    const nowMs = this.#deps.nowMs();
    this.#memory.put(running.key, { print: running.print, answer, untilMs: nowMs + ttlMs }, nowMs);
    this.#tellStore((shared) => shared.keep(running, answer, ttlMs));
    this.#end(running, { kind: 'answer', answer });
  }

  /** Whoever executed did not, or got nothing to keep; or somebody waits no more. */
  #release(client: Client, id: number): void {
    const running = client.asked.get(id);
    if (running === undefined) return;
    client.asked.delete(id);
    const { holder } = running;
    if (holder !== null && holder.take.id === id && holder.client === client) {
      running.holder = null;
      this.#counts.released++;
      this.#next(running);
      return;
    }
    running.waiting = running.waiting.filter((one) => one.take.id !== id || one.client !== client);
    if (running.phase === 'elsewhere' && running.waiting.length === 0) this.#running.delete(running.key);
  }

  /** What it waits for first, or it would be given what it can execute no more. */
  #close(client: Client): void {
    for (const running of new Set(client.asked.values())) {
      running.waiting = running.waiting.filter((one) => one.client !== client);
    }
    for (const id of [...client.asked.keys()]) this.#release(client, id);
  }

  /** All that waited get the same. */
  #end(running: Running, taken: Taken): void {
    this.#running.delete(running.key);
    for (const one of running.waiting.splice(0)) this.#answer(one, taken);
  }

  #free(running: Running): void {
    this.#running.delete(running.key);
    if (running.isShared) this.#tellStore((shared) => shared.release(running));
  }

  #answer({ client, take }: Asker, taken: Taken): void {
    client.asked.delete(take.id);
    if (taken.kind === 'answer') this.#counts.replayed++;
    else if (taken.kind === 'conflict') this.#counts.conflicts++;
    else if (taken.kind === 'mismatch') this.#counts.mismatches++;
    else this.#counts.unavailable++;
    client.reply({ id: take.id, taken });
  }

  #refuseLate(running: Running, nowMs: number): void {
    if (running.waiting.every(({ untilMs }) => nowMs < untilMs)) return;
    const late = running.waiting.filter(({ untilMs }) => nowMs >= untilMs);
    running.waiting = running.waiting.filter(({ untilMs }) => nowMs < untilMs);
    for (const one of late) this.#answer(one, { kind: 'conflict' });
    if (running.phase === 'elsewhere' && running.waiting.length === 0) this.#running.delete(running.key);
  }

  /** Those that do not wait were let in while nobody knew whether they would have to. */
  #refuseImpatient(running: Running): void {
    const impatient = running.waiting.filter(({ take }) => take.waitMs === 0);
    running.waiting = running.waiting.filter(({ take }) => take.waitMs !== 0);
    for (const one of impatient) this.#answer(one, { kind: 'conflict' });
    this.#counts.waited += running.waiting.length;
  }

  // ── the shared store ────────────────────────────────────────────────────────────────────────────────────────────

  /** Never rejects. */
  async #ask(running: Running): Promise<void> {
    const shared = this.#shared;
    running.isAsking = true;
    let taken: SharedTaken | null = null;
    try {
      if (shared === null) throw new Error('there is no store');
      taken = await shared.take(running, LOCK_MS);
      this.#up();
    } catch (error) {
      // It may have been given all the same, and its answer be late.
      running.isShared = true;
      this.#down(error);
    }
    running.isAsking = false;
    // Everybody who waited for another gateway may have left meanwhile.
    if (this.#running.get(running.key) === running) this.#told(running, taken);
    else if (taken === null || taken.kind === 'taken') this.#tellStore((store) => store.release(running));
  }

  #told(running: Running, taken: SharedTaken | null): void {
    if (taken === null || taken.kind === 'full') this.#alone(running);
    else if (taken.kind === 'taken') {
      running.isShared = true;
      this.#next(running);
    } else if (taken.kind === 'answer') {
      const nowMs = this.#deps.nowMs();
      const { answer, leftMs } = taken;
      this.#memory.put(running.key, { print: running.print, answer, untilMs: nowMs + leftMs }, nowMs);
      this.#end(running, { kind: 'answer', answer });
    } else if (taken.kind === 'mismatch') this.#end(running, { kind: 'mismatch' });
    else {
      const isFirst = running.phase === 'asking';
      running.phase = 'elsewhere';
      running.nextAtMs = this.#deps.nowMs() + POLL_MS;
      if (isFirst) this.#refuseImpatient(running);
      if (running.waiting.length === 0) this.#running.delete(running.key);
    }
  }

  /** The store does not say who has the key. */
  #alone(running: Running): void {
    const isElsewhere = running.phase === 'elsewhere';
    if (!isElsewhere && this.#config.onStoreFailure === 'local') this.#next(running);
    else {
      this.#free(running);
      this.#end(running, { kind: isElsewhere ? 'conflict' : 'unavailable' });
    }
  }

  #renew(running: Running, nowMs: number): void {
    running.nextAtMs = nowMs + RENEW_MS;
    running.isShared = true;
    this.#tellStore((shared) => shared.renew(running, LOCK_MS));
  }

  #tellStore(tell: (shared: SharedAnswers) => Promise<void>): void {
    if (this.#shared === null) return;
    tell(this.#shared).then(
      () => this.#up(),
      (error: unknown) => this.#down(error),
    );
  }

  #up(): void {
    this.#downUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#because === '') return;
    this.#because = '';
    this.#deps.changed('shared', '');
  }

  #down(error: unknown): void {
    this.#counts.storeFailures++;
    this.#downUntilMs = this.#deps.nowMs() + DOWN_MS;
    const wasUp = this.#because === '';
    this.#because = error instanceof Error ? error.message : String(error);
    if (wasUp) this.#deps.changed('local', this.#because);
  }
}

function resultOf({ print, answer }: Kept, asked: string): Taken {
  return print === asked ? { kind: 'answer', answer } : { kind: 'mismatch' };
}
