import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildColor } from '#src/sources/build/color.ts';
import { DEFAULT_COLOR } from '#src/sources/defaults.ts';

test('says the defaults where nothing is written, and takes what is', () => {
  assert.deepEqual(buildColor(), DEFAULT_COLOR);
  assert.deepEqual(buildColor({ header: 'X-Stage', query: 'Q', cookie: 'C', baggage: 'B' }), {
    ...DEFAULT_COLOR,
    header: 'x-stage',
    query: 'Q',
    cookie: 'C',
    baggage: 'B',
  });
});

test('signatures and tokens have their defaults', () => {
  const { signature, jwt } = buildColor({
    header: 'X-Stage',
    signature: { keys: [{ file: 'a' }, { variable: 'B' }] },
    jwt: { claim: 'stage', issuer: 'i', audience: ['a'], jwks: { url: 'https://id/' } },
  });
  assert.deepEqual(signature, {
    header: 'x-stage-signature',
    bucketMs: 60_000,
    keys: [
      { kind: 'file', path: 'a' },
      { kind: 'variable', name: 'B' },
    ],
  });
  assert.deepEqual(jwt, {
    claim: 'stage',
    cookie: null,
    issuer: 'i',
    audience: ['a'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    leewayMs: 30_000,
    keys: { kind: 'url', url: 'https://id/', intervalMs: 300_000 },
  });
});

test('and take what is written', () => {
  const { signature, jwt } = buildColor({
    signature: { header: 'X-Sig', bucket: '5s', keys: [{ file: 'a' }] },
    jwt: {
      claim: 'c',
      cookie: 'sid',
      issuer: 'i',
      audience: ['a'],
      algorithms: ['ES256'],
      leeway: '0s',
      jwks: { keys: [{ kty: 'EC' }] },
    },
  });
  assert.deepEqual([signature?.header, signature?.bucketMs], ['x-sig', 5000]);
  assert.deepEqual([jwt?.cookie, jwt?.leewayMs, jwt?.algorithms], ['sid', 0, ['ES256']]);
  assert.deepEqual(jwt?.keys, { kind: 'inline', text: '{"keys":[{"kty":"EC"}]}' });
});
