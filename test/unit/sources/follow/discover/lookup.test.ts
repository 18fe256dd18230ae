import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DiscoverySettings, lookupKey, registryOf } from '#src/sources/follow/discover/lookup.ts';

const CONSUL = { kind: 'consul', service: 'shop', version: null, except: [], color: null, tags: [] } as const;

test('versions that pick among the same instances share a lookup', () => {
  assert.equal(lookupKey(CONSUL), lookupKey({ ...CONSUL, version: 'v1', color: 'green', tags: ['a'] }));
  assert.equal(
    lookupKey({ kind: 'etcd', service: 'a', version: 'v1' }),
    lookupKey({ kind: 'etcd', service: 'b', version: 'v2' }),
  );
});

test('different questions are different lookups', () => {
  const keys = [
    lookupKey(CONSUL),
    lookupKey({ ...CONSUL, service: 'mail' }),
    lookupKey({ kind: 'dns', name: 'shop', port: 1 }),
    lookupKey({ kind: 'dns', name: 'shop', port: 2 }),
    lookupKey({ kind: 'dns', name: '::1', port: 1 }),
    lookupKey({ kind: 'srv', name: 'shop' }),
    lookupKey({ kind: 'etcd', service: 'shop', version: 'v1' }),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

test('another registry, or another reading of what it holds, is told apart, and no secret is in it', () => {
  const reach = {
    address: 'http://a:1',
    token: 'hidden',
    datacenter: null,
    consistency: 'default',
    waitMs: 1,
    tls: null,
  };
  const login = { username: 'u', password: 'hidden' };
  const settings = {
    consul: { ...reach, consistency: 'default', canaryTags: ['canary'] },
    etcd: { kind: 'etcd', endpoints: ['http://b:2'], prefix: '/p/', login, heartbeatMs: 1, tls: null },
    dns: { servers: ['127.0.0.1'], intervalMs: 1, timeoutMs: 1 },
  } as const satisfies DiscoverySettings;
  const etcd = { kind: 'etcd', service: 'a', version: 'v1' } as const;
  const dns = { kind: 'dns', name: 'a', port: 1 } as const;
  const { consul } = settings;
  const others = [
    registryOf(CONSUL, settings),
    registryOf(CONSUL, { ...settings, consul: { ...consul, address: 'http://c:1' } }),
    registryOf(CONSUL, { ...settings, consul: { ...consul, datacenter: 'dc2' } }),
    registryOf(CONSUL, { ...settings, consul: { ...consul, canaryTags: [] } }),
    registryOf(etcd, settings),
    registryOf(etcd, { ...settings, etcd: { ...settings.etcd, prefix: '/q/' } }),
    registryOf(dns, settings),
    registryOf(dns, { ...settings, dns: { ...settings.dns, servers: [] } }),
    registryOf(etcd, { ...settings, etcd: null }),
  ];
  assert.equal(new Set(others).size, others.length);
  assert.doesNotMatch(others.join(), /hidden/);
  assert.equal(registryOf({ kind: 'srv', name: 'b' }, settings), registryOf(dns, settings));
  const later = { ...settings, consul: { ...consul, token: null, waitMs: 9 } };
  assert.equal(registryOf(CONSUL, later), registryOf(CONSUL, settings), 'how it is asked is another thing');
});
