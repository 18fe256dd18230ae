import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildColor } from '#src/sources/build/color.ts';
import { DEFAULT_COLOR } from '#src/sources/defaults.ts';

test('says the defaults where nothing is written, and takes what is', () => {
  assert.deepEqual(buildColor(), DEFAULT_COLOR);
  assert.deepEqual(buildColor({ header: 'X-Stage', query: 'Q', cookie: 'C', baggage: 'B' }), {
    ...DEFAULT_COLOR,
    header: 'x-stage',
    query: 'Q',
    cookie: 'C',
    baggage: 'B',
  });
});
