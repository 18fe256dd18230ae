/**
 * Lookups: the questions that endpoints are answers to, and whom they are asked.
 *
 * Versions that pick among the same instances share a lookup: one watch of a service in Consul serves stable and canary.
 */

import type { EndpointsFrom } from '../../../model/health.ts';
import type { ConsulReach, EtcdSettings } from '../../stores/settings.ts';

/** Each lookup keeps a question open all the time: as many as a store's agent bears. */
export const LOOKUPS_MAX = 1000;

/** Whom to ask. Tokens and passwords are in here: never log or show a whole one. */
export interface DiscoverySettings {
  readonly consul: (ConsulReach & { readonly canaryTags: readonly string[] }) | null;
  readonly etcd: EtcdSettings | null;
  readonly dns: DnsSettings;
}

export interface DnsSettings {
  /** IP addresses, with a port or without; empty: the system's. */
  readonly servers: readonly string[];
  readonly intervalMs: number;
  /** Of one try at one server; there are two. */
  readonly timeoutMs: number;
}

/** Whom a lookup is asked of, without what is secret: what one registry holds, another one does not. */
export function registryOf({ kind }: EndpointsFrom, { consul, etcd, dns }: DiscoverySettings): string {
  switch (kind) {
    case 'consul':
      return JSON.stringify(consul && [consul.address, consul.datacenter, consul.canaryTags]);
    case 'etcd':
      return JSON.stringify(etcd && [etcd.endpoints, etcd.prefix]);
    case 'dns':
    case 'srv':
      return JSON.stringify(dns.servers);
    default:
      return kind satisfies never;
  }
}

/** Names the lookup: the same for versions that share it. */
export function lookupKey(from: EndpointsFrom): string {
  switch (from.kind) {
    case 'consul':
      return `consul ${from.service}`;
    case 'dns':
      return `dns ${from.name.includes(':') ? `[${from.name}]` : from.name}:${from.port}`;
    case 'srv':
      return `srv ${from.name}`;
    case 'etcd':
      return 'etcd';
    default:
      return from satisfies never;
  }
}
