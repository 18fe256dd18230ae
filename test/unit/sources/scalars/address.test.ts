import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressFrom,
  checkAuthority,
  checkHost,
  formatAddress,
  parseAddress,
  portFrom,
} from '#src/sources/scalars/address.ts';

test('an address is a host and a port, IPv6 in brackets', () => {
  assert.deepEqual(parseAddress('127.0.0.1:7001'), { host: '127.0.0.1', port: 7001 });
  assert.deepEqual(parseAddress('Web_1:80'), { host: 'web_1', port: 80 });
  assert.deepEqual(parseAddress('[::1]:7001'), { host: '::1', port: 7001 });
  assert.deepEqual(parseAddress('[0:0::1]:7001'), { host: '::1', port: 7001 });
});

test('anything else is no address', () => {
  for (const text of [
    '',
    ':80',
    '80',
    'a',
    'a:',
    'a:b',
    '::1:80',
    '[::1]',
    '[a]:80',
    '[]:80',
    'a:80/',
    'a:-1',
    ' a:80',
    '[fe80::1%lo]:80',
  ]) {
    assert.equal(parseAddress(text), null, text);
  }
});

test('formatting an address and parsing it gives it back', () => {
  for (const text of ['127.0.0.1:7001', 'web:80', '[::1]:0']) {
    const address = parseAddress(text);
    assert.ok(address !== null);
    assert.equal(formatAddress(address), text);
  }
});

test('port 0 is for listening only', () => {
  assert.equal(addressFrom(0, '0.0.0.0:8080')('a:0'), null);
  assert.equal(addressFrom(1, '127.0.0.1:7001')('a:0')?.kind, 'port');
  for (const portMin of [0, 1] as const) {
    assert.equal(addressFrom(portMin, '127.0.0.1:7001')('a:65535'), null);
    assert.equal(addressFrom(portMin, '127.0.0.1:7001')('a:65536')?.kind, 'port');
    assert.equal(portFrom(portMin)(portMin), null);
    assert.equal(portFrom(portMin)(portMin - 1)?.kind, 'port');
    assert.equal(portFrom(portMin)(1.5)?.kind, 'port');
    assert.equal(portFrom(portMin)('1')?.kind, 'type');
  }
});

test('a hint completes what was written', () => {
  const check = addressFrom(1, '127.0.0.1:7001');
  for (const [value, hint] of [
    [7001, 'did you mean "127.0.0.1:7001"?'],
    [':7002', 'did you mean "127.0.0.1:7002"?'],
    ['http://a:80/x', 'did you mean "a:80"?'],
    ['http://a/x', ''],
    ['::1:80', 'did you mean "[::1]:80"?'],
    ['web', 'add the port: "web:8080"'],
    ['::1', 'add the port: "[::1]:8080"'],
    ['a b:80', ''],
  ] as const) {
    assert.equal(check(value)?.hint, hint, String(value));
  }
});

test('a value that cannot be made a text is a wrong type', () => {
  assert.equal(addressFrom(1, '127.0.0.1:7001')({ toString: false })?.kind, 'type');
  assert.equal(addressFrom(1, '127.0.0.1:7001')(undefined)?.kind, 'missing');
});

test('a host alone has no port', () => {
  assert.equal(checkHost('::1'), null);
  assert.equal(checkHost('a:80')?.kind, 'address');
  assert.equal(checkHost(undefined)?.kind, 'missing');
});

test('what a Host header holds is a host with a port or without', () => {
  for (const text of ['a.example', 'a.example:8080', '10.0.0.1', '[::1]', '[::1]:80']) {
    assert.equal(checkAuthority(text), null, text);
  }
  for (const text of ['', '::1', 'a b', 'a:0', 'a:65536', 'http://a', 'a/b', 'a\r\nb', '*.a']) {
    assert.equal(checkAuthority(text)?.kind, 'hostname', text);
  }
  assert.equal(checkAuthority(1)?.kind, 'type');
});
