import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { differences, median, ratios, spreadOf } from '../../../../../bench/macro/report/statistics.ts';

describe('statistics', () => {
  test('the median is the middle, or the mean of the two in the middle', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([10, 9]), 9.5);
  });

  test('a spread has lowest and highest with the median', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  });

  test('no values have no median and no range', () => {
    assert.ok(Number.isNaN(median([])));
    assert.ok(Object.values(spreadOf([])).every(Number.isNaN));
  });

  test('ratios and differences are taken round by round', () => {
    assert.deepEqual(ratios([2, 9], [1, 3]), [2, 3]);
    assert.deepEqual(differences([2, 9], [1, 3]), [1, 6]);
    assert.throws(() => ratios([1], [1, 2]), /1 rounds against 2/);
    assert.throws(() => differences([1, 2], [1]), /2 rounds against 1/);
  });
});
