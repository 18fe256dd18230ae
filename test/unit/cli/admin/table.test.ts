import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '#src/cli/admin/table.ts';

const ROWS = [
  ['', 'weight', 'by'],
  ['shop v1', '5', 'route'],
];

test('columns are as wide as their widest cell, without blanks at the end', () => {
  assert.deepEqual(table(ROWS), ['         weight  by', 'shop v1  5       route']);
  assert.deepEqual(table([...ROWS, ['x']]), ['         weight  by', 'shop v1  5       route', 'x']);
});

test('numbers are read from the right, names from the left', () => {
  assert.deepEqual(table(ROWS, 'right'), ['         weight     by', 'shop v1       5  route']);
  assert.deepEqual(table([]), []);
});
