/**
 * Times as operators write them: durations, `300ms`, `10s`, `1m30s`, and instants, `2026-11-21T10:00:00Z`.
 *
 * A duration is one to four integers of at most five digits with the units h, m, s, ms, in any order, added up.
 * Source: Kubernetes Gateway API, GEP-2257 (duration format); RFC 3339 (instants).
 */

import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const DURATION = /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** JSON Schema of a duration. */
export const DURATION_META = { type: 'string', pattern: DURATION.source };

/** Milliseconds of a duration, or null when it is malformed. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(h|ms|m|s)/g)) {
    sumMs += Number(count) * (UNIT_MS[unit as string] as number);
  }
  return sumMs;
}

/** The shortest text of whole milliseconds: 90,000 is `1m30s`. */
export function formatDuration(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const [unit, unitMs] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text === '' ? '0s' : text;
}

/** A check for durations from `minMs` to `maxMs`, both included. */
export function durationBetween(minMs: number, maxMs: number): Check {
  const expected = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return (value) => {
    if (typeof value !== 'string') return durationTypeFault(value);
    const durationMs = parseDuration(value);
    if (durationMs === null) {
      return { kind: 'duration', expected: 'a duration such as 300ms, 10s or 1m30s', hint: hintFor(value) };
    }
    return durationMs >= minMs && durationMs <= maxMs ? null : { kind: 'duration', expected };
  };
}

function durationTypeFault(value: unknown): Fault {
  const expected = 'a duration such as 300ms, 10s or 1m30s';
  if (typeof value !== 'number') return wrongType(expected, value);
  // A bare number of 100 and more is surely meant in milliseconds, a smaller one in seconds.
  return { kind: 'duration', expected, hint: hintFor(value >= 100 ? `${value}ms` : `${value}s`) };
}

/** `1.5s` → 1s500ms, `10 seconds` → 10s, `500` → 500ms. */
function hintFor(text: string): string {
  const form = /^\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*$/.exec(text);
  if (form === null) return '';
  const unit = unitMeant((form[2] as string).toLowerCase());
  if (unit === null) return '';
  const durationMs = Math.round(Number(form[1]) * (UNIT_MS[unit] as number));
  return durationMs > 0 ? didYouMean(formatDuration(durationMs)) : '';
}

function unitMeant(word: string): string | null {
  if (/^(?:|ms|msecs?|millis|milliseconds?)$/.test(word)) return 'ms';
  if (/^(?:s|secs?|seconds?)$/.test(word)) return 's';
  if (/^(?:m|mins?|minutes?)$/.test(word)) return 'm';
  return /^(?:h|hrs?|hours?)$/.test(word) ? 'h' : null;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** JSON Schema of an instant. */
export const INSTANT_META = { type: 'string', pattern: INSTANT.source };

/** Milliseconds since 1970, or null when it is none: a day that its month does not have is none either. */
export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const ms = Date.parse(text);
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  const isDay = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
  return Number.isNaN(ms) || !isDay ? null : ms;
}

/** A check for instants. */
export function checkInstant(value: unknown): Fault | null {
  const expected = 'a date and time with a zone, 2026-11-21T10:00:00Z';
  if (typeof value !== 'string') return wrongType(expected, value, 'put it in quotes');
  return parseInstant(value) === null ? { kind: 'instant', expected } : null;
}
