/**
 * Builds a route: names resolved to versions, matches in one spelling, every default filled in.
 */

import type { BackendRef, Filters, RetryConfig, RouteConfig, RouteMatch, UpgradeConfig } from '../../model/config.ts';
import type { RateLimitConfig } from '../../model/overload.ts';
import { CLIENT_IDENTITY, SCHEME } from '../../model/threads/tls.ts';
import {
  DEFAULT_PRIORITY,
  DEFAULT_RATE,
  DEFAULT_REQUEST_TIMEOUT_MS,
  DEFAULT_RETRY,
  DEFAULT_UPGRADE,
  DEFAULT_WEIGHT,
} from '../defaults.ts';
import { parseDuration } from '../scalars/duration.ts';
import type { BackendRefInput, DocumentInput, MatchInput, RouteInput, ServiceInput } from '../schema.ts';
import { buildFallback } from './answers/fallback.ts';
import { buildIdempotency } from './answers/idempotency.ts';
import { buildExperiments, buildSticky } from './experiments.ts';
import { buildFaults } from './faults.ts';
import { buildFilters } from './filters.ts';
import { buildRollout } from './rollout.ts';
import { buildSlo } from './slo.ts';
import { sure, toMs } from './values.ts';

type Services = DocumentInput['services'];
type RateLimitInput = NonNullable<RouteInput['rateLimits']>[number];
type VersionRef = Pick<BackendRefInput, 'name' | 'version'>;

/** One route of the document; every reference must be sound. */
export function buildRoute(route: RouteInput, services: Services): RouteConfig {
  return {
    name: route.name,
    hostnames: buildHostnames(route),
    matches: buildMatches(route),
    backendRefs: backendRefsOf(route).map((ref) => buildBackendRef(ref, services)),
    sticky: route.sticky === undefined ? null : buildSticky(route.sticky),
    requestTimeoutMs: requestTimeoutOf(route),
    retry: buildRetry(route),
    filters: filtersOf(route, services),
    upgrade: buildUpgrade(route.upgrade),
    ...buildStreams(route.streams),
    slo: buildSlo(route.slo),
    ...(route.value !== undefined && { value: route.value }),
    rollout: route.rollout === undefined ? null : buildRollout(route.rollout),
    priority: route.priority ?? DEFAULT_PRIORITY,
    rateLimits: (route.rateLimits ?? []).map(buildRateLimit),
    ...buildIdempotency(route),
    ...buildFallback(route.fallback, (ref) => sureVersion(ref, services)),
  };
}

function filtersOf(route: RouteInput, services: Services): Filters {
  const filters = buildFilters(route.filters, (ref) => sureVersion(ref, services));
  const faults = buildFaults(route);
  const experiments = buildExperiments(route);
  if (faults === undefined && experiments === undefined) return filters;
  return { ...filters, ...(faults !== undefined && { faults }), ...(experiments !== undefined && { experiments }) };
}

function buildRateLimit({ name, requests, per, burst, by, scope }: RateLimitInput): RateLimitConfig {
  return {
    name: name ?? DEFAULT_RATE.name,
    requests,
    perMs: sure(parseDuration(per)),
    burst: burst ?? requests,
    by: by ?? DEFAULT_RATE.by,
    scope: scope ?? DEFAULT_RATE.scope,
  };
}

/** Lower-case host names; empty = every host. */
export function buildHostnames(route: RouteInput): string[] {
  return (route.hostnames ?? []).map((hostname) => hostname.toLowerCase());
}

/** By route: checks and warnings ask for them too. */
const matchesByRoute = new WeakMap<RouteInput, readonly RouteMatch[]>();

/** The route's matches; without any, everything below `/`. The same list for the same route. */
export function buildMatches(route: RouteInput): readonly RouteMatch[] {
  const matches = matchesByRoute.get(route) ?? (route.matches ?? [{}]).map(buildMatch);
  matchesByRoute.set(route, matches);
  return matches;
}

function buildMatch({ path, method, headers = [], queryParams = [], ...match }: MatchInput): RouteMatch {
  const type = path?.type ?? 'PathPrefix';
  const value = path?.value ?? '/';
  const isTrimmed = type === 'PathPrefix' && value !== '/' && value.endsWith('/');
  return {
    path: { type, value: isTrimmed ? value.slice(0, -1) : value },
    method: method ?? null,
    headers: [...headers, ...connectionHeaders(match)].map((header) => ({
      name: header.name.toLowerCase(),
      type: header.type ?? 'Exact',
      value: header.value,
    })),
    query: queryParams.map((param) => ({ name: param.name, type: param.type ?? 'Exact', value: param.value })),
  };
}

/** What is known of the connection is compared as headers would be that no client can send. */
function connectionHeaders({ clientIdentity, scheme }: MatchInput): NonNullable<MatchInput['headers']> {
  return [
    ...(clientIdentity === undefined ? [] : [{ ...clientIdentity, name: CLIENT_IDENTITY }]),
    ...(scheme === undefined ? [] : [{ name: SCHEME, value: scheme }]),
  ];
}

/** What the route sends to; nothing when it redirects. */
export function backendRefsOf(route: RouteInput): readonly BackendRefInput[] {
  return route.backendRefs ?? [];
}

function buildBackendRef(ref: BackendRefInput, services: Services): BackendRef {
  return { service: ref.name, version: sureVersion(ref, services), weight: ref.weight ?? DEFAULT_WEIGHT };
}

function sureVersion(ref: VersionRef, services: Services): string {
  const service = Object.hasOwn(services, ref.name) ? services[ref.name] : undefined;
  return sure(versionOf(ref, sure(service)));
}

/** The version a reference means: its own, or the only one of the service; null when that is not certain. */
export function versionOf(ref: VersionRef, service: ServiceInput): string | null {
  if (ref.version !== undefined) return ref.version;
  const [only, ...others] = Object.keys(service.versions);
  return only !== undefined && others.length === 0 ? only : null;
}

/** Retries, the time of one attempt and hedging, which the document has in three places. */
export function buildRetry({ retry = {}, timeouts = {}, hedge }: RouteInput): RetryConfig {
  return {
    retriesMax: retry.attempts ?? DEFAULT_RETRY.retriesMax,
    statuses: retry.codes ?? DEFAULT_RETRY.statuses,
    backoffMs: toMs(retry.backoff, DEFAULT_RETRY.backoffMs),
    attemptTimeoutMs: toMs(timeouts.backendRequest, DEFAULT_RETRY.attemptTimeoutMs),
    hedgeMs: toMs(hedge?.after, DEFAULT_RETRY.hedgeMs),
  };
}

function buildUpgrade(input: NonNullable<RouteInput['upgrade']> = {}): UpgradeConfig {
  const { protocols, onRollback, closeAfter, closeCode = 1001, abnormal } = input;
  const closeAfterMs = toMs(closeAfter, 0);
  return {
    protocols: protocols?.map((protocol) => protocol.toLowerCase()) ?? DEFAULT_UPGRADE.protocols,
    onRollback: onRollback ?? DEFAULT_UPGRADE.onRollback,
    ...(closeAfterMs > 0 && { closeAfterMs }),
    ...(closeCode !== 1001 && { closeCode }),
    ...(abnormal === 'bad' && { abnormal }),
  };
}

function buildStreams({
  onRollback,
  closeAfter,
}: NonNullable<RouteInput['streams']> = {}): Pick<RouteConfig, 'streams'> {
  return onRollback === 'close' ? { streams: { closeAfterMs: toMs(closeAfter, 0) } } : {};
}

/** The route's request timeout in ms. */
export function requestTimeoutOf(route: RouteInput): number {
  return toMs(route.timeouts?.request, DEFAULT_REQUEST_TIMEOUT_MS);
}
