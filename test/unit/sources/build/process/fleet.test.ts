import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFleet } from '#src/sources/build/process/fleet.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

test('no fleet is none', () => {
  assert.equal(buildFleet(undefined), null);
});

test('what is not said is as documented', () => {
  const { fleet } = configOf(`fleet: {name: edge, redis: {address: "redis://redis.test"}}\n${SOUND}`);
  const redis = { host: 'redis.test', port: 6379, database: 0, username: null, passwordFile: null, tls: null };
  assert.deepEqual(fleet, {
    name: 'edge',
    member: null,
    redis: { ...redis, timeoutMs: 50 },
    lock: 'redis',
    leaseMs: 3000,
    window: { leaseMs: 10_000, onTaken: 'wait' },
  });
});

test('everything that is said is taken', () => {
  const fleet = buildFleet({
    name: 'edge',
    member: 'one',
    redis: {
      address: 'rediss://[::1]:7000/2',
      username: 'gateway',
      passwordFile: '/secret',
      tls: { ca: '/ca', cert: '/c', key: '/k', serverName: 'redis' },
      timeout: '100ms',
    },
    lock: 'etcd',
    lease: '5s',
    window: { lease: '20s', onTaken: 'refuse' },
  });
  assert.deepEqual(fleet, {
    name: 'edge',
    member: 'one',
    redis: {
      host: '::1',
      port: 7000,
      database: 2,
      username: 'gateway',
      passwordFile: '/secret',
      tls: { ca: '/ca', cert: '/c', key: '/k', serverName: 'redis' },
      timeoutMs: 100,
    },
    lock: 'etcd',
    leaseMs: 5000,
    window: { leaseMs: 20_000, onTaken: 'refuse' },
  });
  const plain = buildFleet({ name: 'edge', redis: { address: 'rediss://a', username: '' } });
  assert.deepEqual(plain?.redis.tls, { ca: null, cert: null, key: null, serverName: null });
  assert.equal(plain?.redis.username, null);
});
