/**
 * The address of a Redis server.
 */

import { didYouMean, type Fault, wrongType } from '../problems/fault.ts';

export const REDIS_META = { type: 'string', pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?://[^@\\s/]+(/[0-9]{1,4})?$' };

/** Where a server is, as `redis://host:port/database` says it. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly isTls: boolean;
}

const PORT = 6379;
const HIDDEN = 'one that is not shown';

/** `redis://host`, `redis://host:6379/0`, `rediss://host` (over TLS); null when it is none. */
export function parseRedis(text: string): RedisAddress | null {
  const url = URL.parse(text);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') return null;
  const database = /^(?:|\/|\/(\d{1,4}))$/.exec(url.pathname);
  if (database === null || url.search !== '' || url.hash !== '') return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = url.port === '' ? PORT : Number(url.port);
  return { host, port, database: Number(database[1] ?? 0), isTls: url.protocol === 'rediss:' };
}

/** An address without a user name and password in it: it is shown, and the configuration is hashed and kept. */
export function checkRedis(value: unknown): Fault | null {
  const expected = 'a URL such as redis://127.0.0.1:6379';
  if (typeof value !== 'string') return wrongType(expected, value);
  const url = URL.parse(value);
  if (value.includes('@') || (url !== null && url.password !== '')) {
    return { kind: 'url', expected: `${expected}, without a user`, got: HIDDEN, hint: 'use username and passwordFile' };
  }
  if (parseRedis(value) !== null) return null;
  const isBare = /^[\w.-]+(:\d+)?$/.test(value);
  return { kind: 'url', expected, hint: isBare ? didYouMean(`redis://${value}`) : '' };
}
