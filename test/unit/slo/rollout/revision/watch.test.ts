import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type RouteCounts, RouteRecord } from '#src/slo/rollout/revision/record.ts';
import { FLOOR, RouteWatch, upperBound } from '#src/slo/rollout/revision/watch.ts';

const counts = (finished: number, bad: number, missing = 0): RouteCounts => ({
  finished,
  bad,
  answered: finished,
  turnedAway: bad + missing,
});
const recordOf = (...blocks: readonly RouteCounts[]): RouteRecord => {
  const record = new RouteRecord();
  for (const block of blocks) record.add(block, 10_000);
  return record;
};
const watchOf = (record: RouteRecord, unchanged: RouteCounts | null = null): RouteWatch =>
  new RouteWatch({ record, unchanged, delta: 1e-5 }, 0);

suite('the upper bound of a share', () => {
  test('is above it with the chance that was asked for: summed over all outcomes', () => {
    const delta = 0.01;
    for (const [n, p] of [
      [20, 0.1],
      [50, 0.02],
      [50, 0.5],
      [200, 0.005],
    ] as const) {
      let missed = 0;
      let logOf = n * Math.log1p(-p);
      for (let x = 0; x <= n; x++) {
        if (upperBound(n, x, delta) < p) missed += Math.exp(logOf);
        logOf += Math.log(((n - x) / (x + 1)) * (p / (1 - p)));
      }
      assert.ok(missed <= delta, `${n} ${p}: ${missed}`);
    }
  });

  test('of nothing seen is (1/delta)^(-1/n), and of nothing at all 1', () => {
    assert.ok(Math.abs(upperBound(1500, 0, 1e-5) - (1 - 1e-5 ** (1 / 1500))) < 1e-9);
    assert.equal(upperBound(0, 0, 1e-5), 1);
    assert.ok(upperBound(100, 100, 1e-5) > 0.999);
  });
});

suite('evidence against a configuration', () => {
  const sound = recordOf(counts(5000, 5));

  test('tolerates the floor, twice the bound, or the worst that was', () => {
    assert.equal(watchOf(recordOf(counts(100_000, 1))).limitOf('errors'), FLOOR);
    const bound = 2 * upperBound(1000, 100, 1e-5);
    assert.equal(watchOf(recordOf(counts(1000, 100))).limitOf('errors'), bound);
    assert.equal(watchOf(recordOf(counts(10_000, 0), counts(100, 60))).limitOf('errors'), 0.6);
    assert.equal(watchOf(recordOf(counts(20, 20))).limitOf('errors'), 0.9);
  });

  test('grows with failures on this route alone, and not where all fail', () => {
    const [alone, shared] = [watchOf(sound, counts(5000, 5)), watchOf(sound, counts(5000, 5))];
    for (let tick = 0; tick < 20; tick++) {
      alone.add(counts(5, 5), counts(5, 0));
      shared.add(counts(5, 5), counts(5, 5));
    }
    assert.ok(alone.judge(2000).logE > 20, String(alone.judge(2000).logE));
    assert.ok(shared.judge(2000).logE < 0.5, String(shared.judge(2000).logE));
    assert.ok(shared.logRise > 20, 'it has risen, but not alone');
    assert.deepEqual(alone.judge(2000).failed, 100);
  });

  test('waits for the other arm: what one has alone in a tick is judged with the next of both', () => {
    const [together, apart] = [watchOf(sound, counts(5000, 5)), watchOf(sound, counts(5000, 5))];
    together.add(counts(6, 6), counts(3, 0));
    apart.add(counts(2, 2), counts(0, 0));
    apart.add(counts(4, 4), counts(3, 0));
    assert.ok(Math.abs(together.judge(0).logE - apart.judge(0).logE) < 1e-9);
  });

  test('takes answers of 4xx only where good ones broke off', () => {
    const scanned = watchOf(sound, counts(5000, 5));
    const moved = watchOf(sound, counts(5000, 5));
    for (let tick = 0; tick < 20; tick++) {
      scanned.add(counts(150, 0, 100), counts(50, 0));
      moved.add(counts(50, 0, 50), counts(50, 0));
    }
    assert.ok(scanned.judge(2000).logE < 0);
    const { logE, track } = moved.judge(2000);
    assert.deepEqual([track, logE > 20], ['refusals', true]);
    assert.ok(moved.judge(900).logE < 0, 'a rate takes a second');
  });

  test('is divided by how much failures clustered before', () => {
    const blocks = Array.from({ length: 16 }, (_, n) => counts(500, n % 8 === 0 ? 20 : 0));
    const clustered = watchOf(recordOf(...blocks));
    const spread = watchOf(recordOf(...blocks.map(() => counts(500, 2.5)), counts(500, 20)));
    for (const watch of [clustered, spread]) watch.add(counts(20, 20), counts(0, 0));
    assert.ok(clustered.judge(0).logE < spread.judge(0).logE / 2);
  });
});
