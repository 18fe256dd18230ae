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

export interface FleetConfig {
  readonly name: string;
  /** What people call this gateway; null: the name of its machine. */
  readonly member: string | null;
  readonly redis: RedisSettings;
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
}
