import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabelWords, labelSets, NO_LABELS } from '#src/export/exposition/labels.ts';

test('a table of words has a set for each, in its order', () => {
  const [good, bad] = labelSets('outcome', ['good', 'bad']);
  assert.deepEqual([good.pairs, bad.pairs, NO_LABELS.pairs], [{ outcome: 'good' }, { outcome: 'bad' }, {}]);
});

test('a word has one set, whoever asks, behind the labels that all have', () => {
  const words = new LabelWords('window', { severity: 'page' });
  assert.equal(words.of('1h'), words.of('1h'));
  assert.deepEqual(Object.entries(words.of('6h').pairs), [
    ['severity', 'page'],
    ['window', '6h'],
  ]);
});
