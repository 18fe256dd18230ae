import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOfVariable, hashToken, isTokenOf } from '#src/admin/token.ts';

const TOKEN = 'sixteen-visible-characters';

test('a token is known by its hash alone', () => {
  const hash = hashToken(TOKEN);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.ok(isTokenOf(TOKEN, hash));
  for (const wrong of ['', `${TOKEN} `, TOKEN.slice(1), hash]) assert.ok(!isTokenOf(wrong, hash));
});

test('a variable holds a token, none, or ends the start', () => {
  assert.equal(hashOfVariable('V', TOKEN), hashToken(TOKEN));
  assert.deepEqual([hashOfVariable('V', undefined), hashOfVariable('V', '')], [null, null]);
  for (const bad of ['short', 'with a space in its middle', 'ünïcödé-but-long-enough']) {
    assert.throws(() => hashOfVariable('V', bad), { code: 'SLU_USAGE', message: /^V must be 16/ });
  }
});
