import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAdminToken } from '#src/sources/scalars/admin-token.ts';

test('a token is 16 to 256 visible characters', () => {
  assert.equal(checkAdminToken('sixteen-visible-characters'), null);
  for (const bad of ['short', 'x'.repeat(257), 'with a space in its middle', 'ünïcödé-but-long-enough']) {
    assert.equal(checkAdminToken(bad)?.kind, 'adminToken');
  }
});

test('what is refused is not shown: problems are logged', () => {
  assert.equal(checkAdminToken('hunter2')?.got, '7 characters, which are not shown');
  assert.equal(checkAdminToken(1234567890123456)?.got, 'something else');
});
