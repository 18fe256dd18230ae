import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { differences, median, medianBounds, ratios, spreadOf } from '../../../../../bench/macro/report/statistics.ts';

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

  test('bounds of the median are those that binomial tables give, whatever the order', () => {
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => count - n);
    // P(X <= 0) of 6 is 0.0156, P(X <= 2) of 12 is 0.0193 and P(X <= 3) 0.073, P(X <= 5) of 20 is 0.0207: all of 1/2.
    assert.deepEqual(medianBounds(upTo(6)), { low: 1, high: 6 });
    assert.deepEqual(medianBounds(upTo(12)), { low: 3, high: 10 });
    assert.deepEqual(medianBounds(upTo(20)), { low: 6, high: 15 });
    assert.equal(medianBounds(upTo(5)), null);
    assert.equal(medianBounds([]), null);
  });

  test('ratios and differences are taken round by round', () => {
    assert.deepEqual(ratios([2, 9], [1, 3]), [2, 3]);
    assert.deepEqual(differences([2, 9], [1, 3]), [1, 6]);
    assert.throws(() => ratios([1], [1, 2]), /1 rounds against 2/);
    assert.throws(() => differences([1, 2], [1]), /2 rounds against 1/);
  });
});
