import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, blockingMs, readingOf } from '#src/sources/stores/consul/api.ts';
import type { ConsulReach } from '#src/sources/stores/settings.ts';

const reach: ConsulReach = {
  address: 'http://127.0.0.1:8500',
  token: null,
  datacenter: null,
  consistency: 'default',
  waitMs: 60_000,
  tls: null,
};

test('what is set goes into the question: the datacenter and the consistency into its query, the token into its head', () => {
  const plain = { origin: reach.address, path: '/v1/kv/a', headers: {} };
  assert.deepEqual(addressOf(reach, '/v1/kv/a', []), plain);
  assert.deepEqual(readingOf(reach, '/v1/kv/a', []), plain);
  const set: ConsulReach = { ...reach, token: 'geheim', datacenter: 'dc2', consistency: 'stale' };
  const head = { origin: reach.address, headers: { 'x-consul-token': 'geheim' } };
  assert.deepEqual(readingOf(set, '/v1/kv/a', ['keys']), { ...head, path: '/v1/kv/a?keys&stale&dc=dc2' });
});

test('what is written goes to no server that may be behind', () => {
  const { path } = addressOf({ ...reach, consistency: 'stale' } as ConsulReach, '/v1/txn', []);
  assert.equal(path, '/v1/txn');
});

test('a question that waits may take a sixteenth longer than was asked for, and 5 s', () => {
  assert.equal(blockingMs(60_000), 60_000 + 3750 + 5000);
});
