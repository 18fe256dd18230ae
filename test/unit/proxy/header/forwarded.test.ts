/** Who asked: made anew for strangers, continued for trusted proxies, in the language that they speak. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLAIMS, forwardedFor, forwardedLines, isClaimName, isHttps, PeerLines } from '#src/proxy/header/forwarded.ts';
import { bench, get, peerOf, readHead } from '../../../support/proxy/parts.ts';

/** Lines added for a request with these fields, and those of its own that are left. */
function lines(text: string, options: { isTrusted?: boolean; isRewritten?: boolean; address?: string } = {}): string[] {
  const { fields } = readHead(bench().table, get('/', text));
  const { isTrusted = false, isRewritten = false, address = '203.0.113.7' } = options;
  const own = new PeerLines({ ...peerOf(isTrusted), address });
  if (!isTrusted) for (const id of CLAIMS) fields.drop(id);
  const added = forwardedLines(fields, own, 'shop:80', isRewritten);
  return (fields.kept() + added).trimEnd().split('\r\n').slice(1);
}

const ANEW = [
  'Forwarded: for=203.0.113.7;proto=http',
  'X-Forwarded-Port: 8080',
  'X-Forwarded-For: 203.0.113.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: shop:80',
];

describe('what is said of a client', () => {
  it('is made anew for a stranger', () => {
    const claims = 'X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Port: 1\r\n';
    assert.deepEqual(lines(''), ANEW);
    assert.deepEqual(lines(claims), ANEW);
  });

  it('is made anew for a trusted peer that says nothing: it is the client', () => {
    assert.deepEqual(lines('', { isTrusted: true }), ANEW);
  });

  it('names an IPv6 address as Forwarded wants it', () => {
    const [forwarded, , x] = lines('', { address: '2001:db8::1' });
    assert.equal(forwarded, 'Forwarded: for="[2001:db8::1]";proto=http');
    assert.equal(x, 'X-Forwarded-For: 2001:db8::1');
  });

  it('names the host of each request of a connection, whichever came before', () => {
    const own = new PeerLines({ ...peerOf(), address: '203.0.113.7' });
    for (const host of ['a', 'a', 'a', 'b.example:8080', 'a', 'b.example:8080', 'b.example:8080']) {
      assert.deepEqual(own.of(host).split('\r\n'), [...ANEW.slice(0, -1), `X-Forwarded-Host: ${host}`, '']);
    }
  });

  it('is there as bytes once it is remembered', () => {
    const own = new PeerLines({ ...peerOf(), address: '203.0.113.7' });
    assert.equal(own.bytesOf(own.of('a')), null);
    for (const host of ['a', 'a', 'b', 'a']) {
      const said = own.of(host);
      assert.equal(own.bytesOf(said)?.toString('latin1'), said);
    }
    assert.equal(own.bytesOf(own.forwarded), null);
  });

  it('names the host in Forwarded where the upstream gets another one', () => {
    assert.deepEqual(lines('', { isRewritten: true }), [`${ANEW[0]};host="shop:80"`, ...ANEW.slice(1)]);
  });

  it('goes on where a trusted proxy speaks of it as X-Forwarded', () => {
    const said =
      'X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\nX-Forwarded-Port: 443\r\n';
    assert.deepEqual(lines(said, { isTrusted: true }), [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: a',
      'X-Forwarded-Port: 443',
      'X-Forwarded-For: 1.1.1.1, 203.0.113.7',
    ]);
  });

  it('goes on where a trusted proxy speaks of it as Forwarded, and is not said twice', () => {
    assert.deepEqual(lines('Forwarded: for=1.1.1.1;proto=https\r\nForwarded: for=2.2.2.2\r\n', { isTrusted: true }), [
      'Forwarded: for=1.1.1.1;proto=https, for=2.2.2.2, for=203.0.113.7;proto=http',
      'X-Forwarded-Host: shop:80',
    ]);
  });

  it('goes on in both where a trusted proxy speaks both', () => {
    const both = lines('Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\n', { isTrusted: true });
    assert.ok(both.includes('Forwarded: for=1.1.1.1, for=203.0.113.7;proto=http'));
    assert.ok(both.includes('X-Forwarded-For: 1.1.1.1, 203.0.113.7'));
    assert.ok(both.includes('X-Forwarded-Proto: http'));
  });
});

describe('Forwarded', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['for=192.0.2.1', ['192.0.2.1']],
    ['For="192.0.2.1:80" ; proto=http, by=x;for="[::1]"', ['192.0.2.1', '::1']],
    ['for="[2001:db8::1]:4711"', ['2001:db8::1']],
    ['for=unknown, for=_x, proto=http, ', ['', '', '', '']],
    ['host="a,b;for=6.6.6.6";for=1.1.1.1', ['1.1.1.1']],
    ['host="\\",for=6.6.6.6";for=1.1.1.1', ['1.1.1.1']],
    ['for="[::1', ['']],
  ];
  for (const [value, addresses] of cases) {
    it(`${value} names ${addresses.join(' and ')}`, () => assert.deepEqual(forwardedFor(value), addresses));
  }
});

it('HTTPS is believed of trusted proxies only', () => {
  const head = readHead(bench().table, get('/', 'X-Forwarded-Proto: HTTPS\r\n'));
  assert.equal(isHttps(head.fields, peerOf(true)), true);
  assert.equal(isHttps(head.fields, peerOf(false)), false);
  assert.equal(isHttps(readHead(bench().table, get('/')).fields, peerOf(true)), false);
});

describe('what the client spoke, of trusted proxies that speak Forwarded alone,', () => {
  const peer = { ...peerOf(true), trusts: (address: string) => address.startsWith('10.') };
  for (const [said, is] of [
    ['for=9.9.9.9;proto=https', true],
    ['for=9.9.9.9;proto=HTTPS, for=10.0.0.2;proto=http', true],
    ['proto=https;for=6.6.6.6, For=9.9.9.9;Proto="http", for=10.0.0.2;proto=https', false],
    ['for=10.0.0.3;proto=https, for=10.0.0.2;proto=http', true],
    ['for=unknown;proto=https', true],
    ['for=9.9.9.9', false],
    ['for="[2001:db8::1]:80";proto=https;by=_x', true],
  ] as const) {
    it(`is in the element of whom they heard from: ${said}`, () => {
      assert.equal(isHttps(readHead(bench().table, get('/', `Forwarded: ${said}\r\n`)).fields, peer), is);
    });
  }

  it('and is not believed beside another language, nor of a stranger', () => {
    const both = 'Forwarded: for=9.9.9.9;proto=https\r\nX-Forwarded-For: 9.9.9.9\r\n';
    assert.equal(isHttps(readHead(bench().table, get('/', both)).fields, peer), false);
    const stranger = readHead(bench().table, get('/', 'Forwarded: for=9.9.9.9;proto=https\r\n'));
    assert.equal(isHttps(stranger.fields, peerOf(false)), false);
  });

  it('is told on in both where only X-Forwarded-Proto says it', () => {
    const head = readHead(bench().table, get('/', 'X-Forwarded-Proto: https\r\n'));
    assert.match(
      forwardedLines(head.fields, new PeerLines(peer), 'shop', false),
      /Forwarded: for=[^\r]*;proto=https\r\n/,
    );
  });
});

it('names that speak for a proxy are known by how they begin', () => {
  assert.deepEqual(['x-forwarded-user', 'x-client-cert', 'x-clientele', 'x-forwarded', 'forwarded'].map(isClaimName), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
