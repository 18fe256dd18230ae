import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader.ts';

test('what did not change is not read again, what changed is', () => {
  const { read } = createPartReader({});
  const document: SourceDocument = {
    name: 'a',
    text: 'backendRefs: []',
    mount: { kind: 'route', name: 'a' },
    source: 1,
    isForeign: true,
  };
  const first = read(document);
  assert.equal(read(document), first);
  const changed = read({ ...document, text: 'backendRefs: [ ]' });
  assert.notEqual(changed, first);
  assert.deepEqual(changed.value, first.value);
});
