import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  burn,
  bytes,
  clock,
  count,
  digits,
  duration,
  millis,
  NONE,
  percent,
  target,
} from '#src/admin/page/view/format.js';

suite('format', () => {
  test('what is not known is a dash, never 0', () => {
    for (const text of [percent(null), millis(null), burn(null), burn(undefined), duration(null)])
      assert.equal(text, NONE);
    assert.equal(percent(0), '0 %');
  });

  test('as many digits as tell something', () => {
    assert.deepEqual([0.00021, 0.0432, 0.984, -0.5, 1].map(percent), ['0.02 %', '4.32 %', '98.4 %', '-50 %', '100 %']);
    assert.deepEqual([0.0001, 1.234, 12.34, 123.4, 12_345].map(digits), [
      '0.0001',
      '1.23',
      '12.3',
      '123',
      '12\u202f345',
    ]);
    assert.deepEqual([0.9995, 0.99999].map(target), ['99.95 %', '99.999 %']);
    assert.deepEqual([4.2, 320, 12_500].map(millis), ['4.2 ms', '320 ms', '12.5 s']);
    assert.equal(count(1_234_567), '1\u202f234\u202f567');
    assert.deepEqual([52_428_800, 2_147_483_648].map(bytes), ['50 MiB', '2 GiB']);
  });

  test('times in their two greatest units', () => {
    const hours = 3_600_000;
    assert.deepEqual([0, 12_000, 60_000, 61_000, 5 * hours, 76 * hours].map(duration), [
      '0 s',
      '12 s',
      '1 min',
      '1 min 1 s',
      '5 h',
      '3 d 4 h',
    ]);
    assert.equal(clock(Date.parse('2026-11-01T08:01:29.500Z')), '08:01:29');
  });
});
