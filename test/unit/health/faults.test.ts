import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultSentence, stateOf } from '#src/health/faults.ts';
import type { FaultConfig } from '#src/model/threads/faults.ts';

const FAULT: FaultConfig = {
  id: 'shop/slow',
  match: { version: null, color: null, header: null },
  ratio: 1,
  delay: { ms: 200, distribution: 'fixed' },
  abortStatus: null,
  fromMs: 1000,
  untilMs: 2000,
};

test('a fault is active from its beginning up to its end, unless somebody stopped it', () => {
  assert.deepEqual(
    [999, 1000, 1999, 2000].map((atMs) => stateOf(FAULT, false, atMs)),
    ['scheduled', 'active', 'active', 'over'],
  );
  for (const atMs of [0, 1500, 3000]) assert.equal(stateOf(FAULT, true, atMs), 'stopped');
});

test('what it does is one sentence', () => {
  assert.equal(faultSentence(FAULT), '100 % of the requests are held for 200 ms');
  const match = { version: 'v2', color: 'blue', header: { name: 'x-game', value: 'day' } };
  const delay = { ms: 50, distribution: 'exponential' } as const;
  assert.equal(
    faultSentence({ ...FAULT, match, ratio: 0.025, delay, abortStatus: 503 }),
    '2.5 % of the requests for v2 pinned by the color blue with x-game: day are held for 50 ms in the mean and answered with 503',
  );
});
