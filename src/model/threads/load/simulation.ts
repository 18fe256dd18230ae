/**
 * Nouns of simulations: what a rollout is simulated with, and what came of it.
 */

import type { ForecastTraffic } from '../../rollout.ts';

/** Traffic of one version: the share of its requests that fail, and how long they take; null: they all take a few ms. */
export interface SimulatedVersion {
  readonly errorRatio: number;
  readonly latency: ForecastTraffic['latency'];
}

/** What a rollout is simulated with. */
export interface SimulatedTraffic {
  /** Of both versions together. */
  readonly requestsPerSecond: number;
  /** Who send them, all as often as one another. */
  readonly users: number;
  readonly stable: SimulatedVersion;
  readonly canary: SimulatedVersion;
}

/** What is asked of a simulation of one rollout. */
export interface SimulationQuestion {
  /** Null: the only route with a rollout. */
  readonly route: string | null;
  readonly traffic: SimulatedTraffic;
  /** One history for each. */
  readonly seeds: readonly number[];
  /** A history that is not decided by then ends so. */
  readonly limitMs: number;
}

/** How one history ended: `paused` waits for a person. */
export type SimulatedOutcome = 'rolled-back' | 'promoted' | 'paused' | 'undecided';

/** One history of a rollout. */
export interface SimulatedHistory {
  readonly seed: number;
  readonly outcome: SimulatedOutcome;
  /** From the start of the rollout. */
  readonly afterMs: number;
  /** The canary's share of users at the end, before a rollback, in percent. */
  readonly percent: number;
  readonly canary: {
    readonly requests: number;
    readonly failed: number;
    /** Users to whom it failed at least once. */
    readonly usersFailed: number;
  };
  /** Of the last decision; empty without one. */
  readonly sentence: string;
}

/** `unknown`: there is no such rollout. */
export type SimulationAnswer =
  | {
      readonly kind: 'done';
      readonly route: string;
      readonly stable: string;
      readonly canary: string;
      /** Users keep their version. */
      readonly isSticky: boolean;
      /** Each is computed when it is asked for. */
      readonly histories: Iterable<SimulatedHistory>;
    }
  | { readonly kind: 'unknown'; readonly detail: string };
