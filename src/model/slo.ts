/**
 * Nouns of judgement: evidence, verdicts and decisions; objectives and their alerts.
 */

import type { JudgePolicy, RolloutTrigger } from './rollout.ts';
import type { RevertDecision } from './threads/revision.ts';

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

/**
 * Three-valued outcome (pass, fail, inconclusive), with the reasons for not knowing kept apart: none of them ever moves a
 * weight. `sli-broken`: the evidence itself cannot be believed, `Verdict.fault` says why.
 */
export type VerdictState = 'pass' | 'fail' | 'inconclusive' | 'no-traffic' | 'insufficient' | 'sli-broken';

/**
 * Why evidence cannot be believed: stable fails altogether, counters do not add up, the loop was held up repeatedly, the
 * gateway's own program failed at judging it.
 */
export const SLI_FAULTS = ['stable-down', 'counters', 'clock', 'defect'] as const;

export type Fault = (typeof SLI_FAULTS)[number];

/** What is missing for a verdict: how many are needed and how many were seen. */
export interface Shortfall {
  readonly of: 'canary requests' | 'bad canary requests';
  readonly needed: number;
  readonly seen: number;
}

/** Address of an endpoint; in what earlier releases wrote the slot that it had there, which says nothing to people. */
export type EndpointName = string | number;

/** Those of the names that are addresses, each once. */
export function addressesAmong(names: readonly EndpointName[]): string[] {
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/** Evidence of failures, in nats; `logE` is the smallest of the others. */
export interface ErrorsPart {
  readonly logE: number;
  readonly logERequests: number;
  readonly logEUsers: number;
  /** Against the absolute floor; null without one. */
  readonly logEAbsolute: number | null;
  /** By how much clustering tempers the evidence in requests, >= 1. */
  readonly dispersion: number;
  /** Endpoints whose failures alone would have convicted the canary, and which were left out instead; of this step. */
  readonly spared: readonly EndpointName[];
}

/** Both arms at the latency threshold with most evidence against the canary. */
export interface LatencyComparison {
  /** Stable's quantile that the threshold was frozen at, e.g. 0.95. */
  readonly quantile: number;
  /** That quantile of each arm since then; null without any answer. */
  readonly canaryMs: number | null;
  readonly stableMs: number | null;
  /** Thresholds: stable's, and what is tolerated of the canary. */
  readonly canaryLimitMs: number;
  readonly stableLimitMs: number;
  /** Requests known to be slower than their threshold or not since then; `bad` are those that are. */
  readonly slow: PairCounts;
}

/** Evidence of slowness, in nats. */
export interface LatencyPart {
  readonly logE: number;
  /** False until thresholds are frozen. */
  readonly isJudged: boolean;
  readonly at: LatencyComparison | null;
}

/** Evidence that the canary is not worse, since the step began; either branch suffices. */
export interface PromotionPart {
  readonly isPassed: boolean;
  readonly logERelative: number;
  readonly logEAbsolute: number;
  readonly logEToPass: number;
  /** Good canary requests in a row that would still have to come; 0 once passed, null when no number of them suffices. */
  readonly goodNeeded: number | null;
}

/** Failures on one route of a rollout that spans several, in nats; `logE` is the smallest of the others. */
export interface RoutePart extends Evidence {
  readonly route: string;
  readonly logE: number;
  readonly logERequests: number;
  readonly logEUsers: number;
  /** Against the absolute floor; null without one. */
  readonly logEAbsolute: number | null;
}

/** Judgement of one canary at one instant. */
export interface Verdict {
  readonly state: VerdictState;
  /** Natural logarithm of the e-value that counts, composed of errors, latency and routes. */
  readonly logE: number;
  /** ln(1/alpha): the e-value that fails the canary. */
  readonly logEToFail: number;
  readonly errors: ErrorsPart;
  readonly latency: LatencyPart;
  readonly promotion: PromotionPart;
  /** Each route by itself, the leading one first; absent where the rollout has one route. */
  readonly routes?: readonly RoutePart[];
  readonly fault: Fault | null;
  readonly shortfall: Shortfall | null;
  /** Totals since the watch began. */
  readonly requests: PairCounts;
  readonly users: PairCounts;
}

/**
 * What a decision did. `resume` by the configuration: a canary that was rolled back, or whose rollout was under way, is
 * watched anew because the operator changed it. `shadow`: nothing; a policy beside the one in force would have rolled back.
 */
export type DecisionKind =
  | 'start'
  | 'step'
  | 'promote'
  | 'bake'
  | 'succeed'
  | 'pause'
  | 'resume'
  | 'undo'
  | 'rollback'
  | 'shadow';

/** Where on a tape the evidence of a decision ends. */
export interface EvidenceRef {
  /** Names the tape. */
  readonly watch: string;
  /** Its last segment that counts, 1, 2, … */
  readonly segment: number;
  /** Of that segment, over it and all before it: SHA-256, hex. */
  readonly hash: string;
}

/** What a decision rests on, so that somebody else can derive it again. */
export interface Certificate {
  readonly format: 1;
  /** What was asked for, by the policy that decided. */
  readonly policy: JudgePolicy & { readonly latencyTolerance: number; readonly latencyFloorMs: number };
  /** Name of the shadow policy that decided; null: the one in force. */
  readonly shadow: string | null;
  /** Fingerprint of the operator's split and canary. */
  readonly generation: string;
  /** Latency thresholds in force, p50 to p99.9, in ms; null while none are frozen. */
  readonly limits: { readonly stableMs: readonly number[]; readonly canaryMs: readonly number[] } | null;
  /** Null: nothing was recorded. */
  readonly evidence: EvidenceRef | null;
}

/** A decision with the numbers behind it. */
export interface Decision {
  readonly id: number;
  /** Wall clock, ISO 8601, for people. */
  readonly at: string;
  readonly kind: DecisionKind;
  readonly trigger: RolloutTrigger;
  readonly route: string;
  readonly service: string;
  readonly canary: string;
  readonly stable: string;
  /** One sentence with the numbers. */
  readonly sentence: string;
  readonly verdict: Verdict;
  readonly alpha: number;
  readonly toleratedRatio: number;
  /** Canary's weight before and after. */
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
  readonly certificate: Certificate;
}

/** A row of the log of decisions. */
export type LoggedDecision = Decision | RevertDecision;

/** What objectives are about. */
export type SloScope = 'route' | 'service' | 'gateway';

/**
 * Which question an objective asks: was the answer good, or good and in time? Of a composite one: was the second good, by a
 * score of several parts, or by the value of what was served?
 */
export type SloIndicator = 'availability' | 'latency' | 'composite' | 'business';

/** What the score of a composite objective is made of, each 0..1. */
export const SCORE_PARTS = ['success', 'latency', 'health', 'dependencies'] as const;

export type ScorePart = (typeof SCORE_PARTS)[number];

/** How parts become a score: weighted arithmetic mean, weighted geometric mean, the worst of those that weigh anything. */
export const SCORE_FORMULAS = ['mean', 'product', 'minimum'] as const;

export type ScoreFormula = (typeof SCORE_FORMULAS)[number];

/** When a second is good, and how many of them are to be. */
export interface SecondsTarget {
  /** Target share of good seconds, in (0, 1). */
  readonly targetRatio: number;
  /** The score that makes a second good, 0..1. */
  readonly atLeastRatio: number;
  /** How far back requests count in the score of a second. */
  readonly windowMs: number;
}

/** What follows for the versions of a route or service while its score is below `atLeastRatio`. */
export interface StrainConfig {
  /** Share of their requests that the access log writes, 0..1. */
  readonly accessLogRatio: number;
  /** Part of their concurrency limits that they keep, in (0, 1]; 1 = all. */
  readonly concurrencyRatio: number;
}

/** An objective about several things at once. */
export interface CompositeConfig extends SecondsTarget {
  readonly formula: ScoreFormula;
  /** Relative weights, not all 0. A part without data is left out. */
  readonly weights: Readonly<Record<ScorePart, number>>;
  /** Services whose breakers count. */
  readonly dependencies: readonly string[];
  /** null: nothing follows. */
  readonly whileBelow: StrainConfig | null;
}

/** The objective of the gateway as a whole: how much of the value that was asked for is served. */
export interface BusinessConfig extends SecondsTarget {
  /** Part of its value that a good answer keeps when it comes too late, 0..1. */
  readonly lateRatio: number;
  readonly terms: SloTerms;
}

/** A route or service with objectives, and the cells that hold its exchanges. */
export interface SloSource {
  readonly scope: SloScope;
  readonly name: string;
  /** Cells whose exchanges count. A service's are its routes' own, or its versions' on routes that it shares. */
  readonly cells: readonly number[];
  /** What one exchange of each cell is worth; absent: they count alike. */
  readonly values?: readonly number[];
  readonly slo: SloAsked;
}

/** What is the same for every objective of a source. */
export type SloTerms = Pick<SloConfig, 'calendar' | 'errorWeights' | 'budgetPolicy'>;

/** The objectives of a source: those of a route or service, or that of the gateway. */
export type SloAsked = SloTerms &
  Partial<Pick<SloConfig, 'availabilityRatio' | 'latency' | 'composite'>> & { readonly business?: BusinessConfig };

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

/** What follows when a version that no rollout judges drifts from its route's objectives. */
export interface DriftConfig {
  /** Part of its weight that it keeps in mild trouble, 0..1. */
  readonly keepRatio: number;
  /** Share of its requests that the access log writes as long as it is in trouble, 0..1. */
  readonly sampleRatio: number;
}

/** `mild`: it keeps a part of its weight, and more of it is logged. `offline`: weight 0 until a person restores it. */
export type DriftKind = 'steady' | 'mild' | 'offline';

/** One version of a route with `drift`. Indexes are those of the tallies and dials. */
export interface DriftSpec {
  readonly route: string;
  readonly service: string;
  readonly version: string;
  /** Cell of route x version. */
  readonly cell: number;
  readonly dial: number;
  readonly slo: SloConfig;
  readonly drift: DriftConfig;
  /** Dial of the canary where the version is one side of a rollout; while it has weight the rollout judges. Else -1. */
  readonly canaryDial: number;
}

/** A version's drift as it stands. */
export interface DriftStanding {
  readonly kind: DriftKind;
  /** One sentence with the numbers that led there; empty while steady. */
  readonly sentence: string;
}

/** A version began to drift, went offline, recovered or was restored. */
export interface DriftChange {
  readonly route: string;
  readonly service: string;
  readonly version: string;
  readonly before: DriftKind;
  readonly after: DriftKind;
  /** `evidence`, or who restored it. */
  readonly by: string;
  readonly sentence: string;
}

/** What an error budget allows rollouts to do. */
export interface BudgetPolicyConfig {
  /** An exhausted budget stops rollouts, unless they are labeled `fix`. */
  readonly freeze: boolean;
  /** Rollouts are slow while less than this part of the budget is left, 0..1. */
  readonly slowBelowRatio: number;
  /** Part of the budget left at its start that one rollout may spend, 0..1. */
  readonly releaseAllowanceRatio: number;
}

/** Objectives of a route or a service. Budgets that decide are rolling, over 28 days. */
export interface SloConfig {
  /** Target share of good requests, in (0, 1). */
  readonly availabilityRatio: number;
  readonly latency: { readonly thresholdMs: number; readonly targetRatio: number } | null;
  /** Period that is reported besides the rolling one, in UTC. */
  readonly calendar: 'week' | 'month' | null;
  /** Normalized paths whose requests (probes) count for nothing. Always empty of a service. */
  readonly ignorePaths: readonly string[];
  /** Weight of an error in the weighted error count, by class. */
  readonly errorWeights: { readonly client: number; readonly transient: number; readonly server: number };
  readonly budgetPolicy: BudgetPolicyConfig;
  /** What follows when a version drifts; null = nothing. Always null of a service. */
  readonly drift: DriftConfig | null;
  /** Absent, not null, where there is none: so fingerprints of such routes stay. */
  readonly composite?: CompositeConfig;
}
