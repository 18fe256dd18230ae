import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprint, hashConfig } from '#src/snapshot/hash.ts';
import { configOf, SOUND } from '../../support/config.ts';

test('the order of keys does not matter, the order of lists does', () => {
  assert.equal(fingerprint({ a: 1, b: 2 }), fingerprint({ b: 2, a: 1 }));
  assert.notEqual(fingerprint([1, 2]), fingerprint([2, 1]));
});

test('a fingerprint is the SHA-256 of the canonical text', () => {
  // printf '{}' | sha256sum
  assert.equal(fingerprint({}), '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});

test('comments, order of sections and written defaults do not change the hash, any value does', () => {
  const hash = hashConfig(configOf(SOUND));
  assert.match(hash, /^[0-9a-f]{64}$/);
  const [services = '', routes = ''] = SOUND.split(/(?=routes:)/);
  for (const same of [`# hello\n${SOUND}`, `${routes}${services}`, `workers: auto\n${SOUND}`]) {
    assert.equal(hashConfig(configOf(same)), hash, same);
  }
  assert.notEqual(hashConfig(configOf(SOUND.replace('95', '94'))), hash);
});
