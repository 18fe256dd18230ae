/**
 * The compiled configuration that workers link once and obey: numbers and flat arrays, safe to structured-clone.
 *
 * `compile` (snapshot/compile.ts) makes it; ids of cells, dials, units and endpoints are stable across
 * snapshots (`snapshot/live.ts`), so counters and connections survive a swap.
 */

import type {
  Balancer,
  DrainConfig,
  Filters,
  HttpConfig,
  Limits,
  RetryConfig,
  RouteMatch,
  Timeouts,
  UpgradeConfig,
} from './config.ts';
import type { UpstreamProtocol } from './health.ts';
import type { BreakerConfig, ConcurrencyLimit, OverloadConfig, Priority, RateLimitConfig } from './overload.ts';
import type { StreamPolicy } from './sli.ts';
import type { FallbackSpec } from './threads/answers/fallback.ts';
import type { IdempotencyConfig } from './threads/answers/idempotency.ts';
import type { ColorConfig } from './threads/color.ts';
import type { Edit } from './threads/parsing/edits.ts';
import type { ProxyProtocolVersion } from './threads/proxied.ts';
import type { AccessLogConfig } from './threads/requests/access.ts';
import type { StickyConfig } from './threads/requests/experiments.ts';
import type { SamplingConfig } from './threads/requests/tracing.ts';

/** How an endpoint is spoken to over TLS. */
export interface EndpointTls {
  /** Which of `TlsMaterial.upstreams` it is. */
  readonly key: string;
  /** Name that is asked for and verified; null = the endpoint's own. */
  readonly serverName: string | null;
}

/** One endpoint to dial. `id` is its slot in the tallies. */
export interface EndpointSpec {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** Absent where it speaks plain HTTP. */
  readonly tls?: EndpointTls;
  /** Absent where it speaks HTTP/1.1. */
  readonly protocol?: UpstreamProtocol;
  /** Which header of the PROXY protocol connections begin with; absent: none. */
  readonly proxyProtocol?: ProxyProtocolVersion;
  /** Codes of gRPC that are errors, as bits; absent: `GRPC_ERRORS`. */
  readonly grpcErrors?: number;
}

/** One version a route can send to. */
export interface SplitSpec {
  readonly service: string;
  readonly version: string;
  /** Color values that pin this version; its own name is the first. */
  readonly colors: readonly string[];
  /** Cell of route x version. */
  readonly cell: number;
  /** Index into the dials; the live weight is there, not here. */
  readonly dial: number;
  /** Unit slot for user bitmaps, or -1 when no rollout is in progress. */
  readonly unit: number;
  /** Latency threshold of its service's objective in ms; Infinity without one. */
  readonly serviceSlowMs: number;
  /** Seed of this version's share of the key space (weighted rendezvous). */
  readonly seed: number;
  readonly targets: TargetSpec;
}

/** The endpoints of a version and how one of them is chosen: one object for all routes that lead to the version. */
export interface TargetSpec {
  /** `service/version`; of a mirror as well, whose copies no limit holds for. */
  readonly name: string;
  /** Requests that each worker lets be under way. */
  readonly limit: ConcurrencyLimit;
  /** When each worker leaves it alone for a while; null = never. */
  readonly breaker: BreakerConfig | null;
  readonly balancer: Balancer;
  /** Indexes into `Snapshot.endpoints`: their ids. */
  readonly endpoints: readonly number[];
  /** Relative share of each, in the same order. */
  readonly weights: readonly number[];
}

/** Who answers for whom on a route with a rollout: indexes of its splits. */
export interface RescueSpec {
  readonly canary: number;
  readonly stable: number;
  /** Also requests that a color pinned to the canary. */
  readonly isForPinned: boolean;
}

export interface RouteSpec {
  readonly name: string;
  /** The route's own cell: what its users saw. */
  readonly cell: number;
  readonly hostnames: readonly string[];
  readonly matches: readonly RouteMatch[];
  readonly splits: readonly SplitSpec[];
  /** null where nobody is rescued. */
  readonly rescue: RescueSpec | null;
  readonly sticky: StickyConfig | null;
  /** Latency SLO threshold in ms; Infinity without one. */
  readonly slowMs: number;
  /** The same of the service's objective, where all its versions are of one service. */
  readonly serviceSlowMs: number;
  /** Normalized paths whose requests count for nothing. */
  readonly ignorePaths: readonly string[];
  readonly requestTimeoutMs: number;
  readonly retry: RetryConfig;
  readonly filters: Filters;
  /** Where copies go; null without a mirror filter. */
  readonly mirror: TargetSpec | null;
  readonly upgrade: UpgradeConfig;
  /** Only where a rollback ends them. */
  readonly streams?: StreamPolicy;
  readonly priority: Priority;
  readonly rateLimits: readonly RateLimitConfig[];
  /** Only where keys count. */
  readonly idempotency?: IdempotencyConfig;
  /** Only where there is one. */
  readonly fallback?: readonly FallbackSpec[];
}

export interface Snapshot {
  /** Rises by one with every accepted configuration. */
  readonly revision: number;
  /** SHA-256 of the canonical configuration, hex. */
  readonly hash: string;
  readonly color: ColorConfig;
  readonly overload: OverloadConfig;
  readonly http: HttpConfig;
  readonly accessLog: AccessLogConfig;
  readonly tracing?: SamplingConfig; // only where there are traces
  readonly trustedProxies: readonly string[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly drain: DrainConfig;
  readonly routes: readonly RouteSpec[];
  /** By id; null where no route leads any more. */
  readonly endpoints: readonly (EndpointSpec | null)[];
}

/** What makes a snapshot of the one before it. */
export interface SnapshotChange {
  /** Revision of the one before. */
  readonly base: number;
  readonly shell: Omit<Snapshot, 'routes' | 'endpoints'>;
  readonly routes: readonly Edit<RouteSpec>[];
  readonly endpoints: readonly Edit<EndpointSpec | null>[];
}

/** A weight that the gateway set against the operator's, and why. */
export interface Override {
  readonly route: string;
  readonly version: string;
  /** As the dial has it (`weightScaleOf`). */
  readonly weight: number;
  readonly because: string;
  /** Fingerprint of the split and canary it was decided for; the override ends when the operator changes them. */
  readonly generation: string;
}
