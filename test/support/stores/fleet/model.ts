/**
 * The store of a fleet on virtual time, as each gateway reaches it: late, not at all, or with an answer that is lost.
 *
 * `redis/store.long.test.ts` shows that Redis does the same.
 */

import type { Board, Grant, Locks, Put, Resource } from '#src/fleet/exchange.ts';
import { greaterOf, type Word } from '#src/fleet/order.ts';
import type { Random } from '#src/lib/random.ts';
import type { VirtualTime } from '../virtual.ts';

export const TIMEOUT_MS = 50;
const LATENCY_MS_MAX = 20;

interface Lock {
  readonly token: number;
  readonly owner: string;
  untilMs: number;
}

/** Heard words go here. */
export type Listener<Body> = (resource: Resource, word: Word<Body>) => void;

/** What the server holds. */
export class ModelServer<Body> {
  readonly #time: VirtualTime;
  readonly #locks = new Map<string, Lock>();
  readonly #tokens = new Map<string, number>();
  readonly #words = new Map<string, Word<Body>>();
  readonly #marks = new Map<string, Word<Body>>();
  /** Everything that was said, in order. */
  readonly said: { readonly key: string; readonly word: Word<Body> }[] = [];
  readonly listeners = new Set<Listener<Body>>();
  isUp = true;
  fenced = 0;
  #startedAtMs = Number.NEGATIVE_INFINITY;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Begins anew without its data. */
  wipe(): void {
    for (const map of [this.#locks, this.#tokens, this.#words, this.#marks]) map.clear();
    this.#startedAtMs = this.#time.nowMs;
  }

  acquire(resource: Resource, owner: string, ttlMs: number): Grant {
    const key = keyOf(resource);
    const { nowMs } = this.#time;
    const held = this.#locks.get(key);
    if (held !== undefined && nowMs < held.untilMs) {
      if (held.owner !== owner) return { kind: 'taken', owner: held.owner, leftMs: held.untilMs - nowMs };
      held.untilMs = nowMs + ttlMs;
      return { kind: 'held', token: held.token };
    }
    const upMs = nowMs - this.#startedAtMs;
    if (upMs < ttlMs) return { kind: 'taken', owner: '', leftMs: ttlMs - upMs };
    const token = Math.max(Math.round(nowMs * 1000), (this.#tokens.get(key) ?? 0) + 1);
    this.#tokens.set(key, token);
    this.#locks.set(key, { token, owner, untilMs: nowMs + ttlMs });
    return { kind: 'held', token };
  }

  release(resource: Resource, owner: string): void {
    if (this.#locks.get(keyOf(resource))?.owner === owner) this.#locks.delete(keyOf(resource));
  }

  read(resource: Resource): Word<Body> | null {
    const key = keyOf(resource);
    return greaterOf(this.#words.get(key) ?? null, this.#marks.get(key) ?? null);
  }

  put(resource: Resource, word: Word<Body>): Put {
    const key = keyOf(resource);
    if (this.#tokens.get(key) !== word.token) {
      this.fenced += 1;
      return 'fenced';
    }
    const mark = this.#marks.get(key);
    if (mark !== undefined && mark.run >= word.run) return 'rolled-back';
    this.#words.set(key, word);
    this.#tell(resource, word);
    return 'done';
  }

  markRolledBack(resource: Resource, word: Word<Body>): void {
    const mark = this.#marks.get(keyOf(resource));
    if (mark !== undefined && mark.run >= word.run) return;
    this.#marks.set(keyOf(resource), word);
    this.#tell(resource, word);
  }

  #tell(resource: Resource, word: Word<Body>): void {
    this.said.push({ key: keyOf(resource), word });
    for (const listener of this.listeners) listener(resource, word);
  }
}

/** One gateway's way to the server. */
export class ModelLine<Body> implements Locks, Board<Body> {
  readonly #server: ModelServer<Body>;
  readonly #time: VirtualTime;
  readonly #random: Random;
  isCut = false;
  /** The gateway's process stands still: answers wait. */
  isFrozen = false;

  constructor(server: ModelServer<Body>, time: VirtualTime, random: Random) {
    this.#server = server;
    this.#time = time;
    this.#random = random;
  }

  acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant> {
    return this.#ask(() => this.#server.acquire(resource, owner, ttlMs));
  }

  release(resource: Resource, owner: string): Promise<void> {
    return this.#ask(() => this.#server.release(resource, owner));
  }

  read(resources: readonly Resource[]): Promise<readonly (Word<Body> | null)[]> {
    return this.#ask(() => resources.map((resource) => this.#server.read(resource)));
  }

  put(resource: Resource, word: Word<Body>): Promise<Put> {
    return this.#ask(() => this.#server.put(resource, word));
  }

  markRolledBack(resource: Resource, word: Word<Body>): Promise<void> {
    return this.#ask(() => this.#server.markRolledBack(resource, word));
  }

  async #ask<T>(what: () => T): Promise<T> {
    await this.#time.wait(this.#latency());
    if (this.isCut || !this.#server.isUp) return this.#fail();
    const answer = what();
    await this.#time.wait(this.#latency());
    while (this.isFrozen) await this.#time.wait(10);
    if (this.isCut || this.#random.nextFloat() < 0.01) return this.#fail();
    return answer;
  }

  async #fail(): Promise<never> {
    await this.#time.wait(TIMEOUT_MS);
    throw new Error('no answer');
  }

  #latency(): number {
    return 1 + this.#random.nextFloat() * (LATENCY_MS_MAX - 1);
  }
}

function keyOf({ tag, name }: Resource): string {
  return `${tag} ${name}`;
}
