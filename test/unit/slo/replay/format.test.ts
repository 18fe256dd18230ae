import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE, emptyArm, isNothing, LOOK } from '#src/slo/replay/format.ts';
import { emptyPair } from '#src/slo/verdict/score/account.ts';

test('every part of a look fits into the byte that names them', () => {
  const all = Object.values(LOOK).reduce((sum, bit) => sum | bit, 0);
  assert.ok(CODE.look + all < 256);
  assert.equal(new Set(Object.values(CODE)).size, Object.keys(CODE).length);
});

test('nothing is nothing in every count', () => {
  assert.equal(isNothing(emptyPair()), true);
  for (const arm of ['canary', 'stable'] as const) {
    for (const field of ['finished', 'bad'] as const) {
      assert.equal(isNothing({ ...emptyPair(), [arm]: { ...emptyArm(), [field]: 1 } }), false);
    }
  }
});
