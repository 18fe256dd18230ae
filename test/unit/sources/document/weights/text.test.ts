import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWeights, weightsText } from '#src/sources/document/weights/text.ts';

test('what is written is read back, and no reason is taken for a variable', () => {
  const weights = { v1: 90, 'shop/v2': 10 };
  const reason = 'for ${HOME}, "quoted": $${x} #not a comment';
  for (const environment of [null, { HOME: '/secret' }]) {
    assert.deepEqual(readWeights(weightsText(weights, reason), environment), { weights, reason });
  }
  assert.deepEqual(readWeights(weightsText({}, ''), null), { weights: {} });
});

test('what is not sound is none', () => {
  for (const text of ['', 'weights: {v1: x}', '{', 'weights: {v1: 1}\nmore: 1', 'weights: {v1: "${A}"}']) {
    assert.equal(readWeights(text, null), null, text);
  }
  assert.deepEqual(readWeights('weights:\n  v1: ${A}', { A: '7' }), { weights: { v1: 7 } });
});
