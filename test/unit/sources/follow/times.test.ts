import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApplyTimes, ChangeTimes, STAGES } from '#src/sources/follow/times.ts';

describe('the times of a change', () => {
  test('are told by stage once all of them have ended', () => {
    const times = new ChangeTimes(100);
    for (const atMs of [112, 120.04, 121]) times.end(atMs);
    assert.equal(times.stages, null);
    assert.equal(times.tookMs, 21);
    times.end(130.5);
    assert.deepEqual(times.stages, { readMs: 12, parseMs: 8, compileMs: 1, linkMs: 9.5 });
    assert.equal(times.tookMs, 30.5);
    assert.deepEqual(
      Object.keys(times.stages ?? {}),
      STAGES.map((stage) => `${stage}Ms`),
    );
  });

  test('begin with the earliest change that it brings along', () => {
    const [earlier, newest] = [new ChangeTimes(100), new ChangeTimes(150)];
    newest.include(earlier);
    earlier.include(newest);
    for (const times of [earlier, newest]) {
      times.end(160);
      assert.equal(times.tookMs, 60);
    }
  });

  test('are nothing before a stage has ended', () => {
    assert.equal(new ChangeTimes(100).tookMs, 0);
  });
});

test('changes are counted in every bucket that they fit in, and summed', () => {
  const times = new ApplyTimes();
  assert.deepEqual([times.status().lastMs, times.status().count], [null, 0]);
  for (const tookMs of [10, 60, 20_000]) times.add(tookMs);
  const { lastMs, count, sumMs, buckets } = times.status();
  assert.deepEqual([lastMs, count, sumMs], [20_000, 3, 20_070]);
  assert.deepEqual(
    buckets.map((bucket) => bucket.count),
    [1, 1, 1, 2, 2, 2, 2, 2, 2, 2],
  );
  assert.deepEqual([buckets[0]?.leMs, buckets.at(-1)?.leMs], [10, 10_000]);
});
