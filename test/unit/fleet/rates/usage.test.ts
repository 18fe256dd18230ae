/** What the main thread reads and writes in the table that the workers count in. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FleetUsage } from '#src/fleet/rates/usage.ts';
import { reserveRates } from '#src/model/overload.ts';
import { type Rate, Rates, rateOf } from '#src/proxy/decide/rate/rates.ts';

function rig(requests = 1, burst = 5) {
  const memory = reserveRates();
  const rate = rateOf(7, { requests, perMs: 1000, burst, scope: 'fleet' });
  const usage = new FleetUsage(memory);
  usage.follow([rate]);
  const rates = new Rates(memory);
  const ask = (key: number, count: number, nowMs = 0, of: Rate = rate): number => {
    let through = 0;
    for (let n = 0; n < count; n++) if (rates.take(of, key, nowMs) === 0) through += 1;
    return through;
  };
  return { memory, rate, usage, rates, ask };
}

describe('usage', () => {
  it('is told once, the busiest keys first, and what is too much waits', () => {
    const { usage, ask } = rig();
    for (const [key, count] of [
      [1, 2],
      [2, 5],
      [3, 1],
      [4, 4],
    ] as const) {
      ask(key, count);
    }
    const { usages, leftCount } = usage.take(2, 0);
    assert.deepEqual([usages.map(({ count }) => count), leftCount], [[5, 4], 2]);
    const rest = usage.take(2, 0);
    assert.deepEqual([new Set(rest.usages.map(({ count }) => count)), rest.leftCount], [new Set([1, 2]), 0]);
    assert.deepEqual(usage.take(2, 9000), { usages: [], leftCount: 0 });
  });

  it('leaves room to ask about keys without all of their burst, those with least of it first', () => {
    const { usage, ask } = rig();
    for (const [key, count] of [
      [1, 2],
      [2, 5],
      [3, 1],
      [4, 4],
    ] as const) {
      ask(key, count);
    }
    const tags = usage
      .take(9, 0)
      .usages.toSorted((a, b) => b.count - a.count)
      .map(({ tag }) => tag);
    const tagsAt = (max: number, nowMs: number) => usage.take(max, nowMs).usages.map(({ tag }) => tag);
    assert.deepEqual(tagsAt(2, 0), tags.slice(0, 2));
    assert.deepEqual(new Set(tagsAt(9, 3500)), new Set(tags.slice(0, 2)));
    ask(3, 1, 3500);
    assert.deepEqual(tagsAt(2, 3500), [tags[3], tags[0]], 'those that counted go first');
  });

  it('that was taken back is told as such', () => {
    const { usage, rates, rate, ask } = rig();
    ask(1, 1);
    usage.take(9, 0);
    rates.giveBack(rate, 1, 0);
    assert.deepEqual(
      usage.take(9, 0).usages.map(({ count }) => count),
      [-1],
    );
  });

  it('of limits that the configuration does not have is not told', () => {
    const { usage, ask } = rig();
    ask(1, 3);
    usage.follow([]);
    assert.deepEqual(usage.take(9, 0).usages, []);
  });

  it('of the gateway alone is none of the fleet', () => {
    const { usage, ask } = rig();
    ask(1, 1, 0, rateOf(7, { requests: 1, perMs: 1000, burst: 5, scope: 'gateway' }));
    assert.deepEqual(usage.take(9, 0).usages, []);
  });
});

describe('a key', () => {
  it('is put off by what the fleet says and by what was let through meanwhile', () => {
    const { usage, ask } = rig();
    assert.equal(ask(1, 1), 1);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    assert.equal(ask(1, 1), 1, 'while the fleet is asked');
    // Three requests at once so far, and one since.
    usage.putOff(one, 2990, 0);
    assert.equal(ask(1, 9), 1);
    assert.equal(ask(1, 9, 1001), 1);
  });

  it('is never let through sooner than by its own limit', () => {
    const { usage, ask } = rig();
    ask(1, 5);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    usage.putOff(one, 0, 0);
    assert.equal(ask(1, 1), 0);
  });

  it('that is put off is asked about until it has all of its burst', () => {
    const { usage, ask } = rig();
    ask(1, 1);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    usage.putOff(one, 8000, 0);
    for (const [atMs, asked] of [
      [1000, [0]],
      [7900, [0]],
      [8100, []],
    ] as const) {
      assert.deepEqual(
        usage.take(9, atMs).usages.map(({ count }) => count),
        asked,
        `${atMs}`,
      );
    }
    assert.deepEqual(usage.take(9, 60_000).usages, [], 'nor long after');
  });

  it('is put off by two bursts and a second at most', () => {
    for (const [requests, burst] of [
      [1, 5],
      [1000, 1],
      [1, 1_000_000],
    ] as const) {
      const { usage, ask } = rig(requests, burst);
      ask(1, 1);
      const [one = assert.fail()] = usage.take(9, 0).usages;
      usage.putOff(one, 1e15, 0);
      const mostMs = (2 * burst * 1000) / requests + 1000;
      const stepMs = 1000 / requests;
      const freeMs = mostMs - burst * stepMs + stepMs;
      assert.equal(ask(1, 1, freeMs - Math.max(2, freeMs / 1000)), 0, `${requests} ${burst}`);
      assert.equal(ask(1, 1, freeMs + Math.max(2, freeMs / 1000)), 1, `${requests} ${burst}`);
    }
  });

  it('is put off no further by what was let through while an answer took seconds', () => {
    const { usage, ask } = rig(1000, 1000);
    ask(1, 1);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    ask(1, 1000, 0);
    for (let ms = 1; ms < 9000; ms++) ask(1, 2, ms);
    // Of nine seconds and a burst: more than fits into times of 32 bits.
    usage.putOff(one, 3000, 9000);
    assert.deepEqual([ask(1, 1, 9001), ask(1, 1, 10_990), ask(1, 1, 11_010)], [0, 0, 1]);
  });

  it('that was not used for long is put off as any other', () => {
    const { usage, ask } = rig(1000, 1000);
    ask(1, 1);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    usage.putOff(one, 2000, 10_000);
    assert.deepEqual([ask(1, 9, 10_001), ask(1, 1, 11_010)], [0, 1]);
  });

  it('whose place was given away is left alone', () => {
    const { memory, usage, rates, rate } = rig(1, 1);
    rates.take(rate, 1, 0);
    const [one = assert.fail()] = usage.take(9, 0).usages;
    for (let key = 2; key < 200_000; key++) rates.take(rate, key, 0);
    const before = new Int32Array(memory.slice(0));
    usage.putOff(one, 9000, 0);
    assert.deepEqual(new Int32Array(memory), before);
  });
});
