/** Places in the thread's memory: whose they are. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reserve } from '#src/proxy/wire/memory/memory.ts';
import { Slabs } from '#src/proxy/wire/memory/slabs.ts';

it('a place is one person’s until it is given back, and there are so many', () => {
  const slabs = new Slabs(3, 128);
  const taken = [slabs.take(), slabs.take(), slabs.take()];
  assert.equal(new Set(taken).size, 3);
  assert.equal(slabs.take(), -1);
  slabs.give(taken[1] as number);
  assert.deepEqual([slabs.take(), slabs.take()], [taken[1], -1]);
});

it('a place is found by any of its addresses, and by no other', () => {
  const before = reserve(64);
  const slabs = new Slabs(2, 128);
  const [first, second] = [slabs.take(), slabs.take()];
  const found = [first, first + 127, second, second + 127].map((at) => slabs.slabOf(at));
  assert.deepEqual(found, [first, first, second, second]);
  assert.deepEqual([slabs.slabOf(before), slabs.slabOf(second + 128), slabs.slabOf(reserve(1))], [-1, -1, -1]);
});
