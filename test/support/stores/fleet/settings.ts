/** How a test reaches its Redis. */

import type { RedisSettings } from '#src/model/threads/fleet.ts';

export function redisSettings(port: number, changes: Partial<RedisSettings> = {}): RedisSettings {
  const settings = { host: '127.0.0.1', port, database: 0, username: null, passwordFile: null, tls: null };
  return { ...settings, timeoutMs: 500, ...changes };
}
