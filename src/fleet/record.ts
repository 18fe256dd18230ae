/**
 * One rollout as one gateway of the fleet knows it: the word that counts, its lease on leading, its hold on the window.
 *
 * Pure but for what is written to its own fields; `node.ts` talks to the store.
 */

import type { FleetRole } from '../model/threads/fleet.ts';
import type { Resource } from './exchange.ts';
import { compareWords, type Word } from './order.ts';

/** A rollout of the configuration in force. */
export interface FleetRollout {
  readonly route: string;
  readonly service: string;
  /** Another split, canary or rollout is another rollout. */
  readonly generation: string;
  /** Only a rollout with steps starts, and so only it needs the release window. */
  readonly hasSteps: boolean;
}

/** A lock that is held, as long as nobody else can have it. */
export interface Lease {
  readonly token: number;
  readonly untilMs: number;
}

/** Share of a time to live after which the holder does not count on it any more: clocks do not run alike. */
const LEASE_SHARE = 0.9;
/** Characters of a generation that name it. */
const GENERATION_CHARS = 16;

/** When a lock that was asked for at `sentMs` is not to be counted on any more. */
export function leaseOf(token: number, sentMs: number, ttlMs: number): Lease {
  return { token, untilMs: sentMs + ttlMs * LEASE_SHARE };
}

export class RolloutRecord<Body> {
  readonly rollout: FleetRollout;
  /** Of the word and the leader's lock. */
  readonly resource: Resource;
  readonly window: Resource;
  known: Word<Body> | null = null;
  /** The store has the word, or had it. */
  isSaid = false;
  /** The rollout here is not where the word has it. */
  isApart = false;
  /** It was rolled back here before anything was heard from the fleet: at this time, ms since 1970. */
  blindSinceMs: number | null = null;
  lease: Lease | null = null;
  windowLease: Lease | null = null;
  /** Process that leads, as the store says; empty: nobody. */
  leader = '';
  /** Rollout that has the window of the service instead; empty: none. */
  windowTakenBy = '';
  /** Settled with the last question about the window; never rejects. */
  windowAsked: Promise<void> = Promise.resolve();

  constructor(rollout: FleetRollout) {
    this.rollout = rollout;
    const { route, service, generation } = rollout;
    this.resource = { tag: route, name: generation.slice(0, GENERATION_CHARS) };
    this.window = { tag: service, name: 'window' };
  }

  /** Owner of the window: the rollout, not the gateway, so that a new leader goes on with it. */
  get owner(): string {
    return `${this.resource.tag}/${this.resource.name}`;
  }

  leads(nowMs: number): boolean {
    return this.lease !== null && nowMs < this.lease.untilMs;
  }

  hasWindow(nowMs: number): boolean {
    return this.windowLease !== null && nowMs < this.windowLease.untilMs;
  }

  /** Nobody begins again what the fleet does not know to be rolled back. */
  mayStart(nowMs: number): boolean {
    const isUntold = this.known?.isRolledBack === true && !this.isSaid;
    return this.leads(nowMs) && this.hasWindow(nowMs) && !isUntold;
  }

  roleAt(nowMs: number, isConnected: boolean): FleetRole {
    if (this.leads(nowMs)) return 'leader';
    return isConnected ? 'follower' : 'alone';
  }

  /** The next word of this gateway; a rollback is said of the run that is known, anything after one begins another. */
  next(body: Body, isRolledBack: boolean, wallMs: number): Word<Body> {
    const { known } = this;
    const isNewRun = known?.isRolledBack === true && !isRolledBack;
    const run = (known?.run ?? 0) + (isNewRun ? 1 : 0);
    const token = Math.max(this.lease?.token ?? 0, known?.token ?? 0);
    const beganAtMs = isNewRun ? wallMs : (known?.beganAtMs ?? 0);
    return { run, isRolledBack, token, seq: (known?.seq ?? 0) + 1, beganAtMs, body };
  }

  /**
   * Takes in a word of the fleet. A rollback that was decided here without knowing of any run belongs to the run that was
   * under way then: the one of the fleet, unless that was begun later.
   * @returns whether the rollout here has to follow it
   */
  hear(word: Word<Body>): boolean {
    const { known, blindSinceMs } = this;
    if (blindSinceMs !== null && known !== null && blindSinceMs >= word.beganAtMs && word.run > known.run) {
      this.known = { ...known, run: word.run };
      this.isSaid = false;
    }
    if (compareWords(word, this.known) <= 0) return false;
    this.known = word;
    this.blindSinceMs = null;
    this.isSaid = true;
    this.isApart = true;
    return true;
  }
}
