import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holds } from '#src/sources/stores/write/holds.ts';

function rig() {
  const clock = { ms: 0 };
  return { clock, holds: new Holds(() => clock.ms) };
}

test('what a lock is held by is known until it is given back', () => {
  const { clock, holds } = rig();
  holds.keep('a', 'session 1', 1000);
  clock.ms = 5000;
  assert.equal(holds.get('a'), 'session 1', 'whether it is over says the store');
  holds.keep('a', 'session 2', 1000);
  assert.deepEqual([holds.get('a'), holds.get('b'), holds.size], ['session 2', null, 1]);
  holds.drop('a');
  assert.deepEqual([holds.get('a'), holds.size], [null, 0]);
});

test('locks that nobody asks for any more are forgotten when they must be over', () => {
  const { clock, holds } = rig();
  for (let n = 0; n < 1000; n++) {
    clock.ms = n * 100;
    holds.keep(`generation ${n}`, 'x', 1000);
    holds.keep('asked for all the time', 'y', 1000);
    assert.ok(holds.size <= 11, `${holds.size} after ${n}`);
  }
  assert.equal(holds.get('asked for all the time'), 'y');
});
