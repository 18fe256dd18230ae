import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftOf } from '#src/sources/checks/draft.ts';

const DOCUMENT = {
  listen: 'a:1',
  services: { a: { versions: {} }, b: { versions: {} } },
  routes: [{ name: 'x' }, { name: 'y' }],
};

test('a sound document is all there', () => {
  const draft = draftOf(DOCUMENT, []);
  assert.equal(draft.whole, DOCUMENT);
  assert.deepEqual([...(draft.services ?? [])], Object.entries(DOCUMENT.services));
  assert.deepEqual(draft.routes, DOCUMENT.routes);
  assert.equal(draft.listen, 'a:1');
  assert.equal(draft.admin, undefined);
});

test('a fault takes out the route, service or section it is in, and no other', () => {
  const draft = draftOf(DOCUMENT, [
    ['routes', 1, 'name'],
    ['services', 'a', 'versions', 'v'],
    ['listen', 'port'],
  ]);
  assert.equal(draft.whole, null);
  assert.equal(draft.services?.get('a'), null);
  assert.equal(draft.services?.get('b'), DOCUMENT.services.b);
  assert.deepEqual(draft.routes, [DOCUMENT.routes[0], null]);
  assert.equal(draft.listen, null);
  assert.equal(draft.limits, undefined);
});

test('services are unknown when the section or the document is not a mapping', () => {
  assert.equal(draftOf(DOCUMENT, [['services']]).services, null);
  assert.equal(draftOf([], [[]]).services, null);
  assert.deepEqual(draftOf('text', [[]]).routes, []);
  assert.deepEqual(draftOf({ routes: 5 }, [['routes']]).routes, []);
});
