/**
 * The decisions of this process, for whoever looks: the newest ones whole, all of them as counts.
 */

import type { RolloutSpec } from '../model/rollout.ts';
import type { Decision } from '../model/slo.ts';

/** Decisions that are kept to look at; older ones are in the log. */
export const DECISIONS_MAX = 1000;

/** Rollbacks of one canary since the start. */
export interface RollbackCount {
  readonly route: string;
  readonly version: string;
  readonly count: number;
}

export class Decisions {
  readonly #newest: Decision[] = [];
  readonly #rollbacks = new Map<string, RollbackCount>();

  /** Oldest first, at most DECISIONS_MAX. */
  get newest(): readonly Decision[] {
    return this.#newest;
  }

  /** Takes over what earlier processes decided, oldest first: shown, but not counted as of this start. */
  recall(decisions: readonly Decision[]): void {
    this.#newest.unshift(...decisions.slice(-DECISIONS_MAX));
    this.#newest.splice(0, Math.max(0, this.#newest.length - DECISIONS_MAX));
  }

  add(decision: Decision): void {
    this.#newest.push(decision);
    if (this.#newest.length > DECISIONS_MAX) this.#newest.shift();
    if (decision.kind !== 'rollback') return;
    const { route, canary: version } = decision;
    const key = `${route}/${version}`;
    this.#rollbacks.set(key, { route, version, count: (this.#rollbacks.get(key)?.count ?? 0) + 1 });
  }

  /** Counts never fall; a rollout that was never rolled back counts 0, so that its first rollback is an increase. */
  rollbacks(rollouts: readonly RolloutSpec[]): RollbackCount[] {
    const counts = new Map(this.#rollbacks);
    for (const { route, canary } of rollouts) {
      const key = `${route}/${canary.version}`;
      if (!counts.has(key)) counts.set(key, { route, version: canary.version, count: 0 });
    }
    return [...counts.values()];
  }
}
