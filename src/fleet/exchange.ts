/**
 * What a fleet needs of the store that it shares: locks with fencing tokens, and the newest word on each rollout.
 *
 * Redis has both (`redis/store.ts`). Locks may be sessions of Consul or leases of etcd instead (`sources/stores/write/`): then the
 * words in Redis are fenced by `redis/fenced.ts`.
 */

import type { Resource } from '../model/threads/fleet.ts';
import type { Word } from './order.ts';

export type { Grant, Locks, Resource } from '../model/threads/fleet.ts';

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
