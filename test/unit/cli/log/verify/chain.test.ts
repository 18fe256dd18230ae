import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Chain } from '#src/cli/log/verify/chain.ts';

const ZERO = '0'.repeat(64);

function link(number: number, previous: string, content: string) {
  return { number, previous, content, hash: createHash('sha256').update(`${previous}\n${content}`).digest('hex') };
}

test('a chain is followed from 64 zeros on', () => {
  const chain = new Chain();
  const one = link(1, ZERO, 'a');
  const two = link(2, one.hash, 'b');
  assert.deepEqual([chain.number, chain.head], [0, ZERO]);
  assert.deepEqual([chain.follow(one), chain.follow(two)], [null, null]);
  assert.deepEqual([chain.number, chain.head], [2, two.hash]);
});

test('each way of breaking it has its words', () => {
  const one = link(1, ZERO, 'a');
  assert.match(new Chain().follow({ ...one, content: 'x' }) ?? '', /does not belong to its content/);
  assert.match(new Chain().follow(link(2, one.hash, 'b')) ?? '', /follows number 0: rows are missing/);
  assert.match(new Chain().follow(link(1, 'f'.repeat(64), 'a')) ?? '', /does not continue/);
  assert.match(new Chain().follow({ ...one, number: Number.NaN }) ?? '', /no number/);
});
