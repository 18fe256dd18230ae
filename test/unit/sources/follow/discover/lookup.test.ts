import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookupKey } from '#src/sources/follow/discover/lookup.ts';

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
