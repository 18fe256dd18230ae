import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packPin, pinOf } from '#src/snapshot/revisions/pin.ts';

const PIN = { from: 'a', to: 3, hash: 'b', at: 'now', by: 'api', reason: 'ü' };

test('a pin is read as it was packed; none is nothing', () => {
  assert.deepEqual(pinOf(packPin(PIN)), PIN);
  assert.equal(packPin(null).length, 0);
});

test('what is no whole pin is refused', () => {
  for (const text of ['{}', '{"from": 1}', JSON.stringify({ ...PIN, to: '3' }), JSON.stringify({ ...PIN, by: null })]) {
    assert.throws(() => pinOf(Buffer.from(text)), /is not sound/, text);
  }
});
