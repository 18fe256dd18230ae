import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isSame } from '#src/model/threads/parsing/same.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

test('says the same as the platform does, of all pairs of plain data', () => {
  const infinite = { after: Number.POSITIVE_INFINITY };
  const values: readonly unknown[] = [
    ...[null, undefined, 0, 1, Number.NaN, '', 'a', true, false, Number.POSITIVE_INFINITY],
    ...[[], [1], [1, 2], [2, 1], [[1]], {}, { a: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2, a: 1 }, { a: undefined }],
    ...[{ a: [1, { b: null }] }, { a: [1, { b: 0 }] }, infinite, { ...infinite }, { length: 0 }, { 0: 1, length: 1 }],
    ...[configOf(SOUND), configOf(SOUND), configOf(SOUND.replace('weight: 5}', 'weight: 6}'))],
  ];
  for (const a of values) {
    for (const b of values)
      assert.equal(isSame(a, b), isDeepStrictEqual(a, b), `${JSON.stringify(a)} ${JSON.stringify(b)}`);
  }
});
