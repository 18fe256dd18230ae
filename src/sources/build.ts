/**
 * Builds the validated configuration from a sound document: defaults filled in, one spelling for everything.
 *
 * Hosts, header names and host names in lower case, IPv6 compressed, durations in milliseconds, sizes in bytes, prefix
 * paths without a trailing slash, services and versions in the order of their names: two documents that mean the same
 * build the same configuration, and so the same hash.
 */

import type {
  BackendRef,
  Config,
  Limits,
  ListenAddress,
  RouteConfig,
  RouteMatch,
  ServiceConfig,
  SloConfig,
  StickyConfig,
  Timeouts,
} from '../model/config.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_ADMIN,
  DEFAULT_COLOR,
  DEFAULT_DRAIN,
  DEFAULT_HTTP,
  DEFAULT_LIMITS,
  DEFAULT_LISTEN,
  DEFAULT_REQUEST_TIMEOUT_MS,
  DEFAULT_RETRY,
  DEFAULT_SERVICE,
  DEFAULT_TIMEOUTS,
  DEFAULT_UPGRADE,
  NO_FILTERS,
} from './defaults.ts';
import { type Address, parseAddress } from './scalars/address.ts';
import { parseDuration } from './scalars/duration.ts';
import { canonicalHost, parseCidr } from './scalars/host.ts';
import { parseSize } from './scalars/number.ts';
import type { DocumentInput, ListenInput, RouteInput, ServiceInput } from './schema.ts';

/** Builds the configuration. `input` must have passed the schema and every check; anything else is a programmer's error. */
export function buildConfig(input: DocumentInput): Config {
  return {
    listen: buildListen(input.listen, DEFAULT_LISTEN),
    admin: buildListen(input.admin, DEFAULT_ADMIN),
    workers: input.workers ?? 'auto',
    color: {
      header: (input.color?.header ?? DEFAULT_COLOR.header).toLowerCase(),
      acceptFrom: input.color?.acceptFrom ?? DEFAULT_COLOR.acceptFrom,
    },
    http: DEFAULT_HTTP,
    accessLog: DEFAULT_ACCESS_LOG,
    trustedProxies: (input.trustedProxies ?? []).map((block) => sure(parseCidr(block))),
    limits: buildLimits(input.limits),
    timeouts: buildTimeouts(input.timeouts),
    drain: {
      delayMs: toMs(input.drain?.delay, DEFAULT_DRAIN.delayMs),
      timeoutMs: toMs(input.drain?.timeout, DEFAULT_DRAIN.timeoutMs),
    },
    services: Object.entries(input.services).toSorted(byName).map(buildService),
    routes: input.routes.map((route) => buildRoute(route, input.services)),
  };
}

/** Where to listen; the default without a value. */
export function buildListen(input: ListenInput | undefined, fallback: ListenAddress): ListenAddress {
  if (input === undefined) return fallback;
  return typeof input === 'string' ? buildEndpoint(input) : { host: canonicalHost(input.host), port: input.port };
}

/** Limits with their defaults, in bytes and counts. */
export function buildLimits(input: DocumentInput['limits'] = {}): Limits {
  return {
    requestLineBytesMax: toBytes(input.requestLineBytesMax, DEFAULT_LIMITS.requestLineBytesMax),
    headBytesMax: toBytes(input.headBytesMax, DEFAULT_LIMITS.headBytesMax),
    headerCountMax: input.headerCountMax ?? DEFAULT_LIMITS.headerCountMax,
    bodyBytesMax: toBytes(input.bodyBytesMax, DEFAULT_LIMITS.bodyBytesMax),
    connectionsMax: input.connectionsMax ?? DEFAULT_LIMITS.connectionsMax,
    endpointConnectionsMax: input.endpointConnectionsMax ?? DEFAULT_LIMITS.endpointConnectionsMax,
    endpointPendingMax: input.endpointPendingMax ?? DEFAULT_LIMITS.endpointPendingMax,
    requestsPerConnectionMax: input.requestsPerConnectionMax ?? DEFAULT_LIMITS.requestsPerConnectionMax,
    replayBodyBytesMax: DEFAULT_LIMITS.replayBodyBytesMax,
  };
}

function buildTimeouts(input: DocumentInput['timeouts'] = {}): Timeouts {
  return {
    headMs: toMs(input.head, DEFAULT_TIMEOUTS.headMs),
    idleMs: toMs(input.idle, DEFAULT_TIMEOUTS.idleMs),
    bodyIdleMs: toMs(input.bodyIdle, DEFAULT_TIMEOUTS.bodyIdleMs),
    connectMs: toMs(input.connect, DEFAULT_TIMEOUTS.connectMs),
    firstByteMs: toMs(input.firstByte, DEFAULT_TIMEOUTS.firstByteMs),
    pendingMs: toMs(input.pending, DEFAULT_TIMEOUTS.pendingMs),
    upstreamIdleMs: toMs(input.upstreamIdle, DEFAULT_TIMEOUTS.upstreamIdleMs),
    upstreamLifetimeMs: DEFAULT_TIMEOUTS.upstreamLifetimeMs,
    dnsMs: DEFAULT_TIMEOUTS.dnsMs,
    upgradeIdleMs: DEFAULT_TIMEOUTS.upgradeIdleMs,
  };
}

function buildService([name, service]: [string, ServiceInput]): ServiceConfig {
  const versions = Object.entries(service.versions).toSorted(byName);
  return {
    name,
    versions: versions.map(([versionName, { colors = [], endpoints }]) => ({
      name: versionName,
      colors,
      endpoints: endpoints.map((text) => ({ ...buildEndpoint(text), weight: 1 })),
    })),
    ...DEFAULT_SERVICE,
  };
}

/** Host and port of a sound `host:port`. */
export function buildEndpoint(text: string): Address {
  return sure(parseAddress(text));
}

function buildRoute(route: RouteInput, services: DocumentInput['services']): RouteConfig {
  return {
    name: route.name,
    hostnames: buildHostnames(route),
    matches: buildMatches(route),
    backendRefs: route.backendRefs.map((ref) => buildBackendRef(ref, services)),
    sticky: route.sticky === undefined ? null : buildSticky(route.sticky),
    requestTimeoutMs: requestTimeoutOf(route),
    retry: DEFAULT_RETRY,
    filters: NO_FILTERS,
    upgrade: DEFAULT_UPGRADE,
    slo: route.slo === undefined ? null : buildSlo(route.slo),
    rollout: route.rollout === undefined ? null : buildRollout(route.rollout),
  };
}

/** Lower-case host names; empty = every host. */
export function buildHostnames(route: RouteInput): string[] {
  return (route.hostnames ?? []).map((hostname) => hostname.toLowerCase());
}

/** The route's matches; without any, everything below `/`. */
export function buildMatches(route: RouteInput): RouteMatch[] {
  return (route.matches ?? [{}]).map(({ path, method, headers }) => {
    const type = path?.type ?? 'PathPrefix';
    const value = path?.value ?? '/';
    const isTrimmed = type === 'PathPrefix' && value !== '/' && value.endsWith('/');
    return {
      path: { type, value: isTrimmed ? value.slice(0, -1) : value },
      method: method ?? null,
      headers: (headers ?? []).map((header) => ({
        name: header.name.toLowerCase(),
        type: header.type ?? ('Exact' as const),
        value: header.value,
      })),
      query: [],
    };
  });
}

function buildBackendRef(ref: RouteInput['backendRefs'][number], services: DocumentInput['services']): BackendRef {
  const service = Object.hasOwn(services, ref.name) ? services[ref.name] : undefined;
  return { service: ref.name, version: sure(versionOf(ref, sure(service))), weight: ref.weight ?? DEFAULT_WEIGHT };
}

/** Gateway API's default: equal shares. */
export const DEFAULT_WEIGHT = 1;

/** The version a backend reference means: its own, or the only one of the service; null when that is not certain. */
export function versionOf(ref: RouteInput['backendRefs'][number], service: ServiceInput): string | null {
  if (ref.version !== undefined) return ref.version;
  const [only, ...others] = Object.keys(service.versions);
  return only !== undefined && others.length === 0 ? only : null;
}

function buildSticky({ header, cookie, clientIp }: NonNullable<RouteInput['sticky']>): StickyConfig {
  return { header: header?.toLowerCase() ?? null, cookie: cookie ?? null, clientIp: clientIp ?? false };
}

function buildSlo({ availability, latency }: NonNullable<RouteInput['slo']>): SloConfig {
  const latencySlo =
    latency === undefined ? null : { thresholdMs: toMs(latency.threshold, 0), targetRatio: latency.target };
  return { availabilityRatio: availability, latency: latencySlo };
}

function buildRollout(rollout: NonNullable<RouteInput['rollout']>): NonNullable<RouteConfig['rollout']> {
  const { stable, canary, alpha = 0.001, toleratedRatio = 1.5, badMin = 3 } = rollout;
  return { stable, canary, alpha, toleratedRatio, badMin };
}

/** The route's request timeout in ms. */
export function requestTimeoutOf(route: RouteInput): number {
  return toMs(route.timeouts?.request, DEFAULT_REQUEST_TIMEOUT_MS);
}

function toMs(text: string | undefined, fallbackMs: number): number {
  return text === undefined ? fallbackMs : sure(parseDuration(text));
}

function toBytes(value: number | string | undefined, fallback: number): number {
  return value === undefined ? fallback : sure(parseSize(value));
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** A value that the checks have made certain. */
function sure<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('build: the document was not checked');
  return value;
}
