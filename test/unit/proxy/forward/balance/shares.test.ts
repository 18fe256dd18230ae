/** Shares: weight times capacity, and everybody when nobody is left. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { groupOf, sharesOf } from '../../../../support/simulate/balancing.ts';

it('sizes are counted in units of the smallest weight', () => {
  const shares = sharesOf(groupOf([10, 30, 15]));
  assert.deepEqual([...shares.sizes], [1, 3, 1.5]);
  assert.deepEqual([shares.count, shares.total, shares.isEven, shares.isPanicking], [3, 5.5, false, false]);
});

it('a capacity takes its part of a share, 0 all of it', () => {
  const group = groupOf([1, 1, 1]);
  group.set(1, 250);
  group.set(2, 0);
  const shares = sharesOf(group);
  assert.deepEqual([...shares.sizes], [1, 0.25, 0]);
  assert.deepEqual([...shares.live.subarray(0, shares.count)], [0, 1]);
  assert.equal(shares.isEven, false);
});

it('are stale once a capacity moved, and not before', () => {
  const group = groupOf([1, 1]);
  const shares = sharesOf(group);
  assert.equal(shares.isStale(), false);
  group.set(0, 1000);
  assert.equal(shares.isStale(), false, 'it was 1000');
  group.set(0, 0);
  assert.equal(shares.isStale(), true);
  shares.refresh();
  assert.deepEqual([shares.isStale(), shares.count], [false, 1]);
});

it('everybody out is a panic: all are used by their weights, until one is back', () => {
  const group = groupOf([1, 2]);
  group.set(0, 0);
  group.set(1, 0);
  const shares = sharesOf(group);
  assert.deepEqual([shares.isPanicking, shares.count, [...shares.sizes]], [true, 2, [1, 2]]);
  group.set(1, 1);
  shares.refresh();
  assert.deepEqual([shares.isPanicking, shares.count, [...shares.sizes]], [false, 1, [0, 0.002]]);
});

it('nobody at all is no panic', () => {
  const shares = sharesOf(groupOf([]));
  assert.deepEqual([shares.isPanicking, shares.count], [false, 0]);
});

it('refresh allocates nothing', COUNTED, () => {
  const shares = sharesOf(groupOf([1, 2, 3, 4]));
  const bytes = bytesPerCall(() => shares.refresh());
  assert.equal(bytes, 0, `${bytes} B`);
});

it('an endpoint that is back in begins without history', () => {
  const group = groupOf([1, 1]);
  const [one] = group.endpoints;
  assert.ok(one !== undefined);
  one.observe(700, 0);
  const shares = sharesOf(group);
  assert.ok(one.load(0) > 600);
  group.set(0, 0);
  shares.refresh();
  group.set(0, 100);
  shares.refresh();
  assert.ok(one.load(0) < 1);
});
