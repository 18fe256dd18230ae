/** Calendar weeks and months of the wall clock, which may step. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countInto, periodStartMs, startCalendar } from '#src/slo/budget/ledger/calendar.ts';

const DAY_MS = 86_400_000;

/** Start of the month by the platform's own calendar. */
function monthStart(wallMs: number): number {
  const date = new Date(wallMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

function weekStart(wallMs: number): number {
  const date = new Date(wallMs);
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() - sinceMonday);
}

describe('the start of a period', () => {
  it('is that of the platform’s calendar for every day of 150 years, leap years and 2100 among them', () => {
    for (let wallMs = Date.UTC(1960, 0, 1); wallMs < Date.UTC(2110, 0, 1); wallMs += DAY_MS) {
      const noonMs = wallMs + DAY_MS / 2 - 1;
      assert.equal(periodStartMs('month', noonMs), monthStart(noonMs));
      assert.equal(periodStartMs('week', noonMs), weekStart(noonMs));
    }
  });

  it('is itself the first instant of its period', () => {
    const march = Date.UTC(2026, 2, 1);
    assert.equal(periodStartMs('month', march), march);
    assert.equal(periodStartMs('month', march - 1), Date.UTC(2026, 1, 1));
  });
});

describe('counts of a period', () => {
  const november = Date.UTC(2026, 10, 20);
  const december = Date.UTC(2026, 11, 2);
  const add = (counts: ReturnType<typeof startCalendar>, wallMs: number, bad: number) =>
    countInto(counts, 'month', wallMs, { good: 10, bad });

  it('begin anew with the next one', () => {
    let counts = add(startCalendar('month', november), november, 1);
    counts = add(counts, december, 2);
    assert.deepEqual([counts.startMs, counts.good, counts.bad], [Date.UTC(2026, 11, 1), 10, 2]);
  });

  it('lose nothing when a clock that ran ahead is put right', () => {
    let counts = add(startCalendar('month', november), november, 1);
    counts = add(counts, december, 2);
    counts = add(counts, november + 1000, 4);
    assert.deepEqual([counts.startMs, counts.good, counts.bad], [Date.UTC(2026, 10, 1), 30, 7]);
  });

  it('stay when the clock goes back to before anything was counted', () => {
    let counts = add(startCalendar('month', december), december, 1);
    counts = add(counts, november, 2);
    assert.deepEqual([counts.startMs, counts.good, counts.bad], [Date.UTC(2026, 10, 1), 20, 3]);
  });

  it('survive JSON', () => {
    const counts = add(add(startCalendar('month', november), november, 1), december, 2);
    assert.deepEqual(JSON.parse(JSON.stringify(counts)), counts);
  });
});
