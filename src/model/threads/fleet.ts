/**
 * Nouns of a fleet: several gateways that judge their canaries together.
 */

import type { SavedRollout } from '../rollout.ts';

/** How Redis is reached. */
export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | null;
  /** File that holds the password; the configuration itself is hashed and kept, and is no place for a secret. */
  readonly passwordFile: string | null;
  /** null: plain TCP. Names of files, each null: the system's, or none. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly serverName: string | null;
  } | null;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
}

/** What a start does while another rollout has the release window of its service. */
export const WINDOW_POLICIES = ['wait', 'refuse'] as const;
export type WindowPolicy = (typeof WINDOW_POLICIES)[number];

/** Where the locks of a fleet are: in its Redis, or in the first source of this kind. */
export const LOCK_STORES = ['redis', 'consul', 'etcd'] as const;

export interface FleetConfig {
  readonly name: string;
  /** What people call this gateway; null: the name of its machine. */
  readonly member: string | null;
  readonly redis: RedisSettings;
  readonly lock: (typeof LOCK_STORES)[number];
  /** After which the lock of a leader that is gone is free. */
  readonly leaseMs: number;
  readonly window: { readonly leaseMs: number; readonly onTaken: WindowPolicy };
}

/** Who decides on a rollout, as this gateway sees it. `alone`: cut off, so everybody judges by what they see themselves. */
export type FleetRole = 'leader' | 'follower' | 'alone';

/** Latency thresholds that the whole fleet counts at. */
export interface FleetLimits {
  /** Names this freeze; counts at others are not added to it. */
  readonly id: string;
  readonly stableMs: readonly number[];
  readonly canaryMs: readonly number[];
}

/** Where a rollout stands, as gateways tell one another. */
export interface RolloutNews {
  readonly saved: SavedRollout;
  readonly limits: FleetLimits | null;
}

/** A gateway of the fleet that was heard of lately. */
export interface FleetMember {
  /** Of the process. */
  readonly id: string;
  readonly member: string;
  /** Where its admin server is, as it says itself. */
  readonly adminUrl: string;
  /** Time since it was last heard of; 0 of the gateway itself. */
  readonly heardMs: number;
}

export interface FleetRolloutStatus {
  readonly route: string;
  readonly role: FleetRole;
  /** Name of the leader; null: none is known. */
  readonly leader: string | null;
  /** Fencing token of the leader, if it is this gateway; else of the newest word; 0 = none. */
  readonly token: number;
  /** How often it was begun anew after a rollback. */
  readonly run: number;
  /** Whether this gateway keeps the release window of the service for it, or who else has it. */
  readonly window: 'held' | 'none' | { readonly takenBy: string };
}

/** How the limits of the fleet are counted (`routes[].rateLimits[].scope`). */
export interface FleetRatesStatus {
  /** Limits of this gateway's configuration that the fleet counts. */
  readonly limits: number;
  /** `local`: Redis does not answer, so this gateway counts by itself. */
  readonly mode: 'shared' | 'local';
  /** Why; empty when they are shared. */
  readonly because: string;
  readonly exchanges: { readonly done: number; readonly failed: number };
  /** Keys of the newest exchange, and those that had to wait for the next one. */
  readonly keys: number;
  readonly keysLeft: number;
  /** Keys that Redis had no room for, since the start, exchange by exchange: counted by each gateway alone. */
  readonly keysRefused: number;
}

export interface FleetStatus {
  readonly name: string;
  readonly member: string;
  readonly mode: 'joining' | 'fleet' | 'alone';
  /** Why it is alone; empty when it is not. */
  readonly because: string;
  /** Time since the last complete exchange with Redis; null before the first. */
  readonly exchangedMs: number | null;
  readonly exchanges: { readonly done: number; readonly failed: number };
  /** Messages with evidence: sent, taken in, and left out because they were damaged, too large or from too many. */
  readonly messages: { readonly sent: number; readonly taken: number; readonly refused: number };
  readonly members: readonly FleetMember[];
  readonly rollouts: readonly FleetRolloutStatus[];
  readonly rates: FleetRatesStatus;
}

/** What is locked, or spoken of. `tag`: names of the same tag lie together where a store is spread over machines. */
export interface Resource {
  readonly tag: string;
  readonly name: string;
}

/**
 * `taken`: by somebody else, whose lock ends within `leftMs` unless it is renewed; an empty owner: by somebody of whom the store
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

/** Locks in a store of their own, to be let go of. */
export interface LockStore extends Locks {
  /** Lets go of connections; locks end by themselves. Idempotent. */
  close(): void;
}
