/** The user of a request: cookies, and addresses as far as they can be believed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientAddress, cookieValue } from '#src/proxy/decide/user-key.ts';
import { bench, get, peerOf, readHead } from '../../../support/proxy/parts.ts';

describe('a cookie', () => {
  const cases: readonly (readonly [string | null, string | null])[] = [
    ['uid=1', '1'],
    ['a=b; uid=1; c=d', '1'],
    ['a=b;uid=1', '1'],
    ['xuid=0; uid=1', '1'],
    ['uidx=0; uid=1', '1'],
    ['a=uid; uid=1', '1'],
    ['uid=1; uid=2', '1'],
    ['uid=', ''],
    ['uid', null],
    ['a=uid=2', null],
    ['', null],
    [null, null],
  ];
  for (const [cookies, value] of cases)
    it(`of ${cookies} is ${value}`, () => assert.equal(cookieValue(cookies, 'uid'), value));

  it('is found in linear time', () => {
    const hostile = `${'uid'.repeat(10_000)}; uid=1`;
    assert.equal(cookieValue(hostile, 'uid'), '1');
  });
});

describe('the client’s address', () => {
  const addressOf = (lines: string, isTrusted: boolean): string => {
    const on = bench();
    return clientAddress(readHead(on.table, get('/', lines)), peerOf(isTrusted));
  };

  it('is the peer’s, whatever a stranger claims', () => {
    assert.equal(addressOf('X-Forwarded-For: 6.6.6.6\r\n', false), '203.0.113.7');
  });

  it('is the last one that a trusted proxy names', () => {
    assert.equal(addressOf('X-Forwarded-For: 6.6.6.6, 198.51.100.1\r\n', true), '198.51.100.1');
    assert.equal(addressOf('X-Forwarded-For: 198.51.100.1\r\n', true), '198.51.100.1');
    assert.equal(addressOf('', true), '203.0.113.7');
    assert.equal(addressOf('X-Forwarded-For: 6.6.6.6,\r\n', true), '203.0.113.7');
  });

  it('is the last one that is no trusted proxy itself', () => {
    assert.equal(addressOf('X-Forwarded-For: 6.6.6.6, 198.51.100.1, 10.0.0.2\r\n', true), '198.51.100.1');
    assert.equal(addressOf('X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n', true), '203.0.113.7');
  });

  it('is the last one also when the proxy added a line of its own', () => {
    assert.equal(addressOf('X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.1\r\n', true), '198.51.100.1');
  });

  it('is what Forwarded says where a trusted proxy speaks that instead', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['Forwarded: for=198.51.100.1;proto=https, for=10.0.0.2\r\n', '198.51.100.1'],
      ['Forwarded: proto=https;FOR="[2001:db8::1]:4711"\r\n', '2001:db8::1'],
      ['Forwarded: for=6.6.6.6\r\nForwarded: for="198.51.100.1:80";host="a,b;c"\r\n', '198.51.100.1'],
      ['Forwarded: for=6.6.6.6, for=unknown\r\n', '203.0.113.7'],
      ['Forwarded: for=6.6.6.6, for=_hidden\r\n', '203.0.113.7'],
      ['Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 198.51.100.1\r\n', '198.51.100.1'],
    ];
    for (const [lines, address] of cases) {
      assert.equal(addressOf(lines, true), address, lines);
      assert.equal(addressOf(lines, false), '203.0.113.7', lines);
    }
  });

  it('has one spelling, whatever the proxy writes: without port, brackets and upper case, IPv4 as such', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['198.51.100.1:4711', '198.51.100.1'],
      ['[2001:DB8:0::1]:4711', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
      ['::ffff:198.51.100.1', '198.51.100.1'],
      ['"198.51.100.1"', '198.51.100.1'],
      // Those of a trusted proxy are passed over in every spelling.
      ['198.51.100.1, 10.0.0.2:80, ::ffff:10.0.0.3', '198.51.100.1'],
    ];
    for (const [value, address] of cases)
      assert.equal(addressOf(`X-Forwarded-For: ${value}\r\n`, true), address, value);
  });

  it('is the peer’s where the last one that is no trusted proxy’s is no address', () => {
    const values = [
      '_hidden',
      'unknown',
      'fe80::1%eth0',
      '[fe80::1%25eth0]:80',
      '010.0.0.1',
      '1.2.3',
      'a b',
      '[',
      '"',
      ':',
      '::::',
    ];
    for (const value of values) {
      assert.equal(addressOf(`X-Forwarded-For: 6.6.6.6, ${value}\r\n`, true), '203.0.113.7', value);
      assert.equal(addressOf(`X-Forwarded-For: 6.6.6.6, ${value}, 10.0.0.2\r\n`, true), '203.0.113.7', value);
    }
  });

  it('is looked for in both languages as if X-Forwarded-For were the only one, where a proxy speaks both', () => {
    const both = 'Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 198.51.100.1\r\n';
    assert.equal(addressOf(both, true), '198.51.100.1');
    assert.equal(addressOf('Forwarded: for=192.0.2.1\r\nX-Forwarded-For: \r\n', true), '203.0.113.7');
  });
});
