/**
 * Builds a service: versions in the order of their names, endpoints with their weights, checks with their defaults.
 */

import type {
  EndpointConfig,
  HealthCheckConfig,
  OutlierConfig,
  ServiceConfig,
  VersionConfig,
} from '../../model/config.ts';
import type { EndpointsFrom } from '../../model/health.ts';
import type { BreakerConfig } from '../../model/overload.ts';
import { bitsOf } from '../../model/sli.ts';
import type { UpstreamTerms } from '../../model/threads/tls.ts';
import {
  DEFAULT_BREAKER,
  DEFAULT_ENDPOINT_WEIGHT,
  DEFAULT_HEALTH_CHECK,
  DEFAULT_OUTLIER,
  DEFAULT_SERVICE,
} from '../defaults.ts';
import { parseAddress } from '../scalars/address.ts';
import { canonicalHost } from '../scalars/host.ts';
import type { EndpointInput, EndpointsFromInput, ServiceInput } from '../schema.ts';
import { buildSlo } from './slo.ts';
import { buildUpstreamTls } from './tls.ts';
import { byName, sure, toMs } from './values.ts';

/** One service of the document. */
export function buildService(name: string, service: ServiceInput): ServiceConfig {
  const versions = Object.entries(service.versions).toSorted(byName);
  return {
    name,
    versions: versions.map(([versionName, version]) => buildVersion(version, service, [name, versionName])),
    balancer: service.balancer ?? DEFAULT_SERVICE.balancer,
    slowStartMs: toMs(service.slowStart, DEFAULT_SERVICE.slowStartMs),
    health: service.healthCheck === undefined ? DEFAULT_SERVICE.health : buildHealthCheck(service.healthCheck),
    outlier: buildOutlier(service.outlierDetection),
    slo: buildSlo(service.slo),
    limit: service.overload?.limit ?? DEFAULT_SERVICE.limit,
    breaker: service.breaker === undefined ? DEFAULT_SERVICE.breaker : buildBreaker(service.breaker),
  };
}

/** @param names of service and version */
function buildVersion(
  { colors = [], endpoints, overload, ...own }: ServiceInput['versions'][string],
  service: ServiceInput,
  [name, versionName]: readonly [string, string],
): VersionConfig {
  return {
    name: versionName,
    colors,
    ...buildEndpoints(endpoints, name, versionName),
    limit: overload?.limit ?? null,
    ...buildTerms(own, service),
    ...(service.grpcErrors !== undefined && { grpcErrors: bitsOf(service.grpcErrors) }),
  };
}

type TermsInput = Pick<ServiceInput, 'tls' | 'protocol' | 'proxyProtocol'>;

/** A version's own, else its service's. Absent where it is the default: so fingerprints of such versions stay. */
function buildTerms(own: TermsInput, service: TermsInput): UpstreamTerms {
  const { tls = service.tls, protocol = service.protocol, proxyProtocol = service.proxyProtocol ?? 'off' } = own;
  return {
    ...(tls !== undefined && { tls: buildUpstreamTls(tls) }),
    ...(protocol !== undefined && protocol !== 'http1' && { protocol }),
    ...(proxyProtocol !== 'off' && { proxyProtocol: proxyProtocol === 'v1' ? 1 : 2 }),
  };
}

/** Those that are listed, or none and where to look them up. */
function buildEndpoints(
  endpoints: ServiceInput['versions'][string]['endpoints'],
  service: string,
  version: string,
): Pick<VersionConfig, 'endpoints' | 'from'> {
  if (isListed(endpoints)) return { endpoints: endpoints.map(buildEndpoint) };
  return { endpoints: [], from: buildFrom(endpoints, service, version) };
}

/** What to ask for; `service` and `version` are the names that it has in the document. */
function buildFrom({ consul, dns, srv, etcd }: EndpointsFromInput, service: string, version: string): EndpointsFrom {
  if (consul !== undefined) {
    const { except = [], tags = [] } = consul;
    return {
      kind: 'consul',
      service: consul.service ?? service,
      version: consul.version ?? null,
      except: except.toSorted(),
      color: consul.color ?? null,
      tags: tags.toSorted(),
    };
  }
  if (dns !== undefined) return { kind: 'dns', name: canonicalHost(dns.name), port: dns.port };
  if (srv !== undefined) return { kind: 'srv', name: srv.name.toLowerCase() };
  const keys = sure(etcd);
  return { kind: 'etcd', service: keys.service ?? service, version: keys.version ?? version };
}

/** Whether endpoints are in the document; else it says where to look them up. */
export function isListed(
  endpoints: ServiceInput['versions'][string]['endpoints'],
): endpoints is Extract<typeof endpoints, readonly unknown[]> {
  return Array.isArray(endpoints);
}

/** The endpoints that are in the document. */
export function listedOf({ endpoints }: ServiceInput['versions'][string]): readonly EndpointInput[] {
  return isListed(endpoints) ? endpoints : [];
}

/** Host, port and weight of a sound endpoint in either form. */
export function buildEndpoint(endpoint: EndpointInput): EndpointConfig {
  const { address, weight = DEFAULT_ENDPOINT_WEIGHT } = typeof endpoint === 'string' ? { address: endpoint } : endpoint;
  return { ...sure(parseAddress(address)), weight };
}

/** An active check with its defaults. */
export function buildHealthCheck(check: NonNullable<ServiceInput['healthCheck']>): HealthCheckConfig {
  return {
    path: check.path ?? DEFAULT_HEALTH_CHECK.path,
    host: check.host?.toLowerCase() ?? DEFAULT_HEALTH_CHECK.host,
    ...(check.grpcService !== undefined && { grpcService: check.grpcService }),
    intervalMs: toMs(check.interval, DEFAULT_HEALTH_CHECK.intervalMs),
    timeoutMs: toMs(check.timeout, DEFAULT_HEALTH_CHECK.timeoutMs),
    healthyCount: check.healthyCount ?? DEFAULT_HEALTH_CHECK.healthyCount,
    unhealthyCount: check.unhealthyCount ?? DEFAULT_HEALTH_CHECK.unhealthyCount,
  };
}

/** A breaker with its defaults. */
export function buildBreaker(breaker: NonNullable<ServiceInput['breaker']>): BreakerConfig {
  return {
    consecutiveErrors: breaker.consecutiveErrors ?? DEFAULT_BREAKER.consecutiveErrors,
    successRatioMin: breaker.successRatioMin ?? DEFAULT_BREAKER.successRatioMin,
    requestsMin: breaker.requestsMin ?? DEFAULT_BREAKER.requestsMin,
    windowMs: toMs(breaker.window, DEFAULT_BREAKER.windowMs),
    openMs: toMs(breaker.open, DEFAULT_BREAKER.openMs),
    probes: breaker.probes ?? DEFAULT_BREAKER.probes,
  };
}

/** Outlier detection with its defaults; null when it is switched off. */
export function buildOutlier(outlier: ServiceInput['outlierDetection'] = {}): OutlierConfig | null {
  if (outlier === false) return null;
  return {
    consecutiveErrors: outlier.consecutiveErrors ?? DEFAULT_OUTLIER.consecutiveErrors,
    successRatioMin: outlier.successRatioMin ?? DEFAULT_OUTLIER.successRatioMin,
    latencyFactor: outlier.latencyFactor ?? DEFAULT_OUTLIER.latencyFactor,
    requestsMin: outlier.requestsMin ?? DEFAULT_OUTLIER.requestsMin,
    intervalMs: toMs(outlier.interval, DEFAULT_OUTLIER.intervalMs),
    ejectionMs: toMs(outlier.ejection, DEFAULT_OUTLIER.ejectionMs),
    ejectionMaxMs: toMs(outlier.ejectionMax, DEFAULT_OUTLIER.ejectionMaxMs),
    // Absent where it is not written: so fingerprints of such services stay.
    ...(outlier.probes !== undefined && { probes: outlier.probes }),
    ejectedRatioMax: outlier.ejectedRatioMax ?? DEFAULT_OUTLIER.ejectedRatioMax,
  };
}
