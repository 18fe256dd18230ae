/** Shares: weight times capacity, and everybody when nobody is left. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offerProbe } from '#src/snapshot/endpoint-dials.ts';
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

describe('the probe of an endpoint that is half-open', () => {
  const ids = (n: number): number => 10 + n;

  it('is taken once, of several workers by one', () => {
    const group = groupOf([1, 1, 1]);
    const other = groupOf([1, 1, 1], 2, group.dials);
    group.set(1, 0);
    offerProbe(group.dials, ids(1), 5);
    const [one, two] = [sharesOf(group), sharesOf(other)];
    const by = {};
    assert.equal(one.takeProbe(by), group.endpoints[1]);
    assert.deepEqual([...(group.endpoints[1]?.probes ?? [])], [[by, 5]]);
    assert.deepEqual([two.takeProbe({}), one.takeProbe({})], [null, null]);
    assert.equal(one.sizes[1], 0, 'it is out for all others');
  });

  it('is not looked for where nobody is out, nor is one that nobody offers', () => {
    const group = groupOf([1, 1]);
    const shares = sharesOf(group);
    assert.equal(shares.takeProbe({}), null);
    group.set(0, 0);
    shares.refresh();
    assert.equal(shares.takeProbe({}), null);
  });

  it('that follows one of which nothing is heard is taken by the same worker too', () => {
    const group = groupOf([1, 1]);
    const [first] = group.endpoints;
    assert.ok(first !== undefined);
    group.set(0, 0);
    offerProbe(group.dials, ids(0), 5);
    const shares = sharesOf(group);
    const [hangs, next] = [{}, {}];
    shares.takeProbe(hangs);
    offerProbe(group.dials, ids(0), 6);
    shares.refresh();
    assert.equal(shares.takeProbe(next), first);
    assert.deepEqual([first.probes?.get(hangs), first.probes?.get(next)], [5, 6]);
    assert.equal(shares.takeProbe({}), null);
  });

  it('is there of each endpoint, one after the other', () => {
    const group = groupOf([1, 1, 1, 1]);
    for (const n of [1, 3]) {
      group.set(n, 0);
      offerProbe(group.dials, ids(n), n);
    }
    const shares = sharesOf(group);
    assert.deepEqual([shares.takeProbe({})?.id, shares.takeProbe({})?.id, shares.takeProbe({})], [11, 13, null]);
  });

  it('costs no memory while there is none', COUNTED, () => {
    const shares = sharesOf(groupOf([1, 2, 3, 4]));
    const by = {};
    const bytes = bytesPerCall(() => shares.takeProbe(by));
    assert.equal(bytes, 0, `${bytes} B`);
  });
});
