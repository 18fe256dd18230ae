import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, requests, share } from '#src/slo/rollout/words.ts';

test('a length of time is rounded down, so that what is not over does not look over', () => {
  const lengths = [0, -5, 999.9, 1000, 59_999, 90_000, 3_599_999, 7_200_000, 86_400_000 * 1.5];
  assert.deepEqual(lengths.map(duration), [
    '0 ms',
    '0 ms',
    '999 ms',
    '1 s',
    '59.9 s',
    '1.5 min',
    '59.9 min',
    '2 h',
    '1.5 d',
  ]);
});

test('shares and counts are short', () => {
  assert.deepEqual([share(0.5), share(0.1 + 0.2), share(100)], ['0.5 %', '0.3 %', '100 %']);
  assert.equal(requests(1_234_567.8), '1,234,567');
});
