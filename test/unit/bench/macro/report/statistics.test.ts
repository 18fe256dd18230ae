import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { median, range, ratios } from '../../../../bench/macro/statistics.ts';

describe('statistics', () => {
  test('the median is the middle, or the mean of the two in the middle', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([10, 9]), 9.5);
  });

  test('no values have no median and no range', () => {
    assert.ok(Number.isNaN(median([])));
    assert.ok(range([]).every(Number.isNaN));
  });

  test('ratios are taken round by round', () => {
    assert.deepEqual(ratios([2, 9], [1, 3]), [2, 3]);
    assert.throws(() => ratios([1], [1, 2]), /1 rounds against 2/);
  });
});
