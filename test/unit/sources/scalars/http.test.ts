import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkBoolean,
  checkColorHeader,
  checkFieldValue,
  checkMethod,
  checkName,
  checkPath,
  oneOf,
  tokenCalled,
} from '#src/sources/scalars/http.ts';

test('a name is short, plain and does not begin or end with a separator', () => {
  for (const name of ['a', 'v1', '1.0', 'a-b_c.d', 'A'.repeat(63)]) assert.equal(checkName(name), null, name);
  for (const name of ['', '-a', 'a-', 'a/b', 'a b', 'ä', 'a\n', 'A'.repeat(64)]) {
    assert.equal(checkName(name)?.kind, 'name', JSON.stringify(name));
  }
  assert.equal(checkName(1)?.hint, 'put it in quotes');
});

test('a token has no separators', () => {
  const check = tokenCalled('header name');
  for (const text of ['x-user-id', "!#$%&'*+-.^_`|~9aZ"]) assert.equal(check(text), null);
  for (const text of ['', 'a b', 'a:', '"a"', 'ä', 'a\t', 'a'.repeat(257)])
    assert.equal(check(text)?.kind, 'headerName');
  assert.equal(check('X-User: ')?.hint, 'did you mean X-User?');
  assert.equal(check('user id')?.hint, 'did you mean user-id?');
  assert.equal(check('ä')?.hint, '');
});

test('the color header is none that HTTP needs', () => {
  assert.equal(checkColorHeader('X-Stage'), null);
  for (const name of ['Host', 'connection', 'Content-Length', 'transfer-encoding']) {
    assert.equal(checkColorHeader(name)?.kind, 'reservedHeader', name);
  }
  assert.equal(checkColorHeader('a b')?.kind, 'headerName');
});

test('a header value is visible ASCII with white space inside only', () => {
  for (const value of ['a', 'a b', 'a\tb', '~']) assert.equal(checkFieldValue(value), null);
  for (const value of ['', ' a', 'a ', 'a\r\nb', 'ä', '\0']) assert.equal(checkFieldValue(value)?.kind, 'headerValue');
  assert.equal(checkFieldValue(true)?.hint, 'put it in quotes');
  assert.equal(checkFieldValue([])?.hint, '');
});

test('a method is a token; standard ones are in capitals', () => {
  for (const method of ['GET', 'PATCH', 'PURGE', 'purge']) assert.equal(checkMethod(method), null, method);
  assert.equal(checkMethod('Get')?.hint, 'did you mean GET?');
  assert.equal(checkMethod('GE T')?.kind, 'method');
});

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

test('one of a few words', () => {
  const check = oneOf(['Exact', 'PathPrefix']);
  assert.equal(check('Exact'), null);
  assert.equal(check('exact')?.hint, 'did you mean Exact?');
  assert.equal(check('Prefix')?.hint, 'did you mean PathPrefix?');
  assert.equal(check('Regex')?.hint, '');
  assert.equal(check('')?.hint, '');
  assert.equal(check(1)?.kind, 'type');
});

test('yes and no are not booleans in YAML 1.2', () => {
  assert.equal(checkBoolean(true), null);
  assert.equal(checkBoolean(false), null);
  assert.equal(checkBoolean('yes')?.hint, 'did you mean true?');
  assert.equal(checkBoolean('off')?.hint, 'did you mean false?');
  assert.equal(checkBoolean('maybe')?.hint, '');
});
