/**
 * Reads from a configuration and its snapshot which endpoints are to be looked after, and how.
 *
 * Only what a route sends to has an id, and only that is looked after. An endpoint that several versions name is one:
 * it has all of their checks and the longest of their slow starts, every version judges it, and it is out for all.
 */

import type { Config, HealthCheckConfig, ServiceConfig } from '../model/config.ts';
import type { EndpointPlan, GroupPlan, HealthPlan } from '../model/health.ts';
import type { EndpointSpec, Snapshot, TargetSpec } from '../model/snapshot.ts';
import { serviceSteps } from '../model/threads/answers/fallback.ts';

interface Draft {
  readonly spec: EndpointSpec;
  slowStartMs: number;
  readonly checks: Map<string, HealthCheckConfig>;
}

/** @param snapshot compiled from `config` */
export function planOf(config: Config, snapshot: Snapshot): HealthPlan {
  const services = new Map(config.services.map((service) => [service.name, service]));
  const groups = new Map<string, GroupPlan>();
  const drafts = new Map<number, Draft>();
  /** Thousands of routes lead to few versions. */
  const seen = new Set<TargetSpec>();
  const add = (serviceName: string, version: string, targets: TargetSpec): void => {
    if (seen.has(targets)) return;
    seen.add(targets);
    const key = `${serviceName}/${version}`;
    const service = services.get(serviceName);
    if (service === undefined || groups.has(key)) return;
    const specs = targets.endpoints.map((index) => snapshot.endpoints[index] as EndpointSpec);
    const endpoints = [...new Set(specs.map(({ id }) => id))];
    groups.set(key, { service: serviceName, version, endpoints, outlier: service.outlier });
    for (const spec of specs) extend(drafts, spec, service);
  };
  snapshot.routes.forEach((route, index) => {
    for (const { service, version, targets } of route.splits) add(service, version, targets);
    if (route.fallback !== undefined) {
      for (const { split } of serviceSteps(route.fallback)) add(split.service, split.version, split.targets);
    }
    const mirror = route.mirror === null ? null : (config.routes[index]?.filters.mirror ?? null);
    if (mirror !== null && route.mirror !== null) add(mirror.service, mirror.version, route.mirror);
  });
  return { groups: [...groups.values()], endpoints: [...drafts.values()].map(endpointOf) };
}

function extend(drafts: Map<number, Draft>, spec: EndpointSpec, { slowStartMs, health }: ServiceConfig): void {
  const draft = drafts.get(spec.id) ?? { spec, slowStartMs: 0, checks: new Map() };
  drafts.set(spec.id, draft);
  draft.slowStartMs = Math.max(draft.slowStartMs, slowStartMs);
  if (health !== null && !draft.checks.has(checkKey(health))) draft.checks.set(checkKey(health), health);
}

/** What makes two checks of an endpoint the same one: what is asked for. Of two that differ in timing the first counts. */
export function checkKey({ host, path, grpcService = '' }: HealthCheckConfig): string {
  return `${host ?? ''} ${path} ${grpcService}`;
}

function endpointOf({ spec, slowStartMs, checks }: Draft): EndpointPlan {
  return { ...spec, slowStartMs, checks: [...checks.values()] };
}
