import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedStreams } from '#src/proxy/http2/session/closed.ts';

test('how a stream ended is known for a while, longer of those that were reset', () => {
  const closed = new ClosedStreams();
  assert.equal(closed.howOf(1), 'forgotten');
  closed.ended(1);
  closed.reset(3, true);
  closed.reset(5, false);
  assert.deepEqual(
    [1, 3, 5, 7].map((id) => closed.howOf(id)),
    ['ended', 'ours', 'peers', 'forgotten'],
  );
  for (let id = 11; id < 11 + 2 * 100; id += 2) closed.ended(id);
  assert.deepEqual(
    [1, 3, 5, 209].map((id) => closed.howOf(id)),
    ['forgotten', 'ours', 'peers', 'ended'],
  );
  for (let id = 1001; id < 1001 + 2 * 256; id += 2) closed.reset(id, id % 4 === 1);
  assert.deepEqual(
    [3, 5, 1001, 1003].map((id) => closed.howOf(id)),
    ['forgotten', 'forgotten', 'ours', 'peers'],
  );
});
