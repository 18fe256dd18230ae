import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, quote, wrongType } from '#src/sources/problems/fault.ts';

test('a value is described in a few words', () => {
  for (const [value, words] of [
    [undefined, 'nothing'],
    [null, 'null'],
    ['a\n"b"', '"a\\n\\"b\\""'],
    [-1.5, '-1.5'],
    [true, 'true'],
    [[], 'an empty list'],
    [[1, 2], 'a list of 2'],
    [{ a: 1 }, 'a mapping'],
  ] as const) {
    assert.equal(describe(value), words);
  }
});

test('long text is cut', () => {
  assert.equal(quote('a'.repeat(60)), `"${'a'.repeat(60)}"`);
  assert.equal(quote('a'.repeat(61)), `"${'a'.repeat(60)}…"`);
});

test('what is not there is missing, what is null says why', () => {
  assert.equal(wrongType('a list', undefined).kind, 'missing');
  assert.deepEqual(wrongType('a list', null), {
    kind: 'type',
    expected: 'a list',
    hint: 'a field with nothing after its colon is null',
  });
  assert.equal(wrongType('a list', 5, 'own').hint, 'own');
});
