import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { History, VERSIONS_MAX, type VersionTotals } from '#src/admin/page/history.ts';
import { HISTORY_S } from '#src/admin/page/view/board.ts';
import { bucketIndex, HISTOGRAM_BUCKETS } from '#src/lib/histogram.ts';

/** Totals that grow: `add` counts exchanges of one latency. */
function counted(version: string) {
  const histogram = new Float64Array(HISTOGRAM_BUCKETS);
  let [finished, bad] = [0, 0];
  return {
    add(count: number, badCount: number, ms: number): void {
      finished += count;
      bad += badCount;
      histogram[bucketIndex(ms)] = (histogram[bucketIndex(ms)] as number) + count;
    },
    totals: (): VersionTotals => ({ version, finished, bad, histogram }),
  };
}

suite('history', () => {
  test('keeps how much totals grew in each second, and the p99 of that second alone', () => {
    const history = new History();
    const v1 = counted('v1');
    v1.add(100, 0, 900);
    history.follow(['shop']);
    history.sample(1000, () => [v1.totals()]);
    assert.deepEqual(history.of('shop')?.versions[0]?.finished, [null], 'the first reading is where it begins');
    v1.add(50, 5, 10);
    history.sample(2000, () => [v1.totals()]);
    history.sample(3000, () => [v1.totals()]);
    const shown = history.of('shop');
    assert.deepEqual(shown?.times, [1, 2, 3]);
    const [version] = shown.versions;
    assert.deepEqual(
      [version?.finished, version?.bad],
      [
        [null, 50, 0],
        [null, 5, 0],
      ],
    );
    assert.ok(Math.abs((version?.p99Ms[1] ?? 0) - 10) < 0.2, 'not of what was before');
    assert.equal(version?.p99Ms[2], null, 'a second without traffic has no p99');
    assert.deepEqual(history.latest('shop'), [{ version: 'v1', finished: 0, bad: 0, p99Ms: null }]);
  });

  test('is bounded in seconds, versions and routes', () => {
    const history = new History();
    const versions = Array.from({ length: VERSIONS_MAX + 3 }, (_, n) => counted(`v${n}`));
    history.follow(['shop', 'cart']);
    for (let s = 1; s <= HISTORY_S + 50; s++) {
      for (const one of versions) one.add(1, 0, 5);
      history.sample(s * 1000, () => versions.map((one) => one.totals()));
    }
    const shown = history.of('shop');
    assert.deepEqual([shown?.times.length, shown?.times[0], shown?.times.at(-1)], [HISTORY_S, 51, HISTORY_S + 50]);
    assert.equal(shown?.versions.length, VERSIONS_MAX);
    assert.ok(shown?.versions.every(({ finished }) => finished.every((count) => count === 1)));
    history.follow(['cart']);
    assert.equal(history.of('shop'), null);
    assert.deepEqual(history.latest('shop'), []);
  });

  test('totals that fell are of another cell: a gap, not a negative count', () => {
    const history = new History();
    const old = counted('v1');
    old.add(100, 10, 5);
    history.follow(['shop']);
    history.sample(1000, () => [old.totals()]);
    const fresh = counted('v1');
    fresh.add(3, 0, 5);
    history.sample(2000, () => [fresh.totals()]);
    fresh.add(2, 1, 5);
    history.sample(3000, () => [fresh.totals()]);
    assert.deepEqual(history.of('shop')?.versions[0]?.finished, [null, null, 2]);
  });

  test('a version that appears later is aligned with the others, one that leaves is forgotten', () => {
    const history = new History();
    const [v1, v2] = [counted('v1'), counted('v2')];
    history.follow(['shop']);
    history.sample(1000, () => [v1.totals()]);
    history.sample(2000, () => [v1.totals(), v2.totals()]);
    v2.add(4, 0, 5);
    history.sample(3000, () => [v1.totals(), v2.totals()]);
    assert.deepEqual(
      history.of('shop')?.versions.map(({ finished }) => finished),
      [
        [null, 0, 0],
        [null, null, 4],
      ],
    );
    history.sample(4000, () => [v1.totals()]);
    assert.deepEqual(
      history.of('shop')?.versions.map(({ version }) => version),
      ['v1'],
    );
  });

  test('error ratios are taken together over 15 s, over all versions, newest last', () => {
    const history = new History();
    const [v1, v2] = [counted('v1'), counted('v2')];
    const read = (): VersionTotals[] => [v1.totals(), v2.totals()];
    history.follow(['shop']);
    history.sample(0, read);
    for (let s = 1; s <= 30; s++) {
      if (s > 15) {
        v1.add(9, 0, 5);
        v2.add(1, 1, 5);
      }
      history.sample(s * 1000, read);
    }
    const ratios = history.errorRatios('shop');
    assert.deepEqual(ratios.slice(-3), [null, null, 0.1]);
    assert.equal(ratios.length, 20);
    assert.ok(history.errorRatios('nowhere').every((ratio) => ratio === null));
  });
});
