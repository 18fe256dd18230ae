/**
 * What a fleet needs of the store that it shares: locks with fencing tokens, and the newest word on each rollout.
 *
 * Redis is the one implementation (`redis/store.ts`); sessions of Consul or leases of etcd fit the same two interfaces.
 */

import type { Word } from './order.ts';

/** What is locked, or spoken of. `tag`: names of the same tag lie together where a store is spread over machines. */
export interface Resource {
  readonly tag: string;
  readonly name: string;
}

/**
 * `taken`: by somebody else, whose lock ends in `leftMs` unless it is renewed; an empty owner: by somebody of whom the store
 * may have forgotten.
 */
export type Grant =
  | { readonly kind: 'held'; readonly token: number }
  | { readonly kind: 'taken'; readonly owner: string; readonly leftMs: number };

/**
 * Locks that end by themselves. A token is greater than every one that was given for the resource before, so whoever is
 * late can be told from who is in office.
 */
export interface Locks {
  /** Takes the lock, or renews it where `owner` has it already. Rejects when nobody answers. */
  acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant>;
  /** Gives it back, if `owner` still has it. */
  release(resource: Resource, owner: string): Promise<void>;
}

/** `fenced`: a newer token was given. `rolled-back`: the run is over. */
export type Put = 'done' | 'fenced' | 'rolled-back';

/** The words of a fleet. */
export interface Board<Body> {
  /** The greatest word on each, in their order. */
  read(resources: readonly Resource[]): Promise<readonly (Word<Body> | null)[]>;
  /** Says a word that is no rollback; tells everybody. */
  put(resource: Resource, word: Word<Body>): Promise<Put>;
  /** Says that a run is rolled back; tells everybody. Needs no token. */
  markRolledBack(resource: Resource, word: Word<Body>): Promise<void>;
}
