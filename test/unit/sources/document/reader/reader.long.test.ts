/** What a reader of documents holds on to. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { heldBytes } from '../../../../support/readings/heap.ts';

test('a document of before is held by nobody', async () => {
  const { read } = createPartReader({});
  const readOnce = (text: string): WeakRef<object> => {
    const document = mainDocument(text, 'x.yaml');
    read(document);
    return new WeakRef(document);
  };
  const [sound, whole] = [
    readOnce('drain: {delay: 1s}\nservices: {}\nsources: []\n'),
    readOnce('{drain: {delay: 1s}}'),
  ];
  const last = readOnce('drain: {delay: 2s}\nservices: {}\nsources: []\n');
  await heldBytes();
  assert.deepEqual(
    [sound, whole, last].map((document) => document.deref()),
    [undefined, undefined, undefined],
  );
});
