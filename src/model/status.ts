/**
 * What the gateway tells about itself: the answer of `GET /api/v1/status`, also read by the CLI and the demo.
 *
 * Ratios are 0..1 and null where nothing was counted; latencies are in ms and null likewise: "no data" is never 0.
 */

import type { EndpointHealth, HealthStatus } from './health.ts';
import type { Priority } from './overload.ts';
import type { Problem } from './problem.ts';
import type { RolloutGate, RolloutStateName, RolloutSubject, WeightsOrigin } from './rollout.ts';
import type { ErrorClass } from './sli.ts';
import type { AlertSeverity, DriftKind, ScorePart, SloIndicator, SloScope, Verdict, VerdictState } from './slo.ts';
import type { FallbackCounts } from './threads/answers/fallback.ts';
import type { RetryCounts } from './threads/answers/retries.ts';
import type { FleetStatus } from './threads/fleet.ts';
import type { RestartStatus } from './threads/handover.ts';
import type { DefectsStatus } from './threads/load/defects.ts';
import type { DownstreamCounts } from './threads/load/downstream.ts';
import type { SaturationStatus } from './threads/load/saturation.ts';
import type { WatchesStatus } from './threads/load/watches.ts';
import type { RouteSamples } from './threads/requests/samples.ts';
import type { RevisionsStatus, SignaturesStatus } from './threads/revision.ts';
import type { StateStatus } from './threads/state.ts';
import type { TlsStatus } from './threads/tls.ts';

export interface EndpointStatus extends EndpointHealth {
  /** `host:port` */
  readonly address: string;
  readonly inFlight: number;
  readonly connections: number;
  readonly requests: number;
  readonly bad: number;
  readonly connectFailures: number;
  /** Attempts that it got while it was out, because every endpoint of its version was. */
  readonly panics: number;
}

/** Counts and latencies since start of one route, or of one version on a route. */
export interface TrafficStatus {
  readonly inFlight: number;
  readonly requests: number;
  readonly bad: number;
  readonly ignored: number;
  readonly slow: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
}

/** Exchanges that failed on a canary and went on with stable, by their effect on the route's SLI. */
export interface RescueCounts {
  readonly good: number;
  readonly bad: number;
  readonly ignored: number;
  /** Not made: the retry budget was empty, or stable had no room. */
  readonly skipped: number;
}

/** A version at its limit. */
export interface AdmissionStatus {
  /** Requests that may be under way now, and how many are. */
  readonly limit: number;
  readonly inFlight: number;
  readonly queued: number;
  /** Requests of this route that were refused since the start. */
  readonly shed: Readonly<Record<Priority, number>>;
  /** Best-effort requests get at most half of the places, as a route to the version burns its budget fast. */
  readonly isCurbed: boolean;
  /** In which order its requests are refused, in one sentence with numbers. */
  readonly order: string;
}

/** How a route stands where a version has more than it can serve (model/threads/load/standing.ts). */
export interface SheddingStatus {
  readonly priority: Priority;
  /** Part of its error budget that is left; null: it has none, or nothing was counted. */
  readonly remainingRatio: number | null;
  /** 0 = refused last within its priority. Its canary stands after all of them. */
  readonly standing: number;
  /** By failures, refusals apart. */
  readonly isBurning: boolean;
  /** What its standing rests on, in words. */
  readonly because: string;
}

/** Workers that leave a version alone because it failed, and those that try it out. */
export interface BreakerStatus {
  readonly open: number;
  readonly halfOpen: number;
}

export interface VersionStatus extends TrafficStatus {
  readonly service: string;
  readonly version: string;
  readonly colors: readonly string[];
  /** Weight in force (the dial). */
  readonly weight: number;
  /** The operator's weight: of the weights document where it says one, else of the route. */
  readonly weightConfigured: number;
  readonly weightFrom: 'route' | 'weights';
  /** What the route itself says. */
  readonly weightOfRoute: number;
  /** Why the two differ, or would if another version could take over; empty otherwise. */
  readonly weightBecause: string;
  /** null for a version without a breaker. */
  readonly breaker: BreakerStatus | null;
  readonly retries: RetryCounts;
  /** null for a version that nobody rescues. */
  readonly rescued: RescueCounts | null;
  /** How it does against the route's objectives, where the route has `drift`; `weightBecause` says why. */
  readonly drift: DriftKind;
  /** Share of the route's requests since start. */
  readonly shareRatio: number | null;
  /** The limit of its requests, over all workers and whatever route they come by; null where there is none. */
  readonly admission: AdmissionStatus | null;
  /** Whether the service passes colors on; null: nothing has followed from requests that a color pinned to the version. */
  readonly downstream: DownstreamStatus | null;
  readonly endpoints: readonly EndpointStatus[];
}

/** Requests that came in within traces of requests that a color pinned to a version. */
export interface DownstreamStatus extends DownstreamCounts {
  /** Share of those without a color. */
  readonly lostRatio: number;
  /** That the version loses colors, with numbers; empty when it does not, or there were too few. */
  readonly sentence: string;
}

export interface RolloutStatus extends RolloutSubject {
  /** A canary that is only watched is `progressing` or `rolled-back`. */
  readonly state: RolloutStateName;
  /** Null when the rollout is not on a step. `number` counts from 1, `percent` is the share of users. */
  readonly step: {
    readonly number: number;
    readonly count: number;
    readonly percent: number;
    readonly forMs: number;
  } | null;
  /** What the step asks for; empty when nothing is awaited. */
  readonly gates: readonly RolloutGate[];
  /** What comes next, in one sentence; empty for a canary that is only watched. */
  readonly next: string;
  /** null before the first tick. */
  readonly verdict: Verdict | null;
  /** The state in one sentence with numbers. */
  readonly sentence: string;
  /** What the policies beside the one in force make of it; they never act. */
  readonly shadows: readonly ShadowStatus[];
}

export interface ShadowStatus {
  readonly name: string;
  readonly state: VerdictState;
  readonly logE: number;
  readonly logEToFail: number;
  /** It would have rolled back, since the canary is judged. */
  readonly hasDecided: boolean;
}

/** The weights document that counts for a route. */
export type WeightsStatus = Pick<WeightsOrigin, 'document' | 'revision' | 'reason'>;

/** What is asked and said of the weights of a version. */
export type VersionWeights = Pick<
  VersionStatus,
  'service' | 'version' | 'weight' | 'weightBecause' | 'weightConfigured' | 'weightFrom' | 'weightOfRoute'
>;

/** The weights of a route: as they are kept now, and as this gateway has them. */
export interface WeightsView {
  readonly route: string;
  /** Where they are kept, or would be; empty: nowhere that can be written, and `problem` says what to do. */
  readonly document: string;
  /** Of the document as it is kept now, to write against; null: not known, and `problem` says why. */
  readonly revision: string | null;
  /** As kept now; null: there is no document, or no sound one. */
  readonly weights: Readonly<Record<string, number>> | null;
  readonly reason: string;
  readonly problem: string;
  /** What counts in this gateway: behind what is kept until it has taken that up, or because that was refused. */
  readonly inForce: WeightsStatus | null;
  readonly versions: readonly VersionWeights[];
}

export interface RouteStatus extends TrafficStatus {
  readonly name: string;
  /** Null where the weights are the route's own. */
  readonly weights: WeightsStatus | null;
  readonly versions: readonly VersionStatus[];
  readonly rollout: RolloutStatus | null;
  /** Null where no version of it has a limit. */
  readonly shedding: SheddingStatus | null;
  /** Requests that fell back since the start; null for a route without fallback. */
  readonly fallbacks: FallbackCounts | null;
}

/** A route as far as metrics show its state: 10,000 of them are read at every scrape. Rollouts are told apart. */
export interface RouteState extends Pick<RouteStatus, 'name'> {
  readonly versions: readonly VersionState[];
}

export type VersionState = Pick<
  VersionStatus,
  'service' | 'version' | 'weight' | 'shareRatio' | 'downstream' | 'endpoints'
>;

/** Latencies of a route since the start, in the buckets of lib/histogram.ts: readings can be subtracted. */
export interface RouteLatencies {
  readonly route: string;
  /** Those that are not empty, ascending. */
  readonly counts: readonly (readonly [bucket: number, count: number])[];
}

/** Counts of a window or period. */
export interface EventsStatus {
  readonly good: number;
  readonly bad: number;
}

export interface AlertStatus {
  readonly severity: AlertSeverity;
  readonly long: string;
  readonly short: string;
  readonly factor: number;
  readonly isFiring: boolean;
  /** How long it has been firing; null when it is not. */
  readonly firingForMs: number | null;
}

/** The score of a composite objective, as of its last second. */
export interface ScoreStatus {
  /** null: no part has data. */
  readonly now: number | null;
  readonly atLeastRatio: number;
  /** Those that weigh anything; null without data. Empty of the gateway's objective. */
  readonly parts: Readonly<Partial<Record<ScorePart, number | null>>>;
  /** It was below `atLeastRatio` three seconds in a row, and was not above it as long since: its policy acts. */
  readonly isBelow: boolean;
  /** Value of the requests that were answered since the gateway began to count, and of what was served of it; else null. */
  readonly value: { readonly asked: number; readonly served: number } | null;
}

/** One objective and its error budget. Events of a composite objective are seconds. */
export interface SloStatus {
  readonly scope: SloScope;
  /** Of the route or service. */
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly targetRatio: number;
  /** null of availability. */
  readonly thresholdMs: number | null;
  /** Events of the last 28 days. */
  readonly events: EventsStatus;
  /** Events since the gateway began to count. */
  readonly eventsTotal: EventsStatus;
  /** Part of the 28-day budget that is left: 1 = all, negative = overspent. */
  readonly remainingRatio: number | null;
  /** Time until it is gone at the burn rate of the last hour; null when it has no end. */
  readonly exhaustedInMs: number | null;
  /** Burn rate by window, 1 = the budget lasts exactly its period. */
  readonly burnRates: Readonly<Record<string, number | null>>;
  readonly alerts: readonly AlertStatus[];
  /** The calendar period, where the objective has one; `sinceMs`: its start, ms since 1970. */
  readonly calendar:
    | (EventsStatus & {
        readonly unit: 'week' | 'month';
        readonly sinceMs: number;
        readonly remainingRatio: number | null;
      })
    | null;
  /** Errors by class since the gateway began to count, and their weighted sum. */
  readonly errors: Readonly<Record<ErrorClass, number>> & { readonly weighted: number };
  /** What the budget allows rollouts to do, and why. */
  readonly policy: { readonly kind: 'allowed' | 'slow' | 'frozen'; readonly sentence: string };
  /** null of objectives whose events are requests. */
  readonly score: ScoreStatus | null;
}

/** Where the following of a source stands. */
export const SOURCE_STATES = ['idle', 'listing', 'watching', 'debounced', 'reloading', 'backing-off'] as const;
export type SourceStateName = (typeof SOURCE_STATES)[number];

/** One source of the configuration, and how well it is kept up with. */
export interface SourceStatus {
  /** `consul 127.0.0.1:8500 sluice`, distinct. */
  readonly name: string;
  readonly kind: string;
  readonly state: SourceStateName;
  /** Of what is held, in the source's own form; empty before the first answer. */
  readonly revision: string;
  /** SHA-256 over what is held, hex; empty where nothing is. */
  readonly hash: string;
  readonly pieces: number;
  /** Time since the source last said that this is what it holds, also to an earlier process; since the start, if it never did. */
  readonly staleMs: number;
  /** What is held is what an earlier process held: no answer since the start was believed. Null: it is not. */
  readonly staleStart: SourceStaleStart | null;
  /** ISO 8601; empty before the first answer. */
  readonly changedAt: string;
  readonly confirmedAt: string;
  /** Failed questions in a row, and since the start. */
  readonly failures: number;
  readonly errors: number;
  /** Empty when the last question was answered. */
  readonly lastError: string;
  /** A sudden loss that is not believed yet. */
  readonly shrink: { readonly pieces: number; readonly forMs: number } | null;
  readonly shrinksRefused: number;
  /** Times a comparison found what no watch had told. */
  readonly drifts: number;
}

/** When the source last said to an earlier process that it holds what is gone on with; ISO 8601, ms. */
export interface SourceStaleStart {
  readonly confirmedAt: string;
  readonly confirmedMs: number;
}

/** Time from the first event of a change to the last worker's acknowledgement, since the start. */
export interface ApplyStatus {
  /** null before the first change. */
  readonly lastMs: number | null;
  readonly count: number;
  readonly sumMs: number;
  /** Changes that took at most `leMs`, ascending. */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
}

export interface ConfigStatus {
  readonly file: string;
  /** The snapshot that workers are given: a count of the process's own, which endpoints that are found add to. People are told `revisions.number`. */
  readonly revision: number;
  readonly hash: string;
  /** ISO 8601. */
  readonly loadedAt: string;
  readonly reloads: { readonly accepted: number; readonly refused: number };
  /** Result of the newest attempt; `problems` says why it was refused. */
  readonly last: {
    readonly at: string;
    readonly result: 'accepted' | 'refused';
    readonly problems: readonly Problem[];
  };
}

export interface WorkerStatus {
  readonly id: number;
  readonly state: 'starting' | 'serving' | 'draining' | 'gone';
  /** Snapshot it has linked and acknowledged, as `ConfigStatus.revision`. */
  readonly revision: number;
  readonly restarts: number;
}

export interface Status extends WatchesStatus {
  readonly version: string;
  /** Of the process that answers: another one after a restart. */
  readonly pid: number;
  /** The restart that is under way, and those that failed. */
  readonly restart: RestartStatus;
  readonly startedAt: string;
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly notReadyBecause: string;
  /** `http://host:port` of the data plane's main listener; `https` where it has TLS. */
  readonly proxyUrl: string;
  /** The same of all its listeners, the main one first. */
  readonly listeners: readonly string[];
  /** Certificates that are in force, and what is wrong with their files. */
  readonly tls: TlsStatus;
  readonly config: ConfigStatus;
  /** How what is in force stands to what the sources hold. */
  readonly revisions: RevisionsStatus;
  /** Null: documents are not verified. */
  readonly signatures: SignaturesStatus | null;
  /** In the order of their precedence; empty when the file is everything. */
  readonly sources: readonly SourceStatus[];
  readonly apply: ApplyStatus;
  readonly workers: readonly WorkerStatus[];
  /** How near the process is to its limits, and what it does about that. */
  readonly saturation: SaturationStatus;
  readonly routes: readonly RouteStatus[];
  /** Of routes that had requests. */
  readonly latencies: readonly RouteLatencies[];
  /** Requests that missed objectives. */
  readonly samples: readonly RouteSamples[];
  /** Objectives of routes and services, in the order of the configuration. */
  readonly slos: readonly SloStatus[];
  readonly health: HealthStatus;
  /** What outlives the process. */
  readonly state: StateStatus;
  /** The gateways that decide together; null: this one is on its own. */
  readonly fleet: FleetStatus | null;
  /** Bad events that the ring could not hold, since start. */
  readonly eventsLost: number;
  readonly defects: DefectsStatus;
}
