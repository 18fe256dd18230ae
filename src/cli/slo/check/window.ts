/**
 * Reads the time window of an SLO: whether it is sound, and which of the gateway's periods it is.
 *
 * ```
 * 28d or 4w, rolling                        the rolling budget that every objective has
 * 1w or 7d from a Monday, UTC               calendar week
 * 1M from the first of a month, UTC         calendar month
 * ```
 */

import type { SloConfig } from '../../../model/slo.ts';
import type { Fields } from './fields.ts';
import { valueAt } from './findings.ts';

/** Case matters: m is minutes, M months. */
export const DURATION = /^[1-9]\d*(?:m|h|d|w|M|Q|Y)$/;
const ROLLING = ['28d', '4w'];
const CALENDARS = new Map([
  ['1w', 'week'],
  ['7d', 'week'],
  ['1M', 'month'],
] as const);
const START = /^(\d{4}-\d\d-\d\d)[ T]00:00(?::00)?Z?$/;
const UTC = ['UTC', 'Etc/UTC', 'GMT', 'Z'];
const MONDAY = 1;

/** Says what is wrong with it by itself. */
export function checkWindow(spec: Fields): void {
  for (const window of spec.entries('timeWindow', 'a list of one window', 1)) {
    if (!window.isMapping(['duration', 'isRolling', 'calendar'])) continue;
    const duration = window.text('duration', 'a duration such as 28d');
    if (duration !== null && !DURATION.test(duration)) {
      window.refuse('duration', 'a number and one of m, h, d, w, M, Q, Y', 'case matters: m is minutes, M months');
    } else if (duration?.endsWith('m') === true) {
      const hint = `did you mean ${duration.slice(0, -1)}M?`;
      const flaw = { kind: 'sloNumbers', expected: 'a window of an hour or more: m is minutes', hint } as const;
      window.findings.warn(window.document, [...window.path, 'duration'], flaw);
    }
    const isRolling = window.at('isRolling').value;
    if (isRolling === true && window.has('calendar')) window.refuse('calendar', 'no calendar beside isRolling: true');
    if (isRolling !== true && !window.has('calendar')) window.refuse('calendar', 'a calendar, or isRolling: true');
  }
}

/** The calendar period; null: it rolls. Other windows than the gateway has are warned of, and taken for the nearest that it has. */
export function periodOf(spec: Fields): SloConfig['calendar'] {
  const window = spec.at('timeWindow').at(0);
  const duration = window.at('duration').value;
  if (typeof duration !== 'string') return null;
  const warn = (field: string, expected: string, hint: string): void => {
    window.findings.warn(window.document, [...window.path, field], { kind: 'sloNumbers', expected, hint });
  };
  if (window.at('isRolling').value === true) {
    if (!ROLLING.includes(duration))
      warn('duration', 'a rolling window of 28d, the only one that the gateway has', 'it is read as 28d');
    return null;
  }
  const unit = CALENDARS.get(duration as '1w');
  if (unit === undefined) {
    warn('duration', 'a calendar window of 1w or 1M, the only ones that the gateway has', 'it is read as 28d, rolling');
    return null;
  }
  if (!startsUnit(valueAt(window.value, ['calendar', 'startTime']), unit)) {
    const begin = unit === 'week' ? 'Monday' : 'first of the month';
    warn('calendar', `a startTime of 00:00:00 on a ${begin}, as periods of the gateway begin`, 'it is read so');
  }
  const zone = valueAt(window.value, ['calendar', 'timeZone']);
  if (!UTC.includes(String(zone))) warn('calendar', 'timeZone UTC, as periods of the gateway are', 'it is read so');
  return unit;
}

function startsUnit(start: unknown, unit: 'week' | 'month'): boolean {
  const [, date] = START.exec(String(start)) ?? [];
  if (date === undefined) return false;
  return unit === 'week' ? new Date(`${date}T00:00:00Z`).getUTCDay() === MONDAY : date.endsWith('-01');
}
