/**
 * Builds what belongs to the process from a sound main document: where it listens, who may command it, what it keeps and tells.
 *
 * No other document says any of it (`FILE_ONLY`), so it is known before any source has answered.
 */

import { createHash } from 'node:crypto';
import type { Config, ListenAddress } from '../../../model/config.ts';
import type { ListenerConfig } from '../../../model/threads/tls.ts';
import { DEFAULT_ADMIN, DEFAULT_LISTEN, DEFAULT_STATE } from '../../defaults.ts';
import { parseAddress } from '../../scalars/address.ts';
import { canonicalHost } from '../../scalars/host.ts';
import type { AdminInput, DocumentInput, ListenInput } from '../../schema.ts';
import { buildListenerTls } from '../tls.ts';
import { sure } from '../values.ts';
import { buildAlerts } from './alerts.ts';
import { buildFleet } from './fleet.ts';
import { buildSaturation } from './saturation.ts';

const OWN = [
  'listen',
  'listeners',
  'admin',
  'adminTokenHash',
  'workers',
  'saturation',
  'state',
  'fleet',
  'alerts',
] as const satisfies readonly (keyof Config)[];

/** Fields of a configuration that are the process's own. */
export type OwnConfig = Pick<Config, (typeof OWN)[number]>;

type OwnInput = Partial<
  Pick<
    DocumentInput,
    'listen' | 'listeners' | 'admin' | 'adminToken' | 'workers' | 'saturation' | 'state' | 'fleet' | 'alerts'
  >
>;

/** With their defaults. `input` must have passed the schema. */
export function buildOwn(input: OwnInput): OwnConfig {
  return {
    listen: buildListener(input.listen, DEFAULT_LISTEN),
    ...(input.listeners !== undefined && {
      listeners: input.listeners.map((one) => buildListener(one, DEFAULT_LISTEN)),
    }),
    admin: buildAdmin(input.admin),
    adminTokenHash: hashAdminToken(input.adminToken),
    workers: input.workers ?? 'auto',
    saturation: buildSaturation(input.saturation),
    state: { directory: input.state?.directory ?? DEFAULT_STATE.directory },
    fleet: buildFleet(input.fleet),
    ...buildAlerts(input.alerts),
  };
}

/** A configuration with the process's own fields of another one: also without those that this has not. @param other a whole one, or these fields */
export function withOwn(config: Config, other: OwnConfig): Config {
  const others = Object.entries(config).filter(([field]) => !isOwn(field));
  const own = Object.entries(other).filter(([field]) => isOwn(field));
  return Object.fromEntries([...others, ...own]) as unknown as Config;
}

function isOwn(field: string): boolean {
  return (OWN as readonly string[]).includes(field);
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
