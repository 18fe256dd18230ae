import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkKeySetUrl,
  checkPublicKey,
  checkTokenText,
  checkVariable,
  isPublicKey,
} from '#src/sources/scalars/keys.ts';
import { keyOf } from '../../../support/http/tokens.ts';

test('a key must be public, and is never shown', () => {
  const { publicKey, privateKey } = keyOf('k');
  assert.equal(checkPublicKey(publicKey.export({ format: 'jwk' })), null);
  const fault = checkPublicKey(privateKey.export({ format: 'jwk' }));
  assert.equal(fault?.kind, 'publicKey');
  assert.equal(fault?.got, 'another one, which is not shown');
  for (const value of [null, 1, 'x', []]) assert.equal(checkPublicKey(value)?.kind, 'type');
  assert.equal(isPublicKey({ kty: 'oct', k: 'AA' }), false);
  assert.equal(isPublicKey(undefined), false);
});

test('a key set is fetched by https, or from this machine', () => {
  for (const url of ['https://id.example.com/keys', 'http://127.0.0.1:1/', 'http://[::1]/', 'http://localhost:1/']) {
    assert.equal(checkKeySetUrl(url), null, url);
  }
  for (const url of ['http://id.example.com/', 'http://127.0.0.1.example.com/', 'ftp://a/', 'https://u:p@a/', 1]) {
    assert.notEqual(checkKeySetUrl(url), null, String(url));
  }
});

test('names of variables and texts to compare', () => {
  assert.equal(checkVariable('COLOR_KEY'), null);
  for (const value of ['${COLOR_KEY}', '', '1A', 'a-b', 1]) assert.notEqual(checkVariable(value), null, String(value));
  assert.equal(checkTokenText('https://id'), null);
  for (const value of ['', 'x'.repeat(257), 1, null]) assert.notEqual(checkTokenText(value), null);
});
