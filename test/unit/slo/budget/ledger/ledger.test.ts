/** The events of one objective: nothing before the first, and one sum of what was saved and what was counted meanwhile. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ledger, type SavedLedger } from '#src/slo/budget/ledger/ledger.ts';

const WALL_MS = Date.UTC(2026, 10, 20, 12);
const at = (nowMs: number) => ({ nowMs, wallMs: WALL_MS + nowMs });
const DAY_MS = 86_400_000;

function saved(good: number, bad: number) {
  const ledger = new Ledger();
  ledger.add({ good, bad }, 'month', at(0));
  const bytes = ledger.save(0);
  assert.ok(bytes !== null);
  return bytes;
}

describe('a ledger', () => {
  it('has no ring and nothing to save before its first event', () => {
    const ledger = new Ledger();
    assert.deepEqual([ledger.ring, ledger.save(0)], [null, null]);
    assert.deepEqual(ledger.calendar('month', WALL_MS).good, 0);
  });

  it('goes on with what was saved', () => {
    const ledger = new Ledger();
    ledger.adopt(saved(10, 2), 'month', { nowMs: 5, awayMs: 1000 });
    ledger.add({ good: 1, bad: 1 }, 'month', at(5));
    assert.deepEqual(ledger.ring?.counts('5m'), { good: 11, bad: 3 });
    assert.deepEqual(ledger.calendar('month', WALL_MS).bad, 3);
  });

  it('keeps apart what was there already, and saves only what is', () => {
    const ledger = new Ledger();
    ledger.adopt(saved(10, 2), 'month', { nowMs: 0, awayMs: 0 });
    ledger.keepApart(0);
    ledger.adopt(saved(100, 1), 'month', { nowMs: 0, awayMs: 0 });
    assert.deepEqual(ledger.ring?.counts('28d'), { good: 110, bad: 3 });
    const other = new Ledger();
    other.adopt(ledger.save(0) as SavedLedger, 'month', { nowMs: 0, awayMs: 0 });
    assert.deepEqual(other.ring?.counts('28d'), { good: 10, bad: 2 });
    ledger.settle();
    other.adopt(ledger.save(0) as SavedLedger, 'month', { nowMs: 0, awayMs: 0 });
    assert.deepEqual(other.ring.counts('28d'), { good: 110, bad: 3 });
  });

  it('adds what it kept apart to what was saved, however often that is told', () => {
    const ledger = new Ledger();
    ledger.keepApart(0);
    ledger.adopt(saved(10, 2), 'month', { nowMs: 0, awayMs: 0 });
    ledger.add({ good: 5, bad: 0 }, 'month', at(1000));
    assert.deepEqual(ledger.ring?.counts('28d'), { good: 15, bad: 2 });
    for (const [good, bad] of [
      [10, 2],
      [40, 3],
    ] as const) {
      ledger.adopt(saved(good, bad), 'month', { nowMs: 1000, awayMs: 0 });
      assert.deepEqual(ledger.ring?.counts('28d'), { good: good + 5, bad });
      assert.deepEqual(ledger.ring.totals, { good: good + 5, bad });
      assert.equal(ledger.calendar('month', WALL_MS).good, good + 5);
    }
    ledger.settle();
    ledger.adopt(saved(1, 1), 'month', { nowMs: 1000, awayMs: 0 });
    assert.deepEqual(ledger.ring?.counts('28d'), { good: 1, bad: 1 });
  });

  it('books what it kept apart in the periods in which it happened', () => {
    const ledger = new Ledger();
    ledger.keepApart(0);
    ledger.add({ good: 3, bad: 0 }, 'month', at(0));
    ledger.add({ good: 4, bad: 0 }, 'month', at(15 * DAY_MS));
    ledger.adopt(saved(100, 0), 'month', { nowMs: 15 * DAY_MS, awayMs: 15 * DAY_MS });
    const { good, previous } = ledger.calendar('month', WALL_MS + 15 * DAY_MS);
    assert.deepEqual([good, previous?.good], [4, 103]);
  });

  it('forgets a calendar of other periods, and what is saved of one that is not wanted', () => {
    const ledger = new Ledger();
    ledger.adopt(saved(10, 2), null, { nowMs: 0, awayMs: 0 });
    assert.equal(ledger.save(0)?.calendar, null);
    ledger.add({ good: 1, bad: 0 }, 'week', at(0));
    ledger.forgetCalendar();
    assert.equal(ledger.calendar('month', WALL_MS).good, 0);
  });

  it('stays what it is when the bytes cannot be read', () => {
    const ledger = new Ledger();
    ledger.add({ good: 1, bad: 0 }, null, at(0));
    const broken = { ring: new Uint8Array(3), calendar: null };
    assert.throws(() => ledger.adopt(broken, null, { nowMs: 0, awayMs: 0 }), /cannot be read/);
    assert.deepEqual(ledger.ring?.totals, { good: 1, bad: 0 });
  });
});
