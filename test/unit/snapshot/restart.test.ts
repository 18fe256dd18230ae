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

test('whether connections begin with a PROXY header waits too', () => {
  const withMode = (mode: string) =>
    configOf(`${SOUND}trustedProxies: [10.0.0.0/8]\nlisten: {host: 127.0.0.1, port: 1234, proxyProtocol: ${mode}}\n`);
  assert.deepEqual(needsRestart(withMode('off'), withMode('off')), []);
  assert.deepEqual(needsRestart(withMode('required'), withMode('trusted')), [
    'listen changed; the change takes effect at the next start',
  ]);
});

test('so does what is spoken there, but not what says the same as nothing does', () => {
  const of = (more: string) => configOf(`listen: {host: 127.0.0.1, port: 1${more}}\n${SOUND}`);
  assert.deepEqual(needsRestart(of(''), of(', http2: false')), []);
  assert.deepEqual(needsRestart(of(''), of(', http2: true')), [
    'listen changed; the change takes effect at the next start',
  ]);
});

test('where the admin server listens waits, and by which names it is asked does not', () => {
  const of = (port: number, more = '') => configOf(`admin: {host: 127.0.0.1, port: ${port}${more}}\n${SOUND}`);
  assert.deepEqual(needsRestart(of(1), of(1, ', hosts: [sluice]')), []);
  assert.deepEqual(needsRestart(of(1), of(2)), ['admin changed; the change takes effect at the next start']);
});
