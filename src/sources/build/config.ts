/**
 * Builds the validated configuration from a sound document: defaults filled in, one spelling for everything.
 *
 * Hosts, header names and host names in lower case, IPv6 compressed, durations in milliseconds, sizes in bytes, prefix
 * paths without a trailing slash, services and versions in the order of their names: two documents that mean the same
 * build the same configuration, and so the same hash.
 */

import type { Config, Limits, RouteConfig, ServiceConfig, Timeouts } from '../../model/config.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_DRAIN,
  DEFAULT_HTTP,
  DEFAULT_LIMITS,
  DEFAULT_OVERLOAD,
  DEFAULT_REVISIONS,
  DEFAULT_TIMEOUTS,
} from '../defaults.ts';
import { Known, type KnownRoute } from '../document/known.ts';
import { parseCidr } from '../scalars/host.ts';
import type { DocumentInput, RouteInput, ServiceInput } from '../schema.ts';
import { buildAnswers } from './answers/idempotency.ts';
import { buildColor } from './color.ts';
import { buildOwn } from './process/own.ts';
import { buildTracing } from './process/tracing.ts';
import { buildRoute } from './route.ts';
import { buildService } from './service.ts';
import { buildBusiness } from './slo.ts';
import { byName, sure, toBytes, toMs } from './values.ts';

/** Routes that are known, by index. */
type Sound = readonly (KnownRoute | null)[];

/**
 * Builds the configuration, but for what is known already. `input` must have passed the schema and every check; anything else
 * is a programmer's error.
 */
export function buildConfig(input: DocumentInput, known: Known = new Known(), sound: Sound = []): Config {
  return {
    ...buildOwn(input),
    color: buildColor(input.color),
    overload: {
      priorityHeader: input.overload?.priorityHeader?.toLowerCase() ?? DEFAULT_OVERLOAD.priorityHeader,
    },
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
    revisions: {
      keep: input.revisions?.keep ?? DEFAULT_REVISIONS.keep,
      bytesMax: toBytes(input.revisions?.bytesMax, DEFAULT_REVISIONS.bytesMax),
      watchMs: toMs(input.revisions?.watch, DEFAULT_REVISIONS.watchMs),
    },
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

/** Limits with their defaults, in bytes and counts. */
export function buildLimits(input: DocumentInput['limits'] = {}): Limits {
  return {
    requestLineBytesMax: toBytes(input.requestLineBytesMax, DEFAULT_LIMITS.requestLineBytesMax),
    headBytesMax: toBytes(input.headBytesMax, DEFAULT_LIMITS.headBytesMax),
    headerCountMax: input.headerCountMax ?? DEFAULT_LIMITS.headerCountMax,
    trailerBytesMax: toBytes(input.trailerBytesMax, DEFAULT_LIMITS.trailerBytesMax),
    trailerCountMax: input.trailerCountMax ?? DEFAULT_LIMITS.trailerCountMax,
    bodyBytesMax: toBytes(input.bodyBytesMax, DEFAULT_LIMITS.bodyBytesMax),
    bodyRateMin: toBytes(input.bodyRateMin, DEFAULT_LIMITS.bodyRateMin),
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
