/** Places in the thread's memory: whose they are. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reserve } from '#src/proxy/wire/memory/memory.ts';
import { Places } from '#src/proxy/wire/memory/places.ts';

it('a place is one person’s until it is given back, and there are so many', () => {
  const places = new Places(3, 128);
  const taken = [places.take(), places.take(), places.take()];
  assert.equal(new Set(taken).size, 3);
  assert.equal(places.take(), -1);
  places.give(taken[1] as number);
  assert.deepEqual([places.take(), places.take()], [taken[1], -1]);
});

it('a place is found by any of its addresses, and by no other', () => {
  const before = reserve(64);
  const places = new Places(2, 128);
  const [first, second] = [places.take(), places.take()];
  const found = [first, first + 127, second, second + 127].map((at) => places.placeOf(at));
  assert.deepEqual(found, [first, first, second, second]);
  assert.deepEqual([places.placeOf(before), places.placeOf(second + 128), places.placeOf(reserve(1))], [-1, -1, -1]);
});
