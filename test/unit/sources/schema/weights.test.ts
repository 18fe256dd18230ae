import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REASON_MAX, weightsDocument } from '#src/sources/schema/weights.ts';

function isSound(value: unknown): boolean {
  return weightsDocument.safeParse(value).success;
}

test('weights are by version or by service and version, and say why in a sentence', () => {
  assert.ok(isSound({ weights: { v1: 0, 'shop/v2': 1_000_000 }, reason: 'x'.repeat(REASON_MAX) }));
  assert.ok(isSound({ weights: {} }));
});

test('anything else is refused', () => {
  for (const value of [
    { weights: { 'a/b/c': 1 } },
    { weights: { '': 1 } },
    { weights: { 'a/': 1 } },
    { weights: { '../v1': 1 } },
    { weights: { v1: -1 } },
    { weights: { v1: 1_000_001 } },
    { weights: { v1: '1' } },
    { weights: { v1: null } },
    { weights: [1] },
    { weights: {}, reason: 1 },
    { weights: {}, reason: 'x'.repeat(REASON_MAX + 1) },
    { weights: {}, by: 'me' },
    {},
    null,
  ]) {
    assert.ok(!isSound(value), JSON.stringify(value));
  }
});
