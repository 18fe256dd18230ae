import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mount, mainDocument } from '#src/sources/document/pieces.ts';
import { fileOfUrl, subjectOf } from '#src/sources/document/signature/subject.ts';

function foreign(name: string, mount: Mount): string {
  return subjectOf({ name, text: '', mount, source: 1, isForeign: true });
}

test('a file is called by its name, whatever it holds', () => {
  assert.equal(subjectOf(mainDocument('', '/etc/sluice/gateway.yaml')), 'gateway.yaml');
  const mount = { kind: 'weights', name: 'shop', revision: '1' } as const;
  const document = { name: 'conf.d/shop.weights.yaml', text: '', mount, source: 1, isForeign: false };
  assert.equal(subjectOf(document), 'shop.weights.yaml');
});

test('what a store holds is called by its key after the prefix', () => {
  assert.equal(foreign('consul sluice/routes/a/b', { kind: 'route', name: 'a/b' }), 'routes/a/b');
  assert.equal(foreign('etcd /sluice/v1/services/s', { kind: 'service', name: 's' }), 'services/s');
  assert.equal(foreign('etcd /sluice/v1/weights/s', { kind: 'weights', name: 's', revision: '4' }), 'weights/s');
  assert.equal(foreign('etcd /sluice/v1/config', { kind: 'root' }), 'config');
  assert.equal(foreign('consul sluice/stray', { kind: 'ignored' }), 'consul sluice/stray');
});

test('what a URL answers is called by the last segment', () => {
  assert.equal(foreign('http http://c.test/x.yaml', { kind: 'root', file: 'x.yaml' }), 'x.yaml');
  assert.equal(fileOfUrl('http://c.test/a/x.yaml?token=1#y'), 'x.yaml');
  assert.equal(fileOfUrl('http://c.test/a/'), 'config');
});
