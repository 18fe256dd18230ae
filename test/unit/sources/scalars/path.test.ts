import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPath, checkPathSent, checkTarget } from '#src/sources/scalars/path.ts';

test('a path is one that a normalized request can have', () => {
  for (const path of ['/', '/a', '/a/', '/a.b/~c;d=e', '/%E2%82%AC', '/..a', '/a:b@c']) {
    assert.equal(checkPath(path), null, path);
  }
  for (const [path, hint] of [
    ['a', 'did you mean /a?'],
    ['', 'did you mean /?'],
    ['a b', 'start with /'],
    ['/a?b', 'leave the query and the fragment out'],
    ['/a#b', 'leave the query and the fragment out'],
    ['/a/*', 'PathPrefix matches everything below already'],
    ['/a//b', 'leave // and /./ and /../ out'],
    ['/./a', 'leave // and /./ and /../ out'],
    ['/a/..', 'leave // and /./ and /../ out'],
    ['/a%2Fb', 'an encoded slash is not a separator and is not matched'],
    ['/é', 'did you mean /%C3%A9?'],
    ['/%c3%a9', 'did you mean /%C3%A9?'],
    ['/%41', 'did you mean /A?'],
    ['/a b', 'did you mean /a%20b?'],
    ['/100%', 'did you mean /100%25?'],
    [`/${'a'.repeat(4096)}`, 'at most 4096 characters'],
  ] as const) {
    assert.equal(checkPath(path)?.hint, hint, path);
  }
  assert.equal(checkPath(null)?.kind, 'type');
});

test('what a path hint proposes is accepted', () => {
  for (const path of ['a', '/é', '/%c3', '/%41', '/a b', '/100%', '/a"b', '/\ud800']) {
    const proposed = /^did you mean (.*)\?$/.exec(String(checkPath(path)?.hint))?.[1];
    assert.equal(checkPath(proposed), null, path);
  }
});

test('a path to write is one that nobody reads in two ways', () => {
  for (const path of ['/', '/a', '/a/', '/%e2%82%ac', '/a%2Fb', '/a;b=c', '/..a', `/${'a'.repeat(4095)}`]) {
    assert.equal(checkPathSent(path), null, path);
  }
  for (const [path, hint] of [
    ['', 'did you mean /?'],
    ['v2/users', 'did you mean /v2/users?'],
    ['https://a.example/b', 'leave the scheme and the host out'],
    ['/a?b=c', 'leave the query and the fragment out: the query of the request is kept'],
    ['/a#b', 'leave the query and the fragment out: the query of the request is kept'],
    ['//evil.example', 'leave // and /./ and /../ out'],
    ['/a/../b', 'leave // and /./ and /../ out'],
    ['/a b', 'did you mean /a%20b?'],
    ['/100%', 'did you mean /100%25?'],
    ['/a\r\nX: y', 'did you mean /a%0D%0AX:%20y?'],
    [`/${'a'.repeat(4096)}`, 'at most 4096 characters'],
  ] as const) {
    assert.deepEqual([checkPathSent(path)?.kind, checkPathSent(path)?.hint], ['pathSent', hint], path);
  }
  assert.equal(checkPathSent(5)?.kind, 'type');
});

test('the target of a health check may have one query', () => {
  for (const target of ['/', '/healthz?full=1', '/a?b?c', '/a?x=%20']) assert.equal(checkTarget(target), null, target);
  for (const target of ['healthz', '/a#b', '/a?b c', '//a?b', '?a', '/../x', '', '/a?%zz', '/a?\n']) {
    assert.equal(checkTarget(target)?.kind, 'pathSent', target);
  }
  assert.equal(checkTarget(null)?.kind, 'type');
});

test('what a hint proposes to write is accepted', () => {
  for (const path of ['a', '', '/a b', '/100%', '/é', '/"', '/\ud800', '/%zz']) {
    const proposed = /^did you mean (.*)\?$/.exec(String(checkPathSent(path)?.hint))?.[1];
    assert.equal(checkPathSent(proposed), null, path);
  }
});
