import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkBoolean,
  checkColorHeader,
  checkFieldValue,
  checkHeaderWritten,
  checkMethod,
  checkName,
  checkProtocol,
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

test('a filter writes no header that the gateway needs for itself', () => {
  assert.equal(checkHeaderWritten('X-Env'), null);
  assert.equal(checkHeaderWritten('Set-Cookie'), null);
  for (const name of ['Connection', 'TE', 'upgrade', 'Content-Length', 'Transfer-Encoding', 'Via', 'Keep-Alive']) {
    assert.equal(checkHeaderWritten(name)?.kind, 'protectedHeader', name);
  }
  assert.equal(checkHeaderWritten('Host')?.hint, 'urlRewrite.hostname changes the host');
  assert.equal(checkHeaderWritten('a b')?.kind, 'headerName');
  assert.equal(checkHeaderWritten(1)?.kind, 'type');
});

test('a protocol is a name with a version at most, and never HTTP', () => {
  for (const protocol of ['websocket', 'WebSocket', 'IRC/6.9']) assert.equal(checkProtocol(protocol), null, protocol);
  for (const protocol of ['', 'a b', 'a/b/c', 'a/', '/1', 'a,b']) {
    assert.equal(checkProtocol(protocol)?.kind, 'protocol', protocol);
  }
  for (const protocol of ['h2c', 'H2C', 'HTTP/2.0', 'TLS/1.3']) {
    assert.match(String(checkProtocol(protocol)?.hint), /neither routed/, protocol);
  }
  assert.equal(checkProtocol(1)?.kind, 'type');
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
