import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_ONLY, isMapping, mainDocument } from '#src/sources/document/pieces.ts';
import { fieldsAt } from '#src/sources/schema.ts';

test('the main document comes first, and may name variables', () => {
  const mount = { kind: 'main' };
  assert.deepEqual(mainDocument('a: 1', 'a.yaml'), {
    name: 'a.yaml',
    text: 'a: 1',
    mount,
    source: 0,
    isForeign: false,
  });
});

test('a mapping is neither a list nor null', () => {
  assert.deepEqual([{}, [], null, 'x', 1].map(isMapping), [true, false, false, false, false]);
});

test('fields that only the main document may set are fields of the document', () => {
  for (const field of FILE_ONLY) assert.ok(fieldsAt([]).includes(field), field);
});
