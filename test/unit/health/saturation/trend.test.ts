import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trend } from '#src/health/saturation/trend.ts';

test('nothing has lasted before as many looks as are kept', () => {
  const trend = new Trend(3);
  assert.deepEqual([trend.lasting, trend.least], [0, 0]);
  trend.add(9);
  trend.add(8);
  assert.deepEqual([trend.lasting, trend.least], [0, 8]);
  trend.add(10);
  assert.equal(trend.lasting, 8);
});

test('what lasts is the least of the last looks: a peak does not, and a lull ends it', () => {
  const trend = new Trend(3);
  for (const value of [1, 500, 1, 1]) trend.add(value);
  assert.equal(trend.lasting, 1);
  for (const value of [500, 400, 600]) trend.add(value);
  assert.equal(trend.lasting, 400);
  trend.add(2);
  assert.equal(trend.lasting, 2);
});
