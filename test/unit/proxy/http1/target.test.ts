/** Request targets: one reading of a path, or none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostOf, isAmbiguous, isStrict, normalizePath, splitAbsolute } from '#src/proxy/http1/target.ts';

describe('a path is normalized', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a/b', '/a/b'],
    ['/', '/'],
    ['//', '//'],
    ['/a//b', '/a//b'],
    ['/./a', '/a'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/../', '/'],
    ['/..', '/'],
    ['/../../a', '/a'],
    ['/a/b/../../c', '/c'],
    ['/a/...', '/a/...'],
    ['/a/.b', '/a/.b'],
    ['/%61%7E%2d', '/a~-'],
    ['/%2e%2E/x', '/x'],
    ['/a%2fb', '/a%2Fb'],
    ['/%c3%a9', '/%C3%A9'],
    ['/a%20b', '/a%20b'],
    ['/%2561', '/%2561'],
    ['/a;b=c/d', '/a;b=c/d'],
    ['/a%3bb..', '/a%3Bb..'],
    ['/..a%3b', '/..a%3B'],
  ];
  for (const [path, normal] of cases) it(`${path} to ${normal}`, () => assert.equal(normalizePath(path), normal));

  it('once and for all: doing it again changes nothing', () => {
    for (const [, normal] of cases) assert.equal(normalizePath(normal), normal);
  });
});

describe('a path is refused that another reader would read differently', () => {
  const cases = [
    '/a\\b',
    '/%',
    '/%1',
    '/%g0',
    '/%zz',
    '/%00',
    '/a/..%2f',
    '/%2e%2e%2fb',
    '/a%2f..%2fb',
    '/a/..%5cb',
    '/..;/b',
    '/a/.;x',
    '/%2f..',
    '/a%5C..',
    '/..%3b',
    '/%2e%2e%3b/b',
    '/a/..%3Bx=1/b',
    '/.%3b;/b',
    '/a%2f..%3bx%2fb',
  ];
  for (const path of cases) it(path, () => assert.equal(normalizePath(path), null));

  it('in linear time, however hostile', () => {
    assert.equal(normalizePath(`/${'%2f..;x'.repeat(1200)}`), null);
    assert.equal(normalizePath(`/${'../'.repeat(2700)}`), '/');
  });
});

describe('an authority', () => {
  const hosts: readonly (readonly [string, string])[] = [
    ['example.com', 'example.com'],
    ['EXAMPLE.com:80', 'example.com'],
    ['example.com.', 'example.com'],
    ['a', 'a'],
    ['.', '.'],
    ['a_b~c-d.e', 'a_b~c-d.e'],
    ['127.0.0.1:65535', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['[::ffff:1.2.3.4]', '[::ffff:1.2.3.4]'],
    ['a:', 'a'],
  ];
  for (const [authority, host] of hosts) it(`${authority} names ${host}`, () => assert.equal(hostOf(authority), host));

  const invalid = [
    '',
    ' ',
    'a b',
    'a,b',
    'a/b',
    'user@a',
    'a:b',
    'a:65536',
    'a:123456',
    'a:-1',
    ':80',
    '[::1',
    '::1',
    '[]',
    '[x]',
    'a#',
    'a?b',
    'a%62',
    'ä',
    `${'x'.repeat(254)}`,
    'a\0',
    '[::1]x',
    'a:80:90',
  ];
  for (const authority of invalid) {
    it(`${JSON.stringify(authority.slice(0, 20))} is none`, () => assert.equal(hostOf(authority), null));
  }
});

describe('an absolute target', () => {
  const cases: readonly (readonly [string, ReturnType<typeof splitAbsolute>])[] = [
    ['http://a/b?c', { authority: 'a', rest: '/b?c' }],
    ['HTTPS://a:443', { authority: 'a:443', rest: '/' }],
    ['http://a?b', { authority: 'a', rest: '/?b' }],
    ['http://user@a/', { authority: 'user@a', rest: '/' }],
    ['http:///b', null],
    ['http:/a', null],
    ['ftp://a/', null],
    ['a:80', null],
    ['//a/b', null],
    ['', null],
  ];
  for (const [target, parts] of cases) {
    it(`${target || 'that is empty'} is ${parts === null ? 'none' : 'cut in two'}`, () =>
      assert.deepEqual(splitAbsolute(target), parts));
  }
});

describe('a normalized path', () => {
  it('is ambiguous where upstreams fold it further', () => {
    for (const path of ['//', '/a//b', '/a;b', '/a%2Fb', '/a%5Cb', '/a%3Bb', '/%252F', '/%2541']) {
      assert.equal(isAmbiguous(path), true, path);
    }
    for (const path of ['/', '/a/b', '/a%20b', '/%25', '/%25zz', '/a.b', '/a,b=c&d'])
      assert.equal(isAmbiguous(path), false, path);
  });

  it('is strict when it came so, but for the case of its escapes', () => {
    assert.equal(isStrict('/%c3%bc', '/%C3%BC'), true);
    assert.equal(isStrict('/a', '/a'), true);
    assert.equal(isStrict('/a/../b', '/b'), false);
    assert.equal(isStrict('/%61', '/a'), false);
    assert.equal(isStrict('/a;b', '/a;b'), false);
  });
});
