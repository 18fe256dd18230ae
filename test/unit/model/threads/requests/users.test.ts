/** Marking users in a second: bitmaps that keep everybody, and a ring of the latest news. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  UNIT_BAD,
  UNIT_BITS,
  UNIT_COUNT,
  UNIT_NEWS,
  UNIT_NEWS_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '#src/model/tallies.ts';
import { markUser, secondAt } from '#src/model/threads/requests/users.ts';

const UNIT = 1;
const SECOND = 5;

function memory(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(3 * UNIT_WORDS * 4));
}

function bitsAt(units: Int32Array, from: number, length: number): number[] {
  return Array.from({ length }, (_, bit) => bit).filter(
    (bit) => ((units[from + (bit >> 5)] as number) & (1 << (bit & 31))) !== 0,
  );
}

describe('users of a second', () => {
  it('are seen once, and bad when they ever failed, also later', () => {
    const units = memory();
    const base = secondAt(units, UNIT, SECOND);
    for (const bit of [0, 31, 32, UNIT_BITS - 1, 31]) markUser(units, base, bit, false);
    for (const bit of [32, 32, 4711]) markUser(units, base, bit, true);
    assert.equal(units[base], SECOND);
    assert.deepEqual(bitsAt(units, base + UNIT_SEEN, UNIT_BITS), [0, 31, 32, 4711, UNIT_BITS - 1]);
    assert.deepEqual(bitsAt(units, base + UNIT_BAD, UNIT_BITS), [32, 4711]);
  });

  it('are news when they are seen first, and when they fail first', () => {
    const units = memory();
    const base = secondAt(units, UNIT, SECOND);
    for (const [bit, isBad] of [
      [9, false],
      [3, true],
      [9, false],
      [9, true],
      [0, false],
      [3, true],
    ] as const) {
      markUser(units, base, bit, isBad);
    }
    assert.equal(units[base + UNIT_COUNT], 5);
    assert.deepEqual([...units.subarray(base + UNIT_NEWS, base + UNIT_NEWS + 5)], [9, 3, ~3, ~9, 0]);
  });

  it('that are more than there is room for take the places of the first news, and nothing beyond', () => {
    const units = memory();
    const base = secondAt(units, UNIT, SECOND);
    for (let bit = 0; bit < UNIT_NEWS_WORDS + 2; bit++) markUser(units, base, bit, false);
    assert.equal(units[base + UNIT_COUNT], UNIT_NEWS_WORDS + 2);
    const news = units.subarray(base + UNIT_NEWS, base + UNIT_NEWS + UNIT_NEWS_WORDS);
    assert.deepEqual([...news.subarray(0, 3)], [UNIT_NEWS_WORDS, UNIT_NEWS_WORDS + 1, 2]);
    assert.equal(news.at(-1), UNIT_NEWS_WORDS - 1);
    assert.equal(units[base + UNIT_SECOND_WORDS], 0);
  });

  it('are gone when their place is taken by another second', () => {
    const units = memory();
    markUser(units, secondAt(units, UNIT, SECOND), 7, true);
    const base = secondAt(units, UNIT, SECOND + UNIT_SECONDS);
    markUser(units, base, 8, false);
    assert.equal(units[base], SECOND + UNIT_SECONDS);
    assert.equal(units[base + UNIT_COUNT], 1);
    assert.deepEqual(bitsAt(units, base + UNIT_SEEN, UNIT_BITS), [8]);
    assert.deepEqual(bitsAt(units, base + UNIT_BAD, UNIT_BITS), []);
  });

  it('are those of their own unit and second', () => {
    const units = memory();
    markUser(units, secondAt(units, UNIT, SECOND), 7, true);
    const base = UNIT * UNIT_WORDS + (SECOND % UNIT_SECONDS) * UNIT_SECOND_WORDS;
    units.fill(0, base, base + UNIT_SECOND_WORDS);
    assert.ok(units.every((word) => word === 0));
  });
});
