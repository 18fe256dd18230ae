/**
 * Nouns of recorded traffic: one request of it, and what objectives would have said of all.
 */

import type { Reason } from '../../reason.ts';
import type { AlertSeverity, SloIndicator, SloScope } from '../../slo.ts';

/** One line of recorded traffic. null: not known. */
export interface RecordedRequest {
  /** Wall clock, ms since 1970. */
  readonly endedAtMs: number;
  readonly route: string | null;
  /** null: that of the route, or of the version on it. */
  readonly service: string | null;
  readonly version: string | null;
  /** The canary that failed, when another version answered for it. */
  readonly rescuedFrom: string | null;
  /** Without the query. */
  readonly path: string | null;
  /** 0: none was given. */
  readonly status: number;
  readonly reason: Reason;
  readonly durationMs: number | null;
  readonly user: string | null;
  /** How many requests it stands for, at least 1. */
  readonly count: number;
}

/** An objective that traffic is shown to. */
export interface TrafficObjective {
  readonly scope: SloScope;
  /** Of the route or service. */
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly targetRatio: number;
  /** null but of latency. */
  readonly thresholdMs: number | null;
}

/** An alert that would have fired. Times as above. */
export interface TrafficAlert {
  readonly severity: AlertSeverity;
  readonly long: string;
  readonly short: string;
  readonly factor: number;
  readonly firedAtMs: number;
  /** null: it fires at the end of the traffic. */
  readonly resolvedAtMs: number | null;
  /** As it would have been told when it fired. */
  readonly sentence: string;
}

/**
 * How an objective fits the traffic: `too-tight`, missed beyond chance; `too-lax`, a target with a tenth of the budget would have been met
 * as well, beyond chance; `fits`, neither; `too-little`, so few events that the budget does not allow a single bad one.
 */
export type TrafficFit = 'too-tight' | 'fits' | 'too-lax' | 'too-little';

/** What one objective would have said. */
export interface ObjectiveReport extends TrafficObjective {
  /** Of all the traffic. */
  readonly good: number;
  readonly bad: number;
  /** null where nothing was counted. */
  readonly fit: TrafficFit | null;
  /** Share of good events, of the worst 28 days where there are more: the highest target that was met. null likewise. */
  readonly bestTargetRatio: number | null;
  /** How many times faster than allowed the budget was used, over all; null likewise. */
  readonly burn: number | null;
  /** How long a budget of 28 days lasts at that; null where it does not end. */
  readonly budgetLastsMs: number | null;
  /** At the end, and now and then until there. */
  readonly remainingRatio: number | null;
  readonly course: readonly {
    readonly atMs: number;
    readonly remainingRatio: number;
    readonly burn1h: number | null;
  }[];
  readonly alerts: readonly TrafficAlert[];
  /** Alerts beyond those. */
  readonly alertsMore: number;
  /** When nothing of the budget was left, beyond chance; `toMs` null: at the end still. */
  readonly spent: readonly { readonly fromMs: number; readonly toMs: number | null }[];
  /** Users, and those who met a bad event; null where none are known, or more than are kept apart. */
  readonly users: { readonly all: number; readonly failed: number } | null;
  /** Requests left out, because their duration is not known. */
  readonly untimed: number;
}

/** What came of the traffic as a whole. */
export interface TrafficReport {
  readonly requests: number;
  /** Of no objective. */
  readonly unclaimed: number;
  /** Ends of the first and the last request; null without any. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly objectives: readonly ObjectiveReport[];
}
