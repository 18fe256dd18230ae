import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkInstant,
  durationBetween,
  formatDuration,
  parseDuration,
  parseInstant,
} from '#src/sources/scalars/duration.ts';

test('a duration is a sum of integers with units', () => {
  for (const [text, durationMs] of [
    ['300ms', 300],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['1s1h', 3_601_000],
    ['0s', 0],
    ['99999h', 359_996_400_000],
  ] as const) {
    assert.equal(parseDuration(text), durationMs, text);
  }
});

test('anything else is no duration', () => {
  for (const text of ['', '10', 's', '1.5s', '-1s', '1d', '10S', '1s 1ms', '100000s', '1h1m1s1ms1s', '1µs', '1s\n']) {
    assert.equal(parseDuration(text), null, JSON.stringify(text));
  }
});

test('formatting a duration and parsing it gives it back', () => {
  for (const durationMs of [0, 1, 999, 1000, 1500, 60_000, 90_000, 3_600_000, 3_661_001, 86_400_000]) {
    assert.equal(parseDuration(formatDuration(durationMs)), durationMs);
  }
});

test('both bounds are allowed', () => {
  const check = durationBetween(1, 1000);
  assert.equal(check('1ms'), null);
  assert.equal(check('1s'), null);
  assert.equal(check('0ms')?.kind, 'duration');
  assert.equal(check('1s1ms')?.kind, 'duration');
});

test('a hint turns what was meant into a duration', () => {
  const check = durationBetween(1, 86_400_000);
  for (const [value, hint] of [
    ['1.5s', 'did you mean 1s500ms?'],
    ['2 minutes', 'did you mean 2m?'],
    ['1 hr', 'did you mean 1h?'],
    ['250 msec', 'did you mean 250ms?'],
    ['500', 'did you mean 500ms?'],
    [30, 'did you mean 30s?'],
    [100, 'did you mean 100ms?'],
    ['3d', ''],
    ['0.0 s', ''],
    [-1, ''],
  ] as const) {
    assert.equal(check(value)?.hint, hint, String(value));
  }
});

test('a missing duration is missing, another type is a wrong type', () => {
  const check = durationBetween(1, 1000);
  assert.equal(check(undefined)?.kind, 'missing');
  assert.equal(check(null)?.kind, 'type');
  assert.equal(check([])?.kind, 'type');
});

test('an instant has a zone', () => {
  assert.equal(parseInstant('2026-11-21T10:00:00Z'), Date.UTC(2026, 10, 21, 10));
  assert.equal(parseInstant('2026-11-21T10:00:00.250+01:30'), Date.UTC(2026, 10, 21, 8, 30, 0, 250));
  assert.equal(checkInstant('2028-02-29T00:00:00Z'), null);
});

test('what is none is refused: no zone, no such day, no time, no text', () => {
  for (const text of ['2026-11-21T10:00:00', '2026-11-21', '2026-02-29T00:00:00Z', '2026-11-31T00:00:00Z', 'now', '']) {
    assert.equal(parseInstant(text), null, text);
    assert.equal(checkInstant(text)?.kind, 'instant');
  }
  assert.equal(parseInstant('2026-11-21T25:00:00Z'), null);
  assert.equal(checkInstant(5)?.kind, 'type');
});
