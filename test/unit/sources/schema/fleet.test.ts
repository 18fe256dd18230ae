import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet } from '#src/sources/schema/fleet.ts';
import { assertProblem, SOUND } from '../../../support/config.ts';

const REDIS = 'redis: {address: "redis://127.0.0.1:6379"}';

test('a fleet needs a name and a Redis', () => {
  assert.equal(fleet.safeParse({ name: 'edge', redis: { address: 'rediss://a' } }).success, true);
  assert.equal(fleet.safeParse({ name: 'edge' }).success, false);
  assert.equal(fleet.safeParse({ redis: { address: 'redis://a' } }).success, false);
});

test('values of a fleet are checked', () => {
  for (const [document, code, hint] of [
    ['fleet: {name: «"a b", REDIS}', 'SLU1093', ''],
    ['fleet: {name: a, redis: {address: «"127.0.0.1:6379"}}', 'SLU1091', 'did you mean redis://127.0.0.1:6379?'],
    ['fleet: {name: a, redis: {address: «"redis://u:p@a"}}', 'SLU1091', 'use username and passwordFile'],
    ['fleet: {name: a, redis: {address: «"redis://a", tls: {}}}', 'SLU1094', ''],
    [
      'fleet: {name: a, redis: {address: "redis://a", passwordFile: «""}}',
      'SLU1087',
      'name the file, or leave the field out',
    ],
    ['fleet: {name: a, redis: {address: "redis://a", timeout: «1ms}}', 'SLU1030', ''],
    ['fleet: {name: a, redis: {address: "redis://a", «password: x}}', 'SLU1020', ''],
    ['fleet: {name: a, REDIS, lease: «100ms}', 'SLU1030', ''],
    ['fleet: {name: a, REDIS, lock: «zookeeper}', 'SLU1023', ''],
    ['fleet: {name: a, REDIS, window: {lease: «1h}}', 'SLU1030', ''],
    ['fleet: {name: a, REDIS, window: {onTaken: «refused}}', 'SLU1023', 'did you mean refuse?'],
  ] as const) {
    assertProblem(`${document.replace('REDIS', REDIS)}\n${SOUND}`, code, hint);
  }
});

test('a certificate needs its key', () => {
  const parsed = fleet.safeParse({ name: 'a', redis: { address: 'rediss://a', tls: { cert: 'c.pem' } } });
  assert.deepEqual(
    parsed.error?.issues.map(({ path }) => path.join('.')),
    ['redis.tls.key'],
  );
});
