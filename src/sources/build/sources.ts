/**
 * Builds the settings of the sources from a sound main document: defaults filled in, one spelling for everything.
 */

import {
  DEFAULT_CANARY_TAGS,
  DEFAULT_CONSUL,
  DEFAULT_DNS,
  DEFAULT_ETCD,
  DEFAULT_FOLLOW,
  DEFAULT_HTTP_SOURCE,
  DEFAULT_STALE_START,
  DEFAULT_ZOOKEEPER,
} from '../defaults.ts';
import type { DiscoverySettings } from '../follow/discover/lookup.ts';
import { parseAddress } from '../scalars/address.ts';
import type { DiscoveryInput, DocumentInput, SourceInput } from '../schema.ts';
import type {
  ConsulReach,
  EtcdSettings,
  FollowSettings,
  SourceSettings,
  StaleStartSettings,
  TlsSettings,
} from '../stores/settings.ts';
import { sure, toMs } from './values.ts';

/** All sources in the order of their precedence, and how they are followed. */
export interface Sources {
  readonly list: readonly SourceSettings[];
  readonly follow: FollowSettings;
  readonly discovery: DiscoverySettings;
  readonly staleStart: StaleStartSettings;
}

/** Builds the settings. `input` must have passed the schema. */
export function buildSources(input: Partial<Pick<DocumentInput, 'sources' | 'follow' | 'discovery'>>): Sources {
  const { startTimeout, shrinkConfirm, compare, changesWarn, staleStart, staleStartMax } = input.follow ?? {};
  return {
    list: (input.sources ?? []).map(buildSource),
    follow: {
      startTimeoutMs: toMs(startTimeout, DEFAULT_FOLLOW.startTimeoutMs),
      shrinkConfirmMs: toMs(shrinkConfirm, DEFAULT_FOLLOW.shrinkConfirmMs),
      compareMs: toMs(compare, DEFAULT_FOLLOW.compareMs),
      changesWarn: changesWarn ?? DEFAULT_FOLLOW.changesWarn,
    },
    discovery: buildDiscovery(input.discovery),
    staleStart: {
      isAllowed: staleStart ?? DEFAULT_STALE_START.isAllowed,
      ageMsMax: toMs(staleStartMax, DEFAULT_STALE_START.ageMsMax),
    },
  };
}

function buildDiscovery({ consul, etcd, dns }: DiscoveryInput = {}): DiscoverySettings {
  return {
    consul:
      consul === undefined ? null : { ...reachConsul(consul), canaryTags: consul.canaryTags ?? DEFAULT_CANARY_TAGS },
    etcd: etcd === undefined ? null : buildEtcd(etcd),
    dns: {
      servers: dns?.servers ?? [],
      intervalMs: toMs(dns?.interval, DEFAULT_DNS.intervalMs),
      timeoutMs: toMs(dns?.timeout, DEFAULT_DNS.timeoutMs),
    },
  };
}

function buildSource({ directory, consul, etcd, http, zookeeper }: SourceInput): SourceSettings {
  if (directory !== undefined) return { kind: 'directory', path: directory.path };
  if (consul !== undefined) return buildConsul(consul);
  if (etcd !== undefined) return buildEtcd(etcd);
  if (zookeeper !== undefined) return buildZooKeeper(zookeeper);
  const { url, interval, token, tls } = http as NonNullable<typeof http>;
  const intervalMs = toMs(interval, DEFAULT_HTTP_SOURCE.intervalMs);
  return { kind: 'http', url, token: textOf(token), intervalMs, tls: buildTls(tls) };
}

function buildConsul(input: NonNullable<SourceInput['consul']>): SourceSettings {
  return { kind: 'consul', prefix: trimmed(input.prefix ?? DEFAULT_CONSUL.prefix), ...reachConsul(input) };
}

function reachConsul(input: Omit<NonNullable<SourceInput['consul']>, 'prefix'>): ConsulReach {
  return {
    address: new URL(input.address).origin,
    token: textOf(input.token),
    datacenter: input.datacenter ?? null,
    consistency: input.consistency ?? DEFAULT_CONSUL.consistency,
    waitMs: toMs(input.wait, DEFAULT_CONSUL.waitMs),
    tls: buildTls(input.tls),
  };
}

function buildEtcd(input: NonNullable<SourceInput['etcd']>): EtcdSettings {
  const username = textOf(input.username);
  const password = textOf(input.password);
  const prefix = input.prefix ?? DEFAULT_ETCD.prefix;
  return {
    kind: 'etcd',
    endpoints: input.endpoints.map((url) => new URL(url).origin),
    prefix: prefix.endsWith('/') ? prefix : `${prefix}/`,
    login: username === null || password === null ? null : { username, password },
    heartbeatMs: toMs(input.heartbeat, DEFAULT_ETCD.heartbeatMs),
    tls: buildTls(input.tls),
  };
}

function buildZooKeeper(input: NonNullable<SourceInput['zookeeper']>): SourceSettings {
  const username = textOf(input.username);
  const password = textOf(input.password);
  return {
    kind: 'zookeeper',
    servers: input.servers.map((server) => sure(parseAddress(server))),
    path: `/${trimmed(input.path ?? DEFAULT_ZOOKEEPER.path)}`,
    login: username === null || password === null ? null : { username, password },
    timeoutMs: toMs(input.sessionTimeout, DEFAULT_ZOOKEEPER.timeoutMs),
    tls: buildTls(input.tls),
  };
}

function buildTls(input: NonNullable<SourceInput['http']>['tls']): TlsSettings | null {
  if (input === undefined) return null;
  const { ca = null, cert = null, key = null, serverName = null } = input;
  return { ca, cert, key, serverName };
}

/** A slash at either end is a slip: Consul's keys never begin with one, and nodes of ZooKeeper never end with one. */
function trimmed(prefix: string): string {
  return prefix.replace(/^\/+|\/+$/g, '');
}

/** An empty secret is none: `${TOKEN:-}`. */
function textOf(secret: string | null | undefined): string | null {
  return secret === undefined || secret === '' ? null : secret;
}
