/**
 * Builds the settings of the fleet from a sound document.
 */

import type { FleetConfig } from '../../../model/threads/fleet.ts';
import { DEFAULT_FLEET } from '../../defaults.ts';
import { parseRedis } from '../../scalars/redis.ts';
import type { DocumentInput } from '../../schema.ts';
import { sure, toMs } from '../values.ts';

/** null: this gateway is on its own. */
export function buildFleet(input: DocumentInput['fleet']): FleetConfig | null {
  if (input === undefined) return null;
  const { redis, window } = input;
  const { isTls, ...address } = sure(parseRedis(redis.address));
  const { ca = null, cert = null, key = null, serverName = null } = redis.tls ?? {};
  return {
    name: input.name,
    member: input.member ?? null,
    redis: {
      ...address,
      username: redis.username === '' ? null : (redis.username ?? null),
      passwordFile: redis.passwordFile ?? null,
      tls: isTls ? { ca, cert, key, serverName } : null,
      timeoutMs: toMs(redis.timeout, DEFAULT_FLEET.timeoutMs),
    },
    lock: input.lock ?? DEFAULT_FLEET.lock,
    leaseMs: toMs(input.lease, DEFAULT_FLEET.leaseMs),
    window: {
      leaseMs: toMs(window?.lease, DEFAULT_FLEET.windowLeaseMs),
      onTaken: window?.onTaken ?? DEFAULT_FLEET.onTaken,
    },
  };
}
