import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byName, sure, toBytes, toMs } from '#src/sources/build/values.ts';

test('a value that is not written is the fallback', () => {
  assert.equal(toMs(undefined, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
  assert.equal(toBytes(undefined, 5), 5);
});

test('a value that is written is in milliseconds or bytes', () => {
  assert.equal(toMs('1m30s', 0), 90_000);
  assert.equal(toMs('0s', 5), 0);
  assert.equal(toBytes('8KiB', 0), 8192);
  assert.equal(toBytes(0, 5), 0);
});

test('a value that no check has seen is a programmer’s error', () => {
  assert.throws(() => toMs('soon', 0), /was not checked/);
  assert.throws(() => toBytes('much', 0), /was not checked/);
  assert.throws(() => sure(undefined), /was not checked/);
  assert.equal(sure(0), 0);
});

test('entries are ordered by their names', () => {
  assert.deepEqual(Object.entries({ b: 1, a: 2, B: 3 }).toSorted(byName), [
    ['B', 3],
    ['a', 2],
    ['b', 1],
  ]);
});
