import assert from 'node:assert/strict';
import { it } from 'node:test';
import { search, TURN_INPUTS } from '../support/http/fuzz/search.ts';

it('a search lets the loop turn: what is let go of only then would fill the memory of one that lasts for minutes', async (t) => {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await search(t, { seeds: ['a'], judge: () => 'any', inputsMax: 3 * TURN_INPUTS, timeMs: 60_000 });
  clearImmediate(next);
  assert.ok(turns >= 3, String(turns));
});
