import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRestart } from '#src/snapshot/restart.ts';
import { configOf, SOUND } from '../../support/config.ts';

test('listeners, workers and the directory of the state wait for the next start, and nothing else does', () => {
  const before = configOf(SOUND);
  assert.deepEqual(needsRestart(before, configOf(SOUND)), []);
  assert.deepEqual(needsRestart(before, configOf(`${SOUND}timeouts: {idle: 5s}\n`)), []);
  const after = configOf(`${SOUND}workers: 3\nlisten: 127.0.0.1:1234\nstate: {directory: s}\n`);
  assert.deepEqual(needsRestart(before, after), [
    'listen changed; the change takes effect at the next start',
    'workers changed; the change takes effect at the next start',
    'state changed; the change takes effect at the next start',
  ]);
});
