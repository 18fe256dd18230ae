import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Check,
  isBoolean,
  isCount,
  isNumber,
  isText,
  listOf,
  oneOf,
  orNull,
  shaped,
} from '#src/compose/fleet/shape.ts';

const CASES: readonly (readonly [name: string, check: Check, right: readonly unknown[], wrong: readonly unknown[]])[] =
  [
    ['text', isText, ['', 'a'], [5, null, undefined, {}]],
    ['number', isNumber, [0, -1.5], [null, '1', Number.NaN, Number.POSITIVE_INFINITY]],
    ['count', isCount, [0, 7], [-1, 0.5, '1', 2 ** 53]],
    ['boolean', isBoolean, [true, false], [0, 'true', null]],
    ['or null', orNull(isText), ['a', null], [undefined, 5]],
    ['one of', oneOf('a', 'b'), ['a', 'b'], ['c', null]],
    ['list', listOf(isCount), [[], [1, 2]], [[1, 'a'], 'ab', { length: 0 }]],
    ['shape', shaped<{ a: string }>({ a: isText }), [{ a: '' }, { a: '', b: 1 }], [{}, null, 'a', []]],
  ];

for (const [name, check, right, wrong] of CASES) {
  test(`${name}: what is and what is not`, () => {
    for (const value of right) assert.equal(check(value), true, JSON.stringify(value));
    for (const value of wrong) assert.equal(check(value), false, JSON.stringify(value));
  });
}
