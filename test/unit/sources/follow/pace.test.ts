import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BACKOFF_MS_MAX, backoffMs, CALM_MS, Pace, QUICK_MS, spreadMs } from '#src/sources/follow/pace.ts';

test('the wait after a failure doubles up to its limit, half of it drawn', () => {
  assert.deepEqual(
    [1, 2, 3].map((failures) => backoffMs(failures, 0)),
    [100, 200, 400],
  );
  assert.equal(backoffMs(1, 0.5), 150);
  for (const failures of [7, 50, 1e9])
    assert.deepEqual([backoffMs(failures, 0), backoffMs(failures, 1)], [5000, BACKOFF_MS_MAX]);
});

test('a comparison is spread by a tenth to either side', () => {
  assert.deepEqual([spreadMs(1000, 0), spreadMs(1000, 0.5)], [900, 1000]);
});

describe('the pace of changes', () => {
  test('is quick after a quiet time, and slows down in a storm', () => {
    const pace = new Pace();
    const waits: number[] = [];
    for (let nowMs = 0, i = 0; i < 12; i++) {
      waits.push(pace.next(nowMs));
      nowMs += (waits.at(-1) as number) + 5;
    }
    assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000, 1000]);
  });

  test('is as slow as it is told to be', () => {
    const pace = new Pace();
    const waits = Array.from({ length: 6 }, () => pace.next(0, 100));
    assert.deepEqual(waits, [10, 20, 40, 80, 100, 100]);
    assert.equal(pace.next(201, 100), QUICK_MS);
  });

  test('is quick again after a second of quiet', () => {
    const pace = new Pace();
    for (let nowMs = 0; nowMs < 5000; nowMs += 100) pace.next(nowMs);
    assert.equal(pace.next(5000 + 2 * CALM_MS + 1), QUICK_MS);
  });
});
