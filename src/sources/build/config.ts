/**
 * Builds the validated configuration from a sound document: defaults filled in, one spelling for everything.
 *
 * Hosts, header names and host names in lower case, IPv6 compressed, durations in milliseconds, sizes in bytes, prefix
 * paths without a trailing slash, services and versions in the order of their names: two documents that mean the same
 * build the same configuration, and so the same hash.
 */

import { createHash } from 'node:crypto';
import type { Config, Limits, ListenAddress, RouteConfig, ServiceConfig, Timeouts } from '../../model/config.ts';
import type { ListenerConfig } from '../../model/threads/tls.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_ADMIN,
  DEFAULT_DRAIN,
  DEFAULT_HTTP,
  DEFAULT_LIMITS,
  DEFAULT_LISTEN,
  DEFAULT_OVERLOAD,
  DEFAULT_REVISIONS,
  DEFAULT_STATE,
  DEFAULT_TIMEOUTS,
} from '../defaults.ts';
import { Known, type KnownRoute } from '../document/known.ts';
import { parseAddress } from '../scalars/address.ts';
import { canonicalHost, parseCidr } from '../scalars/host.ts';
import type { AdminInput, DocumentInput, ListenInput, RouteInput, ServiceInput } from '../schema.ts';
import { buildAnswers } from './answers/idempotency.ts';
import { buildColor } from './color.ts';
import { buildAlerts } from './process/alerts.ts';
import { buildFleet } from './process/fleet.ts';
import { buildSaturation } from './process/saturation.ts';
import { buildTracing } from './process/tracing.ts';
import { buildRoute } from './route.ts';
import { buildService } from './service.ts';
import { buildBusiness } from './slo.ts';
import { buildListenerTls } from './tls.ts';
import { byName, sure, toBytes, toMs } from './values.ts';

/** Routes that are known, by index. */
type Sound = readonly (KnownRoute | null)[];

/**
 * Builds the configuration, but for what is known already. `input` must have passed the schema and every check; anything else
 * is a programmer's error.
 */
export function buildConfig(input: DocumentInput, known: Known = new Known(), sound: Sound = []): Config {
  return {
    listen: buildListener(input.listen, DEFAULT_LISTEN),
    ...(input.listeners !== undefined && {
      listeners: input.listeners.map((one) => buildListener(one, DEFAULT_LISTEN)),
    }),
    admin: buildAdmin(input.admin),
    adminTokenHash: hashAdminToken(input.adminToken),
    workers: input.workers ?? 'auto',
    color: buildColor(input.color),
    overload: {
      priorityHeader: input.overload?.priorityHeader?.toLowerCase() ?? DEFAULT_OVERLOAD.priorityHeader,
    },
    saturation: buildSaturation(input.saturation),
    http: {
      absoluteForm: input.http?.absoluteForm ?? DEFAULT_HTTP.absoluteForm,
      pathNormalization: input.http?.pathNormalization ?? DEFAULT_HTTP.pathNormalization,
      serverTiming: input.http?.serverTiming ?? DEFAULT_HTTP.serverTiming,
    },
    ...buildTracing(input.tracing),
    accessLog: { sampleRatio: input.accessLog?.sample ?? DEFAULT_ACCESS_LOG.sampleRatio },
    trustedProxies: (input.trustedProxies ?? []).map((block) => sure(parseCidr(block))),
    limits: buildLimits(input.limits),
    timeouts: buildTimeouts(input.timeouts),
    drain: {
      delayMs: toMs(input.drain?.delay, DEFAULT_DRAIN.delayMs),
      timeoutMs: toMs(input.drain?.timeout, DEFAULT_DRAIN.timeoutMs),
    },
    state: { directory: input.state?.directory ?? DEFAULT_STATE.directory },
    revisions: {
      keep: input.revisions?.keep ?? DEFAULT_REVISIONS.keep,
      bytesMax: toBytes(input.revisions?.bytesMax, DEFAULT_REVISIONS.bytesMax),
      watchMs: toMs(input.revisions?.watch, DEFAULT_REVISIONS.watchMs),
    },
    fleet: buildFleet(input.fleet),
    ...buildAlerts(input.alerts),
    ...buildBusiness(input.business),
    ...buildAnswers(input),
    services: Object.entries(input.services)
      .toSorted(byName)
      .map(([name, service]) => knownService(name, service, known)),
    routes: input.routes.map((route, index) => sound[index]?.config ?? keepBuilt(route, input.services, known)),
  };
}

function knownService(name: string, service: ServiceInput, known: Known): ServiceConfig {
  const before = known.service(name, service);
  if (before !== null) return before.config;
  const built = buildService(name, service);
  known.keepService(service, built);
  return built;
}

/** Builds a sound route, and remembers it. */
export function keepBuilt(route: RouteInput, services: DocumentInput['services'], known: Known): RouteConfig {
  const serviceOf = (name: string): ServiceInput | undefined => services[name];
  const built = buildRoute(route, services);
  known.keepRoute(route, serviceOf, built);
  return built;
}

/** Where to listen; the default without a value. */
export function buildListen(input: ListenInput | AdminInput | undefined, fallback: ListenAddress): ListenAddress {
  if (input === undefined) return fallback;
  return typeof input === 'string' ? sure(parseAddress(input)) : { host: canonicalHost(input.host), port: input.port };
}

/** The same with what is spoken there. */
export function buildListener(input: ListenInput | undefined, fallback: ListenAddress): ListenerConfig {
  const address = buildListen(input, fallback);
  if (typeof input !== 'object') return address;
  const { tls, http2, proxyProtocol = 'off' } = input;
  return {
    ...address,
    ...(proxyProtocol !== 'off' && { proxyProtocol }),
    ...(tls !== undefined && { tls: buildListenerTls(tls) }),
    ...(http2 !== undefined && { http2 }),
  };
}

/** The same with the names that are answered to; absent without any. */
function buildAdmin(input: AdminInput | undefined): Config['admin'] {
  const address = buildListen(input, DEFAULT_ADMIN);
  const hosts = typeof input === 'object' ? (input.hosts ?? []) : [];
  return hosts.length === 0 ? address : { ...address, hosts: hosts.map(canonicalHost) };
}

/** SHA-256, hex: the configuration is hashed, compared and kept, and is no place for a secret. */
function hashAdminToken(token: string | undefined): string | null {
  return token === undefined ? null : createHash('sha256').update(token, 'utf8').digest('hex');
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
    replayBodyBytesMax: toBytes(input.replayBodyBytesMax, DEFAULT_LIMITS.replayBodyBytesMax),
    staleBytesMax: toBytes(input.staleBytesMax, DEFAULT_LIMITS.staleBytesMax),
    compareBytesMax: toBytes(input.compareBytesMax, DEFAULT_LIMITS.compareBytesMax),
    endpointSessionsMax: input.endpointSessionsMax ?? DEFAULT_LIMITS.endpointSessionsMax,
    sessionStreamsMax: input.sessionStreamsMax ?? DEFAULT_LIMITS.sessionStreamsMax,
    http2StreamsMax: input.http2StreamsMax ?? DEFAULT_LIMITS.http2StreamsMax,
    http2AbuseMax: input.http2AbuseMax ?? DEFAULT_LIMITS.http2AbuseMax,
  };
}

function buildTimeouts(input: DocumentInput['timeouts'] = {}): Timeouts {
  return {
    headMs: toMs(input.head, DEFAULT_TIMEOUTS.headMs),
    idleMs: toMs(input.idle, DEFAULT_TIMEOUTS.idleMs),
    bodyIdleMs: toMs(input.bodyIdle, DEFAULT_TIMEOUTS.bodyIdleMs),
    streamIdleMs: toMs(input.streamIdle, DEFAULT_TIMEOUTS.streamIdleMs),
    connectMs: toMs(input.connect, DEFAULT_TIMEOUTS.connectMs),
    firstByteMs: toMs(input.firstByte, DEFAULT_TIMEOUTS.firstByteMs),
    pendingMs: toMs(input.pending, DEFAULT_TIMEOUTS.pendingMs),
    upstreamIdleMs: toMs(input.upstreamIdle, DEFAULT_TIMEOUTS.upstreamIdleMs),
    upstreamLifetimeMs: toMs(input.upstreamLifetime, DEFAULT_TIMEOUTS.upstreamLifetimeMs),
    upstreamPingMs: toMs(input.upstreamPing, DEFAULT_TIMEOUTS.upstreamPingMs),
    dnsMs: toMs(input.dns, DEFAULT_TIMEOUTS.dnsMs),
    upgradeIdleMs: toMs(input.upgradeIdle, DEFAULT_TIMEOUTS.upgradeIdleMs),
  };
}
