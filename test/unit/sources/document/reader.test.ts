import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader.ts';

function route(text: string, changes: Partial<SourceDocument> = {}): SourceDocument {
  return { name: 'a', text, mount: { kind: 'route', name: 'a' }, source: 1, isForeign: true, ...changes };
}

test('what did not change is not read again, what changed in any way is', () => {
  const { read, endParse } = createPartReader({});
  const first = read(route('backendRefs: []'));
  endParse();
  assert.equal(read(route('backendRefs: []')), first);
  endParse();
  for (const other of [
    route('backendRefs: [ ]'),
    route('backendRefs: []', { mount: { kind: 'root' } }),
    route('backendRefs: []', { isForeign: false }),
    route('backendRefs: []', { source: 2 }),
  ]) {
    assert.notEqual(read(other), first);
  }
});

test('what is gone is forgotten', () => {
  const { read, endParse } = createPartReader({});
  const first = read(route('backendRefs: []'));
  endParse();
  endParse();
  assert.notEqual(read(route('backendRefs: []')), first);
});

test('weights that are written again with the same text have their new revision', () => {
  const { read, endParse } = createPartReader({});
  const weights = (revision: string) => route('weights: {}', { mount: { kind: 'weights', name: 'a', revision } });
  const first = read(weights('1'));
  endParse();
  const second = read(weights('2'));
  assert.equal(second.value, first.value, 'not read again');
  assert.deepEqual(second.document, weights('2'));
});
