import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SATURATION } from '#src/sources/defaults.ts';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

test('a document that says nothing has the defaults: it acts, by the limits that there are', () => {
  for (const text of ['', 'saturation: {}\n', 'saturation: {profiles: {}}\n']) {
    assert.deepEqual(configOf(text + SOUND).saturation, DEFAULT_SATURATION);
  }
});

test('everything can be said', () => {
  const { saturation } = configOf(`saturation:
  response: observe
  delay: 1s
  memory: 256MiB
  profiles: {directory: /var/lib/profiles, keep: 2, bytesMax: 1MiB, length: 500ms, cooldown: 1h}
${SOUND}`);
  assert.deepEqual(saturation, {
    acts: false,
    delayMs: 1000,
    memoryBytes: 2 ** 28,
    profiles: { directory: '/var/lib/profiles', keep: 2, bytesMax: 2 ** 20, lengthMs: 500, cooldownMs: 3_600_000 },
  });
});

test('what cannot be meant is a problem with its place', () => {
  for (const [document, code, hint] of [
    ['saturation: {response: «shedd}', 'SLU1023', 'did you mean shed?'],
    ['saturation: {delay: «1ms}', 'SLU1030', ''],
    ['saturation: {memory: «1MiB}', 'SLU1031', ''],
    ['saturation: {«memry: 1GiB}', 'SLU1020', 'did you mean memory?'],
    ['saturation: {profiles: {keep: «101}}', 'SLU1024', ''],
    ['saturation: {profiles: {bytesMax: «1KiB}}', 'SLU1031', ''],
    ['saturation: {profiles: {length: «2m}}', 'SLU1030', ''],
    ['saturation: {profiles: {cooldown: «0s}}', 'SLU1030', ''],
    ['saturation: {profiles: {directory: «""}}', 'SLU1087', /./],
  ] as const) {
    assertProblem(`${document}\n${SOUND}`, code, hint);
  }
});
