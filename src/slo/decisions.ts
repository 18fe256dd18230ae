/**
 * The decisions of this process, for whoever looks: the newest ones whole, all of them as counts.
 */

import type { RolloutSpec } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';

/** Decisions that are kept to look at; older ones are in the log. */
export const DECISIONS_MAX = 1000;

/** Rollbacks of one canary since the start. */
export interface RollbackCount {
  readonly route: string;
  readonly version: string;
  readonly count: number;
}

export class Decisions {
  #recalled: readonly LoggedDecision[] = [];
  readonly #own: LoggedDecision[] = [];
  readonly #rollbacks = new Map<string, RollbackCount>();

  /** Oldest first, at most DECISIONS_MAX. */
  get newest(): readonly LoggedDecision[] {
    return [...this.#recalled, ...this.#own].slice(-DECISIONS_MAX);
  }

  /** The newest of this process, oldest first. */
  get own(): readonly LoggedDecision[] {
    return this.#own;
  }

  /** Takes over what earlier processes decided, oldest first: shown, but not counted as of this start. Replaces what it took. */
  recall(decisions: readonly LoggedDecision[]): void {
    this.#recalled = decisions.slice(-DECISIONS_MAX);
  }

  add(decision: LoggedDecision): void {
    this.#own.push(decision);
    if (this.#own.length > DECISIONS_MAX) this.#own.shift();
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
