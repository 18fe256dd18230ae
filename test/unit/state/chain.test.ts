import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chained, GENESIS } from '#src/state/chain.ts';

test('a hash covers the hash before it and the row', () => {
  // printf '%064d\n{}' 0 | sha256sum
  assert.equal(chained(GENESIS, '{}'), '5649d09ed68c17156095d175eef152856c5b1a81c117c409c1e00f096aa6838e');
  assert.notEqual(chained(GENESIS, 'a'), chained(chained(GENESIS, 'a'), 'a'));
});
