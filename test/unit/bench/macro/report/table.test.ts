import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { align, fixed, percent, rangeText, spreadText } from '../../../../../bench/macro/report/table.ts';

describe('numbers in a table', () => {
  test('are rounded, and a dash where there is none', () => {
    assert.equal(fixed(1.005, 1), '1.0');
    assert.equal(percent(0.974), '97 %');
    for (const nothing of [null, Number.NaN]) {
      assert.equal(fixed(nothing, 2), '-');
      assert.equal(percent(nothing), '-');
    }
  });

  test('show their range', () => {
    const spread = { median: 1, min: 0.98, max: 1.049 };
    assert.equal(rangeText(spread, 2), '0.98..1.05');
    assert.equal(spreadText(spread, 2), '1.00 (0.98..1.05)');
  });
});

describe('align', () => {
  test('gives every column the width of its longest cell', () => {
    const text = align([
      ['name', 'us'],
      ['a', '10.0'],
      ['long one', '-'],
    ]);
    assert.deepEqual(text.split('\n'), ['name        us', 'a         10.0', 'long one     -']);
  });
});
