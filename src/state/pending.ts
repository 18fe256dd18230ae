/**
 * What waits to be written: the newest of every budget and rollout, and every decision.
 *
 * Bounded, because the disk may be away for long: beyond the limits the oldest decisions and segments go, and are counted.
 */

import type { SavedRollout } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';
import type { SavedBudget, Segment, StateBatch } from '../model/threads/state.ts';

export const DECISIONS_PENDING_MAX = 1000;
/** 15 MB. */
export const SEGMENTS_PENDING_MAX = 256;

export class Pending {
  #budgets = new Map<string, SavedBudget>();
  #rollouts = new Map<string, SavedRollout>();
  #decisions: LoggedDecision[] = [];
  #segments: Segment[] = [];
  #lost = 0;
  #segmentsLost = 0;
  /** Of them, those that nobody has written down yet, by tape. */
  #unsaid = new Map<string, { readonly route: string; segments: number }>();

  get isEmpty(): boolean {
    return this.rows === 0;
  }

  /** Rows that wait. */
  get rows(): number {
    return this.#budgets.size + this.#rollouts.size + this.#decisions.length + this.#segments.length;
  }

  /** Whether something waits that is not to wait for the next turn. */
  get isUrgent(): boolean {
    return this.#decisions.length > 0;
  }

  /** Decisions that were given up since the start, before they could be written. */
  get lost(): number {
    return this.#lost;
  }

  /** The same of segments of tapes. */
  get segmentsLost(): number {
    return this.#segmentsLost;
  }

  addBudget(key: string, budget: SavedBudget): void {
    this.#budgets.set(key, budget);
  }

  addRollout(rollout: SavedRollout): void {
    this.#rollouts.set(rollout.route, rollout);
  }

  addDecision(decision: LoggedDecision): void {
    this.#decisions.push(decision);
    this.#bound();
  }

  addSegment(segment: Segment): void {
    this.#segments.push(segment);
    this.#bound();
  }

  /** Everything that waits; nothing does afterwards. */
  take(): StateBatch {
    this.#bound();
    const batch = {
      budgets: this.#budgets,
      rollouts: this.#rollouts,
      decisions: this.#decisions,
      segments: this.#segments,
      segmentsLost: this.#unsaid,
    };
    this.#budgets = new Map();
    this.#rollouts = new Map();
    this.#decisions = [];
    this.#segments = [];
    this.#unsaid = new Map();
    return batch;
  }

  /** Forgets budgets and rollouts: what it says of budgets and rollouts came before something that was to be added. */
  keepDecisions(): void {
    this.#budgets = new Map();
    this.#rollouts = new Map();
  }

  /** Puts back what could not be written; what came since is newer. */
  putBack(batch: StateBatch): void {
    this.#budgets = new Map([...batch.budgets, ...this.#budgets]);
    this.#rollouts = new Map([...batch.rollouts, ...this.#rollouts]);
    this.#decisions = [...batch.decisions, ...this.#decisions];
    this.#segments = [...batch.segments, ...this.#segments];
    for (const [watch, { route, segments }] of batch.segmentsLost) this.#miss(watch, route, segments);
    this.#bound();
  }

  #bound(): void {
    const surplus = Math.max(0, this.#decisions.length - DECISIONS_PENDING_MAX);
    if (surplus > 0) this.#decisions = this.#decisions.slice(surplus);
    this.#lost += surplus;
    const segments = Math.max(0, this.#segments.length - SEGMENTS_PENDING_MAX);
    for (const { watch, route } of this.#segments.splice(0, segments)) this.#miss(watch, route, 1);
    this.#segmentsLost += segments;
  }

  #miss(watch: string, route: string, segments: number): void {
    const before = this.#unsaid.get(watch)?.segments ?? 0;
    this.#unsaid.set(watch, { route, segments: before + segments });
  }
}
