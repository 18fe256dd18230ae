/**
 * Counts of the current calendar week or month, for reports; alerts and policy stay with the rolling window.
 *
 * A week begins on Monday, a month on its first day, both at 00:00 UTC. The period is the wall clock's, which may step:
 *
 * - forward over a boundary: a new period begins, and the one before is remembered;
 * - back again: the two are one, nothing is lost;
 * - to before the remembered one: the counts stay and the period is renamed.
 *
 * So a clock that is wrong for a while and put right leaves exactly the counts of the true period.
 * Source: days to civil date and back, H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */

import type { WindowCounts } from '../ring.ts';

export type CalendarUnit = 'week' | 'month';

/** What was counted since `startMs`, and in the period before. Plain data: may be stored as JSON. */
export interface CalendarCounts extends WindowCounts {
  /** Wall clock, ms since 1970. */
  readonly startMs: number;
  readonly previous: (WindowCounts & { readonly startMs: number }) | null;
}

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const DAYS_FROM_MONDAY = 3;

/** Start of the period that `wallMs` lies in. */
export function periodStartMs(unit: CalendarUnit, wallMs: number): number {
  const day = Math.floor(wallMs / DAY_MS);
  if (unit === 'week') return (Math.floor((day + DAYS_FROM_MONDAY) / 7) * 7 - DAYS_FROM_MONDAY) * DAY_MS;
  return (day - dayOfMonth(day) + 1) * DAY_MS;
}

/** An empty period around `wallMs`. */
export function startCalendar(unit: CalendarUnit, wallMs: number): CalendarCounts {
  return { startMs: periodStartMs(unit, wallMs), good: 0, bad: 0, previous: null };
}

/** The counts with `good` and `bad` events of now added, in the period of `wallMs`. */
export function countInto(
  counts: CalendarCounts,
  unit: CalendarUnit,
  wallMs: number,
  { good, bad }: WindowCounts,
): CalendarCounts {
  const current = inPeriod(counts, periodStartMs(unit, wallMs));
  return { ...current, good: current.good + good, bad: current.bad + bad };
}

/** What was counted before, and then apart from it: as if it had been counted in one. */
export function joined(before: CalendarCounts, since: CalendarCounts, unit: CalendarUnit): CalendarCounts {
  const { previous } = since;
  const first = previous === null ? before : countInto(before, unit, previous.startMs, previous);
  return countInto(first, unit, since.startMs, since);
}

function inPeriod(counts: CalendarCounts, startMs: number): CalendarCounts {
  const { previous } = counts;
  if (startMs === counts.startMs) return counts;
  if (startMs > counts.startMs) {
    return { startMs, good: 0, bad: 0, previous: { startMs: counts.startMs, good: counts.good, bad: counts.bad } };
  }
  if (previous === null) return { ...counts, startMs };
  // Back at or before the one remembered: what came after it belongs to it.
  return { startMs, good: counts.good + previous.good, bad: counts.bad + previous.bad, previous: null };
}

/** 1..31. @param day days since 1970-01-01 */
function dayOfMonth(day: number): number {
  // Years begin in March here, so that the leap day is the last of a year.
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const year = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  return dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
}
