import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cumulate } from '#src/export/exposition/buckets.ts';
import { cellOf } from '../../../support/readings/cells.ts';

const SEMCONV = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The finite buckets, and the count of the last one. */
function split(...asked: Parameters<typeof cumulate>) {
  const buckets = cumulate(...asked);
  assert.equal(buckets.at(-1)?.le, Infinity);
  return { finite: buckets.slice(0, -1), total: buckets.at(-1)?.count ?? Number.NaN };
}

/** Deterministic latencies over five decades, 0.05 ms to 5,000 ms and beyond. */
function latencies(seed: number, count: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.05 * 10 ** ((state / 2 ** 32) * 5.5);
  });
}

suite('buckets', () => {
  test('the boundaries are those of the semantic conventions', () => {
    const { finite, total } = split(cellOf([]), Infinity);
    assert.deepEqual(
      finite.map((bucket) => bucket.le),
      SEMCONV,
    );
    assert.ok(finite.every((bucket) => bucket.count === 0));
    assert.equal(total, 0);
  });

  test('a threshold is one more boundary, unless it is one already', () => {
    const leOf = (slowMs: number) => split(cellOf([]), slowMs).finite.map((bucket) => bucket.le);
    assert.deepEqual(
      leOf(300),
      [...SEMCONV, 0.3].sort((a, b) => a - b),
    );
    assert.deepEqual(leOf(250), SEMCONV);
    assert.deepEqual(leOf(60_000), [...SEMCONV, 60]);
  });

  test('counts differ from the truth only by latencies within 2.2 % of the boundary', () => {
    const values = latencies(7, 20_000);
    const { finite, total } = split(cellOf(values), Infinity);
    assert.equal(total, values.length);
    for (const { le: leSeconds, count } of finite) {
      const least = values.filter((ms) => ms <= leSeconds * 1000 * 0.978).length;
      const most = values.filter((ms) => ms <= leSeconds * 1000 * 1.011).length;
      assert.ok(least <= count && count <= most, `le ${leSeconds}: ${least} <= ${count} <= ${most}`);
    }
  });

  test("the threshold's bucket is the exact counter, and counts never fall", () => {
    for (const slowMs of [1, 4.99, 5.01, 50.3, 100, 247, 250, 253, 299.7, 9999, 20_000]) {
      const values = [...latencies(11, 5000), slowMs, slowMs * 1.0001, slowMs * 0.9999];
      const { finite, total } = split(cellOf(values, slowMs), slowMs);
      const exact = finite.find((bucket) => bucket.le === slowMs / 1000);
      assert.equal(exact?.count, values.filter((ms) => ms <= slowMs).length, `threshold ${slowMs}`);
      let before = 0;
      for (const { count } of finite) {
        assert.ok(count >= before && count <= total);
        before = count;
      }
    }
  });

  test('the longest latencies are in +Inf alone', () => {
    const { finite, total } = split(cellOf([11_000, 90_000, 10_000_000]), Infinity);
    assert.equal(finite.at(-1)?.count, 0);
    assert.equal(total, 3);
  });
});
