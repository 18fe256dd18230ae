/** Who waits, who is next, who makes room. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WaitQueue } from '#src/proxy/decide/admission/queue.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const events = { admitted: () => undefined, shed: () => undefined };

function fill(
  queue: WaitQueue<string>,
  list: readonly (readonly [string, number])[],
  sizeMax = 100,
): (string | null)[] {
  return list.map(([x, key]) => queue.push({ x, key, events }, sizeMax)?.x ?? null);
}

function drain(queue: WaitQueue<string>): string[] {
  const order: string[] = [];
  for (let next = queue.pop(); next !== null; next = queue.pop()) order.push(next.x);
  return order;
}

describe('a queue for places', () => {
  it('serves the most important first, of those the oldest', () => {
    const queue = new WaitQueue<string>();
    fill(queue, [
      ['b1', 2],
      ['a1', 1],
      ['c1', 3],
      ['a2', 1],
      ['b2', 2],
    ]);
    assert.deepEqual(drain(queue), ['a1', 'a2', 'b1', 'b2', 'c1']);
  });

  it('when full leaves out the least important, of those the newest', () => {
    const queue = new WaitQueue<string>();
    const out = fill(
      queue,
      [
        ['b1', 2],
        ['b2', 2],
        ['b3', 2],
        ['c1', 3],
        ['a1', 1],
      ],
      2,
    );
    assert.deepEqual(out, [null, null, 'b3', 'c1', 'b2']);
    assert.deepEqual(drain(queue), ['a1', 'b1']);
  });

  it('lets go of those that wait no more', () => {
    const queue = new WaitQueue<string>();
    fill(queue, [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    assert.equal(queue.remove('b'), true);
    assert.equal(queue.remove('b'), false);
    assert.equal(queue.size, 2);
    assert.deepEqual(drain(queue), ['a', 'c']);
  });

  it('allocates nothing when it is empty', COUNTED, () => {
    const queue = new WaitQueue<string>();
    assert.equal(
      bytesPerCall(() => queue.pop()),
      0,
    );
  });
});
