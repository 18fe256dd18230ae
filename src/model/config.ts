/**
 * The validated, fully defaulted configuration: what the operator intends. YAML field names (docs/CONFIG.md) are those of
 * Gateway API's HTTPRoute where they exist. Durations, written `300ms` or `5m` there, are milliseconds here; every optional
 * field has its default filled in.
 */

import type { EndpointsFrom, SessionLimits, SessionTimeouts } from './health.ts';
import type { BreakerConfig, ConcurrencyLimit, OverloadConfig, Priority, RateLimitConfig } from './overload.ts';
import type { LedRoute, WeightsOrigin } from './rollout.ts';
import type { SessionPolicy, StreamPolicy } from './sli.ts';
import type { BusinessConfig, SloConfig } from './slo.ts';
import type { FallbackConfig } from './threads/answers/fallback.ts';
import type { AnswersConfig, IdempotencyConfig } from './threads/answers/idempotency.ts';
import type { ColorConfig } from './threads/color.ts';
import type { FaultConfig } from './threads/faults.ts';
import type { FleetConfig } from './threads/fleet.ts';
import type { ToldConfig } from './threads/load/alerts.ts';
import type { Http2Limits } from './threads/load/http2.ts';
import type { SaturationConfig } from './threads/load/saturation.ts';
import type { MirrorFilter } from './threads/requests/compared.ts';
import type { ExperimentConfig, StickyConfig } from './threads/requests/experiments.ts';
import type { TelemetryConfig } from './threads/requests/tracing.ts';
import type { TrailerLimits } from './threads/requests/trailers.ts';
import type { RevisionsConfig } from './threads/revision.ts';
import type { ListenerConfig, UpstreamTerms } from './threads/tls.ts';

/** Where a socket listens. `port` 0 lets the kernel choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Hard limits of the data plane; those of a request have a status of their own, those of connections close it. */
export interface Limits extends SessionLimits, Http2Limits, TrailerLimits {
  /** Longest request line in bytes, else 414. */
  readonly requestLineBytesMax: number;
  /** Longest head (request line + headers) in bytes, else 431 (502 for a response). */
  readonly headBytesMax: number;
  /** Most header fields in a head, else 431 (502 for a response). */
  readonly headerCountMax: number;
  /** Longest request body in bytes, else 413. */
  readonly bodyBytesMax: number;
  /** Least bytes of a request body per second, averaged over `bodyIdleMs`, else 408; 0 = however slow. Streams may be slower. */
  readonly bodyRateMin: number;
  /** Most client connections per worker; further ones are closed at accept. */
  readonly connectionsMax: number;
  /** Most connections to one endpoint per worker; further requests wait. */
  readonly endpointConnectionsMax: number;
  /** Most requests that wait for a connection to one endpoint per worker, else 503. */
  readonly endpointPendingMax: number;
  /** Most requests on one client connection before it is closed. */
  readonly requestsPerConnectionMax: number;
  /** Largest request body in bytes that is kept for another attempt; a larger one is never sent twice. */
  readonly replayBodyBytesMax: number;
  /** What each worker keeps of answers for `fallback`, in bytes, all routes together. */
  readonly staleBytesMax: number;
  /** What each worker takes of answers that are compared, in bytes, all routes together. */
  readonly compareBytesMax: number;
}

/** Time limits of sockets, in milliseconds. */
export interface Timeouts extends SessionTimeouts {
  /** From the first byte of a request (or accept) to the end of its head, else 408. */
  readonly headMs: number;
  /** Keep-alive: idle time of a client connection between requests. */
  readonly idleMs: number;
  /** No byte of a request or response body moved in either direction. */
  readonly bodyIdleMs: number;
  /** TCP connect to an endpoint, else 504 `connect_timeout`. */
  readonly connectMs: number;
  /** From the request's last byte sent to the response's first byte, else 504 `response_timeout`. */
  readonly firstByteMs: number;
  /** Wait in an endpoint's connection queue, else 503. */
  readonly pendingMs: number;
  /** Idle time of a pooled upstream connection; keep it below the upstream's own. */
  readonly upstreamIdleMs: number;
  /** Age at which an upstream connection is used no more, so that new addresses of a name get their share. */
  readonly upstreamLifetimeMs: number;
  /** How long a resolved name is believed. */
  readonly dnsMs: number;
  /** No byte in either direction of an upgraded connection (WebSocket …). */
  readonly upgradeIdleMs: number;
}

/** What is decided about HTTP itself where the RFCs leave a choice. */
export interface HttpConfig {
  /** A target whose authority differs from `Host`: refused with 400, or taken as the request's host. */
  readonly absoluteForm: 'refuse' | 'rewrite';
  /** Paths with dot segments, encoded slashes and the like: forwarded as matched, or refused with 400. */
  readonly pathNormalization: 'normalize' | 'strict';
  /** Responses tell in `Server-Timing` how long gateway and upstream took. */
  readonly serverTiming: boolean;
}

/** What SIGTERM does: readiness fails at once, traffic goes on for `delayMs`, then at most `timeoutMs` to finish. */
export interface DrainConfig {
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** Where what outlives the process is kept; null = in memory. */
export interface StateConfig {
  readonly directory: string | null;
}

export interface EndpointConfig {
  readonly host: string;
  readonly port: number;
  /** Share within its version, relative to the others', 1..1000. */
  readonly weight: number;
}

/** A named subset of a service's endpoints. */
export interface VersionConfig extends UpstreamTerms {
  readonly name: string;
  /** Color values that pin this version; the version's own name always does. */
  readonly colors: readonly string[];
  readonly endpoints: readonly EndpointConfig[];
  /** Where they are looked up instead. Absent, not null, where they are listed: so fingerprints of such versions stay. */
  readonly from?: EndpointsFrom;
  /** null = the service's. */
  readonly limit: ConcurrencyLimit | null;
}

/** How an attempt's endpoint is chosen among those of a version. */
export type Balancer = 'peakEwma' | 'leastRequest' | 'roundRobin' | 'consistentHash';

/** Active check: a GET by the control plane; an endpoint that fails it gets no traffic. */
export interface HealthCheckConfig {
  readonly path: string;
  /** `Host` of the check, or null for the endpoint's own address. */
  readonly host: string | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Consecutive checks that put an endpoint in, and out. */
  /** Of gRPC, that servers which speak it are asked for; absent: the server as a whole. */
  readonly grpcService?: string;
  readonly healthyCount: number;
  readonly unhealthyCount: number;
}

/** Passive check: an endpoint that does worse than its siblings is left out for a while. */
export interface OutlierConfig {
  /** Failed attempts in a row. */
  readonly consecutiveErrors: number;
  /** Success ratio below which an endpoint may be ejected, if its siblings do better. */
  readonly successRatioMin: number;
  /** Mean time to the response head over the median of its siblings. */
  readonly latencyFactor: number;
  /** Fewest attempts in an interval for the two ratios. */
  readonly requestsMin: number;
  readonly intervalMs: number;
  /** First ejection; each further one is longer by as much, up to `ejectionMaxMs`. */
  readonly ejectionMs: number;
  readonly ejectionMaxMs: number;
  readonly probes?: number; // good ones that end an ejection whose time is over; absent: PROBES_NEEDED of health/trial.ts
  /** Largest share of a version's endpoints that is ejected at a time, 0..1; one may always be if there are two. */
  readonly ejectedRatioMax: number;
}

export interface ServiceConfig {
  readonly name: string;
  readonly versions: readonly VersionConfig[];
  readonly balancer: Balancer;
  /** How long an endpoint that comes (back) takes to its full share; 0 = at once. */
  readonly slowStartMs: number;
  readonly health: HealthCheckConfig | null;
  readonly outlier: OutlierConfig | null;
  readonly slo: SloConfig | null;
  /** Of its versions; null = `auto` where some route has a rollout between them, else `off`. */
  readonly limit: ConcurrencyLimit | null;
  /** Of each of its versions; null = none. */
  readonly breaker: BreakerConfig | null;
}

/** How a value is compared. A regular expression must match the whole value. */
export type ValueMatchType = 'Exact' | 'RegularExpression';

export interface HeaderMatch {
  /** Lower-case header name. */
  readonly name: string;
  readonly type: ValueMatchType;
  readonly value: string;
}

export interface QueryMatch extends Omit<HeaderMatch, 'name'> {
  /** Parameter name, case-sensitive, after decoding. */
  readonly name: string;
}

export interface RouteMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value: string };
  readonly method: string | null;
  readonly headers: readonly HeaderMatch[];
  readonly query: readonly QueryMatch[];
}

export interface HeaderField {
  /** As it is to be written. */
  readonly name: string;
  readonly value: string;
}

/** Gateway API's HTTPHeaderFilter: removed, then set (replacing), then added. */
export interface HeaderFilter {
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
  readonly remove: readonly string[];
}

/** What a matched path becomes. */
export interface PathRewrite {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
  readonly value: string;
}

export interface RewriteFilter {
  readonly hostname: string | null;
  readonly path: PathRewrite | null;
}

export interface RedirectFilter {
  readonly scheme: 'http' | 'https' | null;
  readonly hostname: string | null;
  readonly path: PathRewrite | null;
  readonly port: number | null;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** Source: Gateway API HTTPCORSFilter; the Fetch standard, "CORS protocol". */
export interface CorsFilter {
  /** Origins (`https://a.example`, `https://*.example`), or `*`. */
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeS: number;
}

/** Each at most once per route. */
export interface Filters {
  readonly requestHeaders: HeaderFilter | null;
  readonly responseHeaders: HeaderFilter | null;
  readonly rewrite: RewriteFilter | null;
  readonly redirect: RedirectFilter | null;
  readonly cors: CorsFilter | null;
  readonly mirror: MirrorFilter | null;
  /** Injected on purpose, for a while. Absent, not null, where there are none. */
  readonly faults?: readonly FaultConfig[];
  /** Absent, not null, where there are none. */
  readonly experiments?: readonly ExperimentConfig[];
}

/** When a failed attempt is followed by another; always within the worker's retry budget. */
export interface RetryConfig {
  /** Attempts besides the first, 0..5. */
  readonly retriesMax: number;
  /** Response statuses that count as a failed attempt, for idempotent requests. */
  readonly statuses: readonly number[];
  /** Mean wait before the second retry, doubled for each further one, with full jitter; the first comes at once. */
  readonly backoffMs: number;
  /** Time of one attempt to the beginning of its response; Infinity = the request's. */
  readonly attemptTimeoutMs: number;
  /** A GET or HEAD that has no response after this is sent to a second endpoint as well; Infinity = never. */
  readonly hedgeMs: number;
}

/** What happens to a version's upgraded connections when it is rolled back or the gateway drains. */
export type UpgradeDrain = 'keep' | 'close';

export interface UpgradeConfig extends SessionPolicy {
  /** Lower-case protocols that may be upgraded to; anything else is served as a plain request. */
  readonly protocols: readonly string[];
  readonly onRollback: UpgradeDrain;
}

export interface BackendRef {
  readonly service: string;
  readonly version: string;
  /** Relative weight, an integer 0..1,000,000; the sum over a route need not be 100. */
  readonly weight: number;
}

/** One step of a ramp. */
export interface RolloutStep {
  /** Share of users, of those that stable and canary have together, in percent: above 0, at most 100. */
  readonly percent: number;
  /** Shortest stay. */
  readonly dwellMs: number;
}

/** How a canary is ramped up, and what every step asks for. */
export interface RolloutPlan {
  /** Ascending, never empty. On the last one the canary bakes. */
  readonly steps: readonly RolloutStep[];
  /** A step asks for evidence that the canary is sound, besides time, requests, alerts and budget. */
  readonly needsEvidence: boolean;
  /** Fewest canary requests on a step. */
  readonly requestsMin: number;
  /** Longest wait for a step's gates, and what follows it. */
  readonly stepMaxMs: number;
  readonly onStepMax: 'pause' | 'rollback';
  /** Time on the last step, with the old version kept warm. */
  readonly bakeMs: number;
  /** A new generation starts by itself; false: by a command. */
  readonly autoStart: boolean;
}

/** The canary under judgement on a route and how sure the gateway must be to roll it back. */
export interface RolloutConfig {
  readonly stable: string;
  readonly canary: string;
  /** Further routes that it moves and judges; absent without any. */
  readonly routes?: readonly string[];
  /** Bound on the probability of ever rolling back a canary that is not worse, per rollout. */
  readonly alpha: number;
  /** Tolerated relative risk r of the null hypothesis p_canary <= r * p_stable. */
  readonly toleratedRatio: number;
  /** Fewest bad canary requests before a rollback. */
  readonly badMin: number;
  /** Error ratio below which no canary is rolled back for failing; 0 = none, null = by the route's SLO. */
  readonly absoluteFloor: number | null;
  /** What the canary's latency may exceed stable's by, as a share and, at least, in ms. */
  readonly latencyTolerance: number;
  readonly latencyFloorMs: number;
  /** When a canary is taken for sound: chance of a mistake, and the limits it must be better than one of. */
  readonly promotion: {
    readonly beta: number;
    /** R of the null hypothesis p_canary >= R * p_stable. */
    readonly ratioMax: number;
    /** Limit of p_canary itself; null = by the route's SLO. */
    readonly errorRatioMax: number | null;
  };
  /** Null: the canary is only watched, at the weights of the configuration. */
  readonly plan: RolloutPlan | null;
  /** Policies that judge beside this one and never act. */
  readonly shadows: readonly ShadowConfig[];
  /** Stable answers requests that fail on the canary; the latter also those that a color pinned. */
  readonly rescue: boolean;
  readonly rescuePinned: boolean;
}

type Judged = Pick<RolloutConfig, 'alpha' | 'toleratedRatio' | 'badMin' | 'absoluteFloor' | 'promotion'>;
export type ShadowConfig = { readonly name: string } & Judged;

export interface RouteConfig {
  readonly name: string;
  /** Lower-case host names, `*.example.com` for any label(s) in front; empty = every host. */
  readonly hostnames: readonly string[];
  /** Any one of them matches. Never empty after validation. */
  readonly matches: readonly RouteMatch[];
  readonly backendRefs: readonly BackendRef[];
  /** Only where a weights document counts: the weights above are its own. */
  readonly weights?: WeightsOrigin;
  readonly sticky: StickyConfig | null;
  /** From the end of the request to the beginning of its response, all attempts together, else 504. */
  readonly requestTimeoutMs: number;
  readonly retry: RetryConfig;
  readonly filters: Filters;
  readonly upgrade: UpgradeConfig;
  readonly streams?: StreamPolicy;
  readonly slo: SloConfig | null;
  /** Worth of one request, for `Config.business`; absent = it does not count there. */
  readonly value?: number;
  readonly rollout: RolloutConfig | null;
  readonly led?: LedRoute; // only where another route's rollout lists this one
  readonly priority: Priority;
  readonly rateLimits: readonly RateLimitConfig[];
  /** Only where there is one, as the next: tried in its order. */
  readonly fallback?: readonly FallbackConfig[];
  readonly idempotency?: IdempotencyConfig;
}

export interface Config extends TelemetryConfig, ToldConfig {
  readonly listen: ListenerConfig;
  /** Further sockets of the data plane; absent without any. */
  readonly listeners?: readonly ListenerConfig[];
  readonly admin: ListenAddress & { readonly hosts?: readonly string[] }; // further names that it answers to
  /** SHA-256 of the token that commands must bring, hex; null: the admin server is read only unless the environment names one. */
  readonly adminTokenHash: string | null;
  /** Data-plane threads; `auto` = the cgroup's CPU quota, else the machine's cores. */
  readonly workers: number | 'auto';
  readonly color: ColorConfig;
  readonly overload: OverloadConfig;
  readonly saturation: SaturationConfig;
  readonly http: HttpConfig;
  /** CIDR blocks whose `X-Forwarded-*`, color and request ids are believed. */
  readonly trustedProxies: readonly string[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly drain: DrainConfig;
  readonly state: StateConfig;
  readonly revisions: RevisionsConfig;
  readonly fleet: FleetConfig | null; // null: this gateway is on its own
  readonly business?: BusinessConfig;
  readonly idempotency?: AnswersConfig; // only where some route has keys
  readonly services: readonly ServiceConfig[];
  readonly routes: readonly RouteConfig[];
}
