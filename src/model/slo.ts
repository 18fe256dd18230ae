/**
 * Nouns of judgement: evidence, verdicts and decisions; objectives and their alerts.
 */

import type { SloConfig } from './config.ts';

/** Exchanges of one arm (version) in one tick: how many finished, how many of them were bad. `bad <= finished`. */
export interface ArmCounts {
  finished: number;
  bad: number;
}

/** Both arms in one unit of analysis. */
export interface PairCounts {
  readonly canary: ArmCounts;
  readonly stable: ArmCounts;
}

/**
 * What was seen of one rollout in one tick, in two units of analysis that must both convince (min rule, docs/verdicts.md):
 * `requests`, and `users`: user-seconds, a user key counted at most once a second.
 */
export interface Evidence {
  readonly requests: PairCounts;
  readonly users: PairCounts;
}

/** Three-valued outcome, with the reasons for not knowing kept apart: none of them ever moves a weight. */
export type VerdictState = 'pass' | 'fail' | 'inconclusive' | 'no-traffic' | 'insufficient';

/** Judgement of one canary at one instant. */
export interface Verdict {
  readonly state: VerdictState;
  /** Natural logarithm of the e-value that counts: the smaller of the two units'. */
  readonly logE: number;
  readonly logERequests: number;
  readonly logEUsers: number;
  /** ln(1/alpha): the e-value that fails the canary. */
  readonly logEToFail: number;
  /** Totals since the watch began. */
  readonly requests: PairCounts;
  readonly users: PairCounts;
}

/** A decision with the numbers behind it. */
export interface Decision {
  readonly id: number;
  /** Wall clock, ISO 8601, for people. */
  readonly at: string;
  readonly kind: 'rollback' | 'resume';
  readonly route: string;
  readonly service: string;
  readonly canary: string;
  readonly stable: string;
  /** One sentence with the numbers. */
  readonly sentence: string;
  readonly verdict: Verdict;
  readonly alpha: number;
  readonly toleratedRatio: number;
  /** Canary's dial before and after. */
  readonly weightBefore: number;
  readonly weightAfter: number;
  /** Configuration revision in force. */
  readonly revision: number;
  /** First bad canary exchange of the step to the decision, in ms; -1 when it was not seen. */
  readonly detectedInMs: number;
  /** Decision to the dial's store, in ms. */
  readonly switchedInMs: number;
  /** Request ids of up to 5 bad canary exchanges. */
  readonly sampleRequestIds: readonly string[];
}

/** What objectives are about. */
export type SloScope = 'route' | 'service';

/** Which question an objective asks: was the answer good, or good and in time? */
export type SloIndicator = 'availability' | 'latency';

/** A route or service with objectives, and the cells that hold its exchanges. */
export interface SloSource {
  readonly scope: SloScope;
  readonly name: string;
  /** Cells whose exchanges count. A service's are its routes' own, or its versions' on routes that it shares. */
  readonly cells: readonly number[];
  readonly slo: SloConfig;
}

/** How urgent an alert is. */
export type AlertSeverity = 'page' | 'ticket';

/** An alert of an objective began or ended. */
export interface AlertChange {
  readonly scope: SloScope;
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly state: 'firing' | 'resolved';
  readonly severity: AlertSeverity;
  /** Names of the two windows, `1h` and `5m`. */
  readonly long: string;
  readonly short: string;
  /** Burn rate that both had to exceed. */
  readonly factor: number;
  /** Burn rates now; null where nothing was counted. */
  readonly longBurn: number | null;
  readonly shortBurn: number | null;
  /** Part of the 28-day budget that is left; null when nothing was counted. */
  readonly remainingRatio: number | null;
  /** One sentence with the numbers. */
  readonly sentence: string;
}
