import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mount, SourceDocument } from '#src/sources/document/pieces.ts';
import type { SourceSettings } from '#src/sources/stores/settings.ts';
import { openWeightsStore, placeOfWeights } from '#src/sources/stores/write/open.ts';

const HTTP: SourceSettings = { kind: 'http', url: 'http://127.0.0.1:1/x', token: null, intervalMs: 1000, tls: null };
const FOLDER: SourceSettings = { kind: 'directory', path: 'conf.d' };
const ETCD: SourceSettings = {
  kind: 'etcd',
  endpoints: ['http://127.0.0.1:1'],
  prefix: '/sluice/v1/',
  login: null,
  heartbeatMs: 1000,
  tls: null,
};
const CONSUL: SourceSettings = {
  kind: 'consul',
  address: 'http://127.0.0.1:1',
  prefix: 'sluice',
  token: null,
  datacenter: null,
  consistency: 'default',
  waitMs: 1000,
  tls: null,
};

const ZOOKEEPER: SourceSettings = {
  kind: 'zookeeper',
  servers: [{ host: '127.0.0.1', port: 1 }],
  path: '/sluice',
  login: null,
  timeoutMs: 1000,
  tls: null,
};

test('every kind but a URL has a place for weights', () => {
  const places = [FOLDER, CONSUL, ETCD, HTTP, ZOOKEEPER].map((settings) => {
    const store = openWeightsStore(settings);
    store?.close();
    return store?.documentOf('shop') ?? null;
  });
  assert.deepEqual(places, [
    'conf.d/shop.weights.json',
    'consul sluice/weights/shop',
    'etcd /sluice/v1/weights/shop',
    null,
    'zookeeper /sluice/weights/shop',
  ]);
});

test('weights stay where they are; new ones go beside the route, else into the first source that can be written', () => {
  const held = (source: number, mount: Mount): SourceDocument => ({
    name: '',
    text: '',
    mount,
    source,
    isForeign: true,
  });
  const sources = [HTTP, FOLDER, CONSUL, ETCD];
  const weights = held(4, { kind: 'weights', name: 'shop', revision: '1' });
  const route = held(3, { kind: 'route', name: 'shop' });
  assert.equal(placeOfWeights('shop', sources, [route, weights]), ETCD);
  assert.equal(placeOfWeights('shop', sources, [route]), CONSUL);
  assert.equal(placeOfWeights('shop', sources, [held(3, { kind: 'route', name: 'other' })]), FOLDER);
  assert.equal(placeOfWeights('shop', [HTTP], []), null);
  assert.equal(placeOfWeights('shop', [HTTP, CONSUL], [held(1, { kind: 'route', name: 'shop' })]), CONSUL);
  assert.equal(placeOfWeights('shop', [HTTP, CONSUL], [held(1, weights.mount)]), HTTP);
  assert.equal(placeOfWeights('shop', [CONSUL, ZOOKEEPER], [held(2, { kind: 'route', name: 'shop' })]), ZOOKEEPER);
  assert.equal(placeOfWeights('shop', [], []), null);
});
