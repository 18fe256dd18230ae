import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkOriginUrl, checkPrefix, checkSecret, checkUrl, checkWord } from '#src/sources/scalars/store.ts';

describe('a URL', () => {
  test('is http or https, with a path only where one makes sense', () => {
    for (const url of ['http://127.0.0.1:8500', 'https://consul.test', 'HTTP://[::1]:1/']) {
      assert.deepEqual([checkUrl(url), checkOriginUrl(url)], [null, null], url);
    }
    assert.equal(checkUrl('https://a.test/b.yaml?c=d'), null);
    assert.equal(checkOriginUrl('http://a.test:1/v1')?.hint, 'did you mean http://a.test:1?');
  });

  test('that is something else is refused with what was meant', () => {
    assert.equal(checkUrl('127.0.0.1:8500')?.hint, 'did you mean http://127.0.0.1:8500?');
    for (const url of ['', 'ftp://a', 'http://', 'unix:/x']) assert.equal(checkUrl(url)?.kind, 'url', url);
    assert.equal(checkUrl(5)?.kind, 'type');
    assert.equal(checkUrl(undefined)?.kind, 'missing');
  });

  test('with a password is refused without showing it', () => {
    for (const url of ['http://a:geheim@b', 'ftp://a:geheim@b']) {
      assert.doesNotMatch(JSON.stringify(checkUrl(url)), /geheim/);
      assert.equal(checkUrl(url)?.kind, 'url');
    }
  });
});

test('a prefix has something in it besides slashes', () => {
  for (const prefix of ['sluice', '/sluice/v1/', 'a/b.c-d_e']) assert.equal(checkPrefix(prefix), null, prefix);
  for (const prefix of ['', '/', 'a b', 'a?b', 'a'.repeat(300)])
    assert.equal(checkPrefix(prefix)?.kind, 'sourceText', prefix);
  assert.equal(checkPrefix(5)?.kind, 'type');
});

test('a word is one word', () => {
  assert.deepEqual([checkWord('dc-1'), checkWord('a&b')?.kind], [null, 'sourceText']);
});

test('a secret is never shown, and may be empty', () => {
  for (const secret of ['', null, 'x'.repeat(36)]) assert.equal(checkSecret(secret), null);
  for (const secret of ['ge heim', 'geheim\n', 5, ['geheim']]) {
    const fault = checkSecret(secret);
    assert.ok(fault !== null && fault.got !== undefined);
    assert.doesNotMatch(JSON.stringify(fault), /geheim|ge heim/);
  }
});
