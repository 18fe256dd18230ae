/** The rate limits of a route: whom they count, and what a refused client is told. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { RateLimitConfig } from '#src/model/overload.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import { AWAITS_TOKEN, decide, type Peer } from '#src/proxy/decide/decide.ts';
import { linkRates, networkKey } from '#src/proxy/decide/rate/limits.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import type { RouteSketch } from '../../../../support/plane.ts';
import { bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../../../support/proxy/parts.ts';

const ONE: RateLimitConfig = { name: 'default', requests: 1, perMs: 60_000, burst: 1, by: 'address', scope: 'gateway' };

/** Decides requests one after another on one bench. */
function decider(change: Partial<RouteSketch>): (headers?: string, peer?: Peer, atMs?: number) => Exchange {
  const on = bench({ routes: [{ ...TWO_VERSIONS, ...change }], trustedProxies: ['10.0.0.0/8'] });
  const random = new Random(1);
  return (headers = '', peer = peerOf(), atMs = 1000) => {
    const x = exchangeOn(on, atMs);
    const course = decide(x, readHead(on.table, get('/', headers)), peer, random);
    assert.notEqual(course, AWAITS_TOKEN);
    x.reason = course as Reason;
    return x;
  };
}

const isRefused = ({ reason, split }: Exchange): boolean => {
  assert.equal(reason === REASON.rateLimited, split === null);
  return reason === REASON.rateLimited;
};

describe('a limit', () => {
  it('by address counts a client by where it comes from, on whatever connection', () => {
    const ask = decider({ rateLimits: [ONE] });
    assert.equal(isRefused(ask()), false);
    assert.equal(isRefused(ask('', { ...peerOf(), port: 1, key: 1 })), true);
    assert.equal(isRefused(ask('', { ...peerOf(), address: '203.0.113.8' })), false);
    assert.equal(isRefused(ask('X-Forwarded-For: 198.51.100.1\r\n')), true, 'nobody believes this peer');
  });

  it('by address counts those behind a trusted proxy apart', () => {
    const ask = decider({ rateLimits: [ONE] });
    const proxy = { ...peerOf(true), address: '10.0.0.1' };
    assert.equal(isRefused(ask('X-Forwarded-For: 198.51.100.1\r\n', proxy)), false);
    assert.equal(isRefused(ask('X-Forwarded-For: 198.51.100.2\r\n', proxy)), false);
    assert.equal(isRefused(ask('X-Forwarded-For: 9.9.9.9, 198.51.100.2\r\n', proxy)), true);
  });

  it('by user counts a user from wherever it comes, and who has no key by address', () => {
    const sticky = { header: 'x-user-id', cookie: null, clientIp: false };
    const ask = decider({ sticky, rateLimits: [{ ...ONE, by: 'user' }] });
    const elsewhere = { ...peerOf(), address: '203.0.113.9', key: 9 };
    assert.equal(isRefused(ask('X-User-Id: ada\r\n')), false);
    assert.equal(isRefused(ask('X-User-Id: ada\r\n', elsewhere)), true);
    assert.equal(isRefused(ask('X-User-Id: bob\r\n')), false);
    assert.equal(isRefused(ask()), false);
    assert.equal(isRefused(ask('', { ...peerOf(), port: 2, key: 2 })), true);
  });

  it('by route counts everybody together', () => {
    const ask = decider({ rateLimits: [{ ...ONE, by: 'route', burst: 2 }] });
    const froms = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
    assert.deepEqual(
      froms.map((address) => isRefused(ask('', { ...peerOf(), address }))),
      [false, false, true],
    );
  });

  it('that refuses a request leaves those before it as they were', () => {
    const ask = decider({
      rateLimits: [
        { ...ONE, name: 'hour', perMs: 3_600_000, burst: 3 },
        { ...ONE, name: 'second', perMs: 1000 },
      ],
    });
    const refused = [0, 1, 2, 1002, 1003, 2004, 3006].map((ms) => isRefused(ask('', peerOf(), 1000 + ms)));
    assert.deepEqual(refused, [false, true, true, false, true, false, true]);
    assert.match(ask('', peerOf(), 4100).detail, /hour/);
  });

  it('tells a refused client the policy and when to come back', () => {
    const ask = decider({ rateLimits: [{ ...ONE, name: 'per-ip', requests: 100, burst: 1 }] });
    ask();
    const { detail, answerLines } = ask();
    assert.equal(detail, 'more than 100 requests in 60 s (per-ip): try again in 1 s');
    assert.equal(
      answerLines,
      'Retry-After: 1\r\nRateLimit-Policy: "per-ip";q=100;w=60\r\nRateLimit: "per-ip";r=0;t=1\r\n',
    );
  });

  it('tells each client its own time, whatever was told before', () => {
    const ask = decider({ rateLimits: [ONE] });
    ask();
    const told = [1000, 1000, 31_000, 1000].map((ms) => ask('', peerOf(), ms).answerLines);
    const seconds = told.map((lines) => /^Retry-After: (\d+)\r\n[^]*;t=\1\r\n$/.exec(lines)?.[1]);
    assert.deepEqual(seconds, ['60', '60', '30', '60']);
  });

  it('is the same one in the next snapshot, unless something of it changed', () => {
    const seeds = (limit: RateLimitConfig, route = 'shop') => linkRates(route, [limit])?.[0]?.seed;
    assert.equal(seeds(ONE), seeds({ ...ONE }));
    assert.notEqual(seeds(ONE), seeds({ ...ONE, requests: 2 }));
    assert.notEqual(seeds(ONE), seeds({ ...ONE, scope: 'fleet' }));
    assert.notEqual(seeds(ONE), seeds(ONE, 'cart'));
    assert.equal(linkRates('shop', []), null);
  });
});

describe('an address', () => {
  it('is counted whole where it is IPv4, also as IPv6 spells it', () => {
    assert.notEqual(networkKey('203.0.113.7'), networkKey('203.0.113.8'));
    assert.equal(networkKey('::ffff:203.0.113.7'), networkKey('203.0.113.7'));
  });

  it('is counted by its /64 where it is IPv6, however it is written', () => {
    const one = networkKey('2001:db8:0:1::1');
    for (const same of ['2001:db8:0:1::2', '2001:DB8:0000:0001:ffff:0:0:1', '2001:db8:0:1:1:2:3:4']) {
      assert.equal(networkKey(same), one, same);
    }
    for (const other of ['2001:db8:0:2::1', '2001:db8::1', '2001:db9:0:1::1']) {
      assert.notEqual(networkKey(other), one, other);
    }
    assert.equal(networkKey('2001:db8::1'), networkKey('2001:db8:0:0:1::'));
    assert.equal(networkKey('::1'), networkKey('0:0:0:0:1:2:3:4'));
    // What stands behind the gap belongs to the network where the gap is within it.
    const short = networkKey('fd00:0:0:1:a:b:c:d');
    for (const same of ['fd00::1:0:0:0:1', 'fd00:0:0:1::5']) assert.equal(networkKey(same), short, same);
    for (const other of ['fd00::2:a:b:c:d', 'fd00::3:e:f:1:2']) assert.notEqual(networkKey(other), short, other);
    assert.notEqual(networkKey('fd00::2:a:b:c:d'), networkKey('fd00::3:e:f:1:2'));
  });
});
