import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

const withStreams = (fields: string): string => `${SOUND}    streams: {${fields}}\n`;

test('how streams end is kept as far as it is not the default', () => {
  const streamsOf = (fields: string) => configOf(withStreams(fields)).routes[0]?.streams;
  assert.equal(streamsOf(''), undefined);
  assert.equal(streamsOf('onRollback: keep'), undefined);
  assert.deepEqual(streamsOf('onRollback: close'), { closeAfterMs: 0 });
  assert.deepEqual(streamsOf('onRollback: close, closeAfter: 1m'), { closeAfterMs: 60_000 });
});

test('a time for what is kept, or too long a one, is refused', () => {
  assertProblem(withStreams('onRollback: keep, closeAfter: «1s'), 'SLU1240', '');
  assertProblem(withStreams('closeAfter: «1s'), 'SLU1240', '');
  assertProblem(withStreams('onRollback: close, closeAfter: «2h'), 'SLU1030', '');
});
