/**
 * Puts the endpoints that were found into a configuration: what is compiled is the operator's intent and what there is.
 *
 * The operator's own configuration stays what is hashed: it is the same on every gateway, whatever each of them found.
 */

import type { Config, EndpointConfig, ServiceConfig, VersionConfig } from '../model/config.ts';
import type { EndpointsFrom } from '../model/health.ts';

/** The endpoints that are known now; none as long as nobody has answered. */
export type FindEndpoints = (from: EndpointsFrom) => readonly EndpointConfig[];

/** Nothing was found, or nobody looks. */
export const FIND_NONE: FindEndpoints = () => [];

/** The same configuration where no version looks anything up. Cost: O(services + instances that are found). */
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
    version.from === undefined ? version : { ...version, endpoints: find(version.from) };
  return { ...service, versions: service.versions.map(fill) };
}

/** Whether both have the same endpoints everywhere; of one operator's configuration, filled twice. */
export function hasSameEndpoints(a: Config, b: Config): boolean {
  return a.services.every(({ versions }, s) =>
    versions.every(({ from, endpoints }, v) => {
      const others = b.services[s]?.versions[v]?.endpoints;
      return from === undefined || (others !== undefined && isSame(endpoints, others));
    }),
  );
}

function isSame(a: readonly EndpointConfig[], b: readonly EndpointConfig[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ host, port, weight }, n) => {
    const other = b[n];
    return host === other?.host && port === other.port && weight === other.weight;
  });
}
