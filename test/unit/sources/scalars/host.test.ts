import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalHost,
  checkCidr,
  checkHostname,
  checkPreciseHostname,
  isHost,
  parseCidr,
} from '#src/sources/scalars/host.ts';

const LONG_LABEL = 'a'.repeat(63);

test('a host is a name or an IP address', () => {
  for (const host of [
    'localhost',
    'a',
    'my_service',
    'shop.example.com',
    '127.0.0.1',
    '::1',
    '2001:DB8::1',
    LONG_LABEL,
  ]) {
    assert.ok(isHost(host), host);
  }
});

test('what looks like an address but is none is no host', () => {
  for (const host of [
    '',
    '.',
    'a..b',
    '-a',
    'a-',
    '10.0.0',
    '999.1.1.1',
    '0x7f',
    '1',
    'fe80::1%eth0',
    '[::1]',
    'a b',
    'ü',
    'a/b',
    `${LONG_LABEL}a`,
  ]) {
    assert.ok(!isHost(host), host);
  }
  assert.ok(!isHost(`${'a.'.repeat(126)}ab`));
});

test('a host has one spelling', () => {
  assert.equal(canonicalHost('Shop.Example.COM'), 'shop.example.com');
  assert.equal(canonicalHost('0:0:0:0:0:0:0:1'), '::1');
  assert.equal(canonicalHost('2001:DB8::0001'), '2001:db8::1');
});

test('a host name of a route has no underscore and its wildcard is the first label', () => {
  for (const name of ['a.example', 'A.Example', '*.example.com', '*.a', '127.0.0.1']) {
    assert.equal(checkHostname(name), null, name);
  }
  for (const name of [
    '',
    '*',
    '*a.b',
    'a.*',
    '**.b',
    '*.*.b',
    '*.',
    'a_b.c',
    'a..b',
    '-a.b',
    '10.0.1',
    '*.10.0.0.1',
    'a.b.',
  ]) {
    assert.equal(checkHostname(name)?.kind, 'hostname', name);
  }
  assert.equal(checkHostname(5)?.kind, 'type');
});

test('a hint takes away what does not belong to a host name', () => {
  for (const [name, hint] of [
    ['https://shop.example.com/x', 'did you mean shop.example.com?'],
    ['shop.example.com/x', 'did you mean shop.example.com?'],
    ['shop.example.com:443', 'did you mean shop.example.com?'],
    ['shop.example.com.', 'did you mean shop.example.com?'],
    ['bücher.example', 'did you mean xn--bcher-kva.example?'],
    ['a b', ''],
  ] as const) {
    assert.equal(checkHostname(name)?.hint, hint, name);
  }
});

test('an address block has a prefix length of its family', () => {
  for (const [text, canonical] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00::/8', 'fd00::/8'],
    ['::1', '::1/128'],
  ] as const) {
    assert.equal(parseCidr(text), canonical);
    assert.equal(checkCidr(text), null);
  }
  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0/8',
    'a/8',
    '10.0.0.0/8/8',
    'fe80::1%lo/64',
  ]) {
    assert.equal(parseCidr(text), null, text);
    assert.equal(checkCidr(text)?.kind, 'cidr', text);
  }
  assert.equal(checkCidr('::/129')?.hint, 'the prefix length is from 0 to 128');
  assert.equal(checkCidr(['10.0.0.0/8'])?.kind, 'type');
});

test('a host name that is sent has no wildcard', () => {
  for (const name of ['a.example', 'A.Example', '127.0.0.1']) assert.equal(checkPreciseHostname(name), null, name);
  assert.equal(checkPreciseHostname('*.a.example')?.hint, 'a wildcard is no host to send');
  assert.equal(checkPreciseHostname('*')?.hint, '');
  assert.equal(checkPreciseHostname('https://a.example/b')?.hint, 'did you mean a.example?');
  assert.equal(checkPreciseHostname('a.example:8080')?.kind, 'hostname');
  assert.equal(checkPreciseHostname(1)?.kind, 'type');
});
