/**
 * Puts the endpoints that were found into a configuration: what is compiled is the operator's intent and what there is.
 *
 * The operator's own configuration stays what is hashed: it is the same on every gateway, whatever each of them found.
 */

import type { Config, EndpointConfig, ServiceConfig, VersionConfig } from '../model/config.ts';
import type { EndpointsFrom } from '../model/health.ts';
import type { UpstreamTerms } from '../model/threads/tls.ts';

/** The endpoints that are known now of a version that is asked in these terms; none as long as nobody has answered. */
export type FindEndpoints = (from: EndpointsFrom, terms: UpstreamTerms) => readonly EndpointConfig[];

/** Nothing was found, or nobody looks. */
export const FIND_NONE: FindEndpoints = () => [];

/** By the service as it is written: compiled anew is only what is another object. */
const lastFilled = new WeakMap<ServiceConfig, ServiceConfig>();

/**
 * The same configuration where no version looks anything up, and the same services where nothing else was found than the last
 * time. Cost: O(services + instances that are found).
 */
export function withDiscovered(config: Config, find: FindEndpoints): Config {
  if (!config.services.some(isLookingUp)) return config;
  return {
    ...config,
    services: config.services.map((service) => (isLookingUp(service) ? filled(service, find) : service)),
  };
}

function isLookingUp({ versions }: ServiceConfig): boolean {
  return versions.some(({ from }) => from !== undefined);
}

function filled(service: ServiceConfig, find: FindEndpoints): ServiceConfig {
  const fill = (version: VersionConfig): VersionConfig =>
    version.from === undefined ? version : { ...version, endpoints: find(version.from, version) };
  const made = { ...service, versions: service.versions.map(fill) };
  const last = lastFilled.get(service);
  if (last !== undefined && areSameServices(last, made)) return last;
  lastFilled.set(service, made);
  return made;
}

/** Whether both have the same endpoints everywhere; of one operator's configuration, filled twice. */
export function hasSameEndpoints(a: Config, b: Config): boolean {
  return a.services.every((service, index) => {
    const other = b.services[index];
    return other !== undefined && areSameServices(service, other);
  });
}

function areSameServices(a: ServiceConfig, b: ServiceConfig): boolean {
  if (a === b) return true;
  return a.versions.every(({ from, endpoints }, index) => {
    const others = b.versions[index]?.endpoints;
    return from === undefined || (others !== undefined && isSame(endpoints, others));
  });
}

function isSame(a: readonly EndpointConfig[], b: readonly EndpointConfig[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ host, port, weight }, n) => {
    const other = b[n];
    return host === other?.host && port === other.port && weight === other.weight;
  });
}
