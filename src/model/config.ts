/**
 * The validated, fully defaulted configuration: what the operator intends.
 *
 * The YAML field names (docs/CONFIG.md) are those of Gateway API's HTTPRoute where they exist. Durations are written
 * `300ms`, `10s`, `5m` there and are milliseconds here; every optional field has its default filled in.
 */

/** Where a socket listens. `port` 0 lets the kernel choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Hard limits of the data plane; those of a request have a status of their own, those of connections close it. */
export interface Limits {
  /** Longest request line in bytes, else 414. */
  readonly requestLineBytesMax: number;
  /** Longest head (request line + headers) in bytes, else 431 (502 for a response). */
  readonly headBytesMax: number;
  /** Most header fields in a head, else 431 (502 for a response). */
  readonly headerCountMax: number;
  /** Longest request body in bytes, else 413. */
  readonly bodyBytesMax: number;
  /** Most client connections per worker; further ones are closed at accept. */
  readonly connectionsMax: number;
  /** Most connections to one endpoint per worker; further requests wait. */
  readonly endpointConnectionsMax: number;
  /** Most requests that wait for a connection to one endpoint per worker, else 503. */
  readonly endpointPendingMax: number;
  /** Most requests on one client connection before it is closed. */
  readonly requestsPerConnectionMax: number;
}

/** Time limits of sockets, in milliseconds. */
export interface Timeouts {
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
}

/** What SIGTERM does: readiness fails at once, traffic goes on for `delayMs`, then at most `timeoutMs` to finish. */
export interface DrainConfig {
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** Traffic color: the request value that pins a version. */
export interface ColorConfig {
  /** Lower-case header name. */
  readonly header: string;
  /** Whose color header counts; anybody else's is removed before routing. */
  readonly acceptFrom: 'anyone' | 'trustedProxies';
}

export interface EndpointConfig {
  readonly host: string;
  readonly port: number;
}

/** A named subset of a service's endpoints. */
export interface VersionConfig {
  readonly name: string;
  /** Color values that pin this version; the version's own name always does. */
  readonly colors: readonly string[];
  readonly endpoints: readonly EndpointConfig[];
}

export interface ServiceConfig {
  readonly name: string;
  readonly versions: readonly VersionConfig[];
}

export interface HeaderMatch {
  /** Lower-case header name. */
  readonly name: string;
  readonly value: string;
}

export interface RouteMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix'; readonly value: string };
  readonly method: string | null;
  readonly headers: readonly HeaderMatch[];
}

export interface BackendRef {
  readonly service: string;
  readonly version: string;
  /** Relative weight, an integer 0..1,000,000; the sum over a route need not be 100. */
  readonly weight: number;
}

/** Where a route's user key comes from; the first that is present wins. */
export interface StickyConfig {
  /** Lower-case header name. */
  readonly header: string | null;
  readonly cookie: string | null;
  readonly clientIp: boolean;
}

export interface SloConfig {
  /** Target share of good requests, in (0, 1). */
  readonly availabilityRatio: number;
  readonly latency: { readonly thresholdMs: number; readonly targetRatio: number } | null;
}

/** The canary under judgement on a route and how sure the gateway must be to roll it back. */
export interface RolloutConfig {
  readonly stable: string;
  readonly canary: string;
  /** Bound on the probability of ever rolling back a canary that is not worse, per rollout. */
  readonly alpha: number;
  /** Tolerated relative risk r of the null hypothesis p_canary <= r * p_stable. */
  readonly toleratedRatio: number;
  /** Fewest bad canary requests before a rollback. */
  readonly badMin: number;
}

export interface RouteConfig {
  readonly name: string;
  /** Lower-case host names, `*.example.com` for any label(s) in front; empty = every host. */
  readonly hostnames: readonly string[];
  /** Any one of them matches. Never empty after validation. */
  readonly matches: readonly RouteMatch[];
  readonly backendRefs: readonly BackendRef[];
  readonly sticky: StickyConfig | null;
  /** From the end of the request to the beginning of its response, all attempts together, else 504. */
  readonly requestTimeoutMs: number;
  readonly slo: SloConfig | null;
  readonly rollout: RolloutConfig | null;
}

export interface Config {
  readonly listen: ListenAddress;
  readonly admin: ListenAddress;
  /** Data-plane threads; `auto` = the cgroup's CPU quota, else the machine's cores. */
  readonly workers: number | 'auto';
  readonly color: ColorConfig;
  /** CIDR blocks whose `X-Forwarded-*`, color and request ids are believed. */
  readonly trustedProxies: readonly string[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly drain: DrainConfig;
  readonly services: readonly ServiceConfig[];
  readonly routes: readonly RouteConfig[];
}
