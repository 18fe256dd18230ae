/**
 * Locks that are kept in another store than the words: a lock counts once its token is noted where the words are.
 *
 * ```
 * lock there ─▶ fence in Redis ─▶ words are read ─▶ leads       whoever led before is refused from the second step on
 * ```
 */

import type { Grant, Locks, Resource } from '../exchange.ts';
import type { RedisStore } from './store.ts';

/** A fence outlives the lock that it is of by so much: long enough for every holder of before to have stopped counting on his. */
const FENCE_TTLS = 2;

export class FencedLocks implements Locks {
  readonly #locks: Locks;
  readonly #store: Pick<RedisStore<unknown>, 'raise'>;

  constructor(locks: Locks, store: Pick<RedisStore<unknown>, 'raise'>) {
    this.#locks = locks;
    this.#store = store;
  }

  async acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant> {
    const grant = await this.#locks.acquire(resource, owner, ttlMs);
    if (grant.kind === 'taken') return grant;
    const fenceMs = FENCE_TTLS * ttlMs;
    const token = await this.#store.raise(resource, grant.token, fenceMs);
    return token === null ? { kind: 'taken', owner: '', leftMs: fenceMs } : { kind: 'held', token };
  }

  release(resource: Resource, owner: string): Promise<void> {
    return this.#locks.release(resource, owner);
  }
}
