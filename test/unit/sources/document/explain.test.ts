import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SettingExplanation } from '#src/model/threads/explain.ts';
import { explainSetting, stepsOf } from '#src/sources/document/explain.ts';
import { readPart } from '#src/sources/document/part.ts';
import { type Mount, mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';

const MAIN = `adminToken: 0123456789abcdef
timeouts: {connect: 2s}
sources: [{directory: {path: conf.d}}]
services:
  api: {versions: {"1.0": {endpoints: ["127.0.0.1:1"]}}}
`;
const ROUTE = `hostnames: [a.test]
slo: {availability: 0.99}
backendRefs: [{name: api, version: "1.0", weight: 3}]
`;

function piece(name: string, mount: Mount, text: string, source = 1): SourceDocument {
  return { name, text, mount, source, isForeign: true };
}

const DOCUMENTS = [
  mainDocument(MAIN, 'gateway.yaml'),
  piece('etcd /routes/shop', { kind: 'route', name: 'shop' }, ROUTE),
  piece('etcd /weights/shop', { kind: 'weights', name: 'shop', revision: '4' }, 'weights: {"1.0": 5}'),
  piece('consul sluice/routes/shop', { kind: 'route', name: 'shop' }, 'backendRefs: [{name: api}]', 2),
  piece('consul sluice/config', { kind: 'root' }, 'timeouts: {connect: 3s}\nservices: {api: {versions: {}}}', 2),
];

function explain(path: string, documents = DOCUMENTS): SettingExplanation | string {
  const hide = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'adminToken' ? 'hidden' : inner)));
  const answer = explainSetting(documents, path, { read: (document) => readPart(document, {}), redact: hide });
  return answer.kind === 'done' ? answer.setting : answer.detail;
}

function setting(path: string): SettingExplanation {
  const told = explain(path);
  assert.ok(typeof told !== 'string', path);
  return told;
}

function refusal(path: string, documents = DOCUMENTS): string {
  const told = explain(path, documents);
  assert.ok(typeof told === 'string', path);
  return told;
}

describe('a setting that a document says', () => {
  test('is found by index and by name, with its place in the document that counts', () => {
    for (const path of ['routes[0].slo', 'routes.shop.slo', 'routes[shop].slo', 'shop.slo']) {
      const { value, origin, place, route, path: shown } = setting(path);
      assert.deepEqual([value, origin, shown, route], [{ availability: 0.99 }, 'document', 'routes[0].slo', 'shop']);
      assert.deepEqual(place, { file: 'etcd /routes/shop', line: 2, column: 1, path: 'slo' });
    }
    const { value, place } = setting('services.api.versions["1.0"].endpoints[0]');
    assert.equal(value, '127.0.0.1:1');
    assert.deepEqual(place?.file, 'gateway.yaml');
    assert.equal(place?.path, 'services.api.versions["1.0"].endpoints[0]');
  });

  test('names the documents that say it in vain, and the weights document that goes before it', () => {
    const route = setting('shop');
    assert.deepEqual(
      route.shadowed.map(({ file }) => file),
      ['consul sluice/routes/shop'],
    );
    assert.deepEqual(route.weightsFrom, { file: 'etcd /weights/shop', line: 1, column: 1, path: 'weights' });
    const connect = setting('timeouts.connect');
    assert.deepEqual([connect.value, connect.weightsFrom], ['2s', null]);
    assert.deepEqual(connect.shadowed, [{ file: 'consul sluice/config', line: 1, column: 1, path: 'timeouts' }]);
    assert.deepEqual(
      setting('services.api').shadowed.map(({ path }) => path),
      ['services.api'],
    );
    assert.deepEqual(setting('routes').shadowed, []);
  });

  test('shows no secret', () => {
    assert.equal(setting('adminToken').value, 'hidden');
  });
});

test('a setting that no document says has its default, or none', () => {
  const request = setting('timeouts.head');
  assert.deepEqual([request.value, request.origin, request.defaultText], [null, 'default', '10s']);
  assert.deepEqual([request.place, request.shadowed.length], [null, 1]);
  const slo = setting('routes.shop.rollout');
  assert.deepEqual([slo.origin, slo.defaultText], ['none', '']);
});

test('what leads nowhere is told', () => {
  assert.equal(explain('routes.ship.slo'), 'there is no route ship');
  assert.equal(explain('routes[7]'), 'there is no routes[7]: there are 1');
  assert.match(refusal('ship'), /^ship is neither a field \(listen, listeners, admin, .*\) nor a route$/);
  for (const path of ['', 'a..b', 'a[', 'a["x]', 'x'.repeat(2000)]) assert.match(refusal(path), /is written like/);
  const broken = [mainDocument('a: [', 'gateway.yaml')];
  assert.match(refusal('listen', broken), /^gateway\.yaml cannot be read/);
});

test('the steps of a path', () => {
  assert.deepEqual(stepsOf('a.b[0]["c.d\\"e"][f]'), ['a', 'b', 0, 'c.d"e', 'f']);
  assert.equal(stepsOf('.'), null);
});
