/** Windows of 28 days in 12 KB: exact, whatever the gaps, the clock and the restarts do. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SluiceError } from '#src/model/problem.ts';
import { RING_BYTES, Ring, WINDOW_MS, WINDOWS } from '#src/slo/budget/ring.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function badCounts(ring: Ring): number[] {
  return WINDOWS.map((window) => ring.counts(window).bad);
}

describe('a ring', () => {
  it('takes at most 12 KB', () => {
    assert.ok(RING_BYTES <= 12 * 1024, String(RING_BYTES));
    assert.ok(new Ring(0).toBytes().byteLength <= 12 * 1024);
  });

  it('has every window from the first event on', () => {
    const ring = new Ring(123_456_789.25);
    ring.add(123_456_789.25, 7, 2);
    for (const window of WINDOWS) assert.deepEqual(ring.counts(window), { good: 7, bad: 2 });
    assert.deepEqual(ring.totals, { good: 7, bad: 2 });
  });

  it('says when its windows slide next, also after a restart', () => {
    const ring = new Ring(12_345.5);
    assert.equal(ring.slotEndsAtMs, 20_000);
    ring.advance(19_999);
    const before = ring.slot;
    ring.advance(ring.slotEndsAtMs);
    assert.equal(ring.slot, before + 1);
    assert.equal(ring.slotEndsAtMs, 30_000);
    const restored = Ring.fromBytes(ring.toBytes(), 500, 3000);
    assert.equal(restored.slotEndsAtMs, 7500, 'it goes on at 23,000 by its own time');
  });

  it('lets an event go from each window between W - slot and W later', () => {
    const slotMs = [10_000, 60_000, 60_000, 60_000, 600_000, HOUR_MS];
    for (const [index, window] of WINDOWS.entries()) {
      const ring = new Ring(5000);
      ring.add(5000, 0, 1);
      const lengthMs = WINDOW_MS[window];
      ring.advance(5000 + lengthMs - (slotMs[index] as number) - 1);
      assert.equal(ring.counts(window).bad, 1, window);
      ring.advance(5000 + lengthMs);
      assert.equal(ring.counts(window).bad, 0, window);
    }
  });

  it('is empty after a gap longer than each window, however long', () => {
    for (const gapMs of [29 * DAY_MS, 365 * DAY_MS, 1e15]) {
      const ring = new Ring(0);
      for (let n = 0; n < 100; n++) ring.add(n * 61_000, 5, 1);
      ring.advance(gapMs);
      assert.deepEqual(badCounts(ring), [0, 0, 0, 0, 0, 0]);
      ring.add(gapMs + 1, 1, 1);
      assert.deepEqual(badCounts(ring), [1, 1, 1, 1, 1, 1]);
      assert.deepEqual(ring.totals, { good: 501, bad: 101 });
    }
  });

  it('does not move when the clock steps back, and counts what came as now', () => {
    const ring = new Ring(HOUR_MS);
    ring.add(HOUR_MS, 1, 0);
    ring.add(0, 0, 1);
    ring.add(Number.NaN, 0, 1);
    assert.deepEqual(ring.counts('5m'), { good: 1, bad: 2 });
  });

  it('says what a slot could not hold', () => {
    const ring = new Ring(0);
    ring.add(0, 0, 2 ** 32 - 1);
    assert.equal(ring.saturated, 0);
    ring.add(0, 0, 10);
    assert.equal(ring.counts('5m').bad, 2 ** 32 - 1);
    // Once in each of four tiers.
    assert.equal(ring.saturated, 40);
    ring.advance(40 * DAY_MS);
    assert.deepEqual(badCounts(ring), [0, 0, 0, 0, 0, 0]);
  });

  it('tells when windows may have slid', () => {
    const ring = new Ring(0);
    const { slot } = ring;
    ring.advance(9999);
    assert.equal(ring.slot, slot);
    ring.advance(10_000);
    assert.equal(ring.slot, slot + 1);
  });
});

describe('bytes of a ring', () => {
  function filled(): Ring {
    const ring = new Ring(1000);
    for (let n = 0; n < 5000; n++) ring.add(1000 + n * 400_321, 1000 + n, n % 7);
    return ring;
  }

  it('give back the same windows on another clock', () => {
    const ring = filled();
    const back = Ring.fromBytes(ring.toBytes(), 77, 0);
    for (const window of WINDOWS) assert.deepEqual(back.counts(window), ring.counts(window), window);
    assert.deepEqual(back.totals, ring.totals);
    assert.deepEqual(back.toBytes(), ring.toBytes());
  });

  it('go on as if the process had never been away', () => {
    const ring = filled();
    const savedAtMs = 1000 + 4999 * 400_321;
    const awayMs = 5 * HOUR_MS + 123;
    const back = Ring.fromBytes(ring.toBytes(), 50, awayMs);
    for (let n = 1; n < 400; n++) {
      ring.add(savedAtMs + awayMs + n * 700_001, 3, 1);
      back.add(50 + n * 700_001, 3, 1);
      for (const window of WINDOWS) assert.deepEqual(back.counts(window), ring.counts(window), window);
    }
  });

  it('lose nothing to a wall clock that stepped back meanwhile', () => {
    const ring = filled();
    const back = Ring.fromBytes(ring.toBytes(), 0, -DAY_MS);
    for (const window of WINDOWS) assert.deepEqual(back.counts(window), ring.counts(window), window);
  });

  it('are refused when they are not a whole ring of this format', () => {
    const good = new Ring(0).toBytes();
    const other = good.slice();
    other[4] = 9;
    const nan = good.slice();
    nan.fill(0xff, 8, 16);
    for (const bytes of [new Uint8Array(0), new Uint8Array(20_000), good.slice(0, 100), other, nan]) {
      assert.throws(
        () => Ring.fromBytes(bytes, 0, 0),
        (error) => error instanceof SluiceError && error.code === 'SLU_STATE_INVALID',
      );
    }
  });

  it('may lie anywhere in a larger buffer', () => {
    const bytes = filled().toBytes();
    const shifted = new Uint8Array(bytes.byteLength + 3);
    shifted.set(bytes, 3);
    assert.deepEqual(Ring.fromBytes(shifted.subarray(3), 0, 0).totals, filled().totals);
  });
});
