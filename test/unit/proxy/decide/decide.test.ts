/** The decision: route, user key, color, split; who may pin a version, and what a decision costs. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import { clientAddress, cookieValue, decide } from '#src/proxy/decide/decide.ts';
import { Exchange } from '#src/proxy/exchange.ts';
import type { ClientConnection } from '#src/proxy/http1/connection.ts';
import type { PlaneSketch, RouteSketch } from '../../../support/plane.ts';
import { bytesPerCall } from '../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

const SEED = 42;

/** Decides one request on a fresh bench. */
function decided(sketch: PlaneSketch, text: string, isTrusted = false): { x: Exchange; reason: number } {
  const on = bench(sketch);
  const x = exchangeOn(on);
  return { x, reason: decide(x, readHead(on.table, text), peerOf(isTrusted), new Random(SEED)) };
}

function sticky(key: RouteSketch['sticky']): PlaneSketch {
  return { routes: [{ ...TWO_VERSIONS, sticky: key ?? null }] };
}

/** Share of canary choices over 2,000 requests of one text. */
function canaryShare(on: Bench, text: string, isTrusted = false): number {
  const head = readHead(on.table, text);
  const random = new Random(SEED);
  let canary = 0;
  for (let i = 0; i < 2000; i++) {
    const x = exchangeOn(on);
    decide(x, head, peerOf(isTrusted), random);
    if (x.split?.version === 'canary') canary++;
  }
  return canary / 2000;
}

describe('a request', () => {
  it('that no route matches has a reason and nothing else', () => {
    const { x, reason } = decided({ routes: [{ ...TWO_VERSIONS, hostnames: ['b'] }] }, get('/'));
    assert.equal(reason, REASON.noRoute);
    assert.deepEqual([x.route, x.split], [null, null]);
  });

  it('whose versions all have weight 0 has its route, no version and a reason', () => {
    const { x, reason } = decided({ routes: [{ versions: [{ name: 'v1', ports: [7001], weight: 0 }] }] }, get('/'));
    assert.equal(reason, REASON.noEndpoint);
    assert.equal(x.route?.name, 'route0');
    assert.equal(x.split, null);
  });

  it('without a user key is drawn anew each time, by weight', () => {
    const share = canaryShare(bench(), get('/'));
    assert.ok(share > 0.03 && share < 0.075, `seed ${SEED}: ${share}`);
  });

  it('obeys a dial at once', () => {
    const on = bench();
    on.dials.set([0, 95, 0]);
    assert.equal(canaryShare(on, get('/')), 0);
    on.dials.set([0, 0, 5]);
    assert.equal(canaryShare(on, get('/')), 1);
  });
});

describe('a user key', () => {
  const keyed: readonly (readonly [string, RouteSketch['sticky'], string, string])[] = [
    [
      'from the header',
      { header: 'x-user-id', cookie: 'uid', clientIp: true },
      'X-User-Id: u1\r\nCookie: uid=c1\r\n',
      'u1',
    ],
    [
      'from the cookie without the header',
      { header: 'x-user-id', cookie: 'uid', clientIp: true },
      'Cookie: a=b; uid=c1; z=1\r\n',
      'c1',
    ],
    [
      'from the cookie when the header is empty',
      { header: 'x-user-id', cookie: 'uid', clientIp: true },
      'X-User-Id:\r\nCookie: uid=c1\r\n',
      'c1',
    ],
    ['from the address as the last resort', { header: 'x-user-id', cookie: 'uid', clientIp: true }, '', '203.0.113.7'],
  ];
  for (const [name, key, lines, value] of keyed) {
    it(`is taken ${name}`, () => assert.equal(decided(sticky(key), get('/', lines)).x.userKey, hash32(value)));
  }

  it('is the connection’s where none is configured', () => {
    assert.equal(decided(sticky(null), get('/', 'X-User-Id: u1\r\n')).x.userKey, peerOf().key);
  });

  it('holds its version', () => {
    const on = bench(sticky({ header: 'x-user-id', cookie: null, clientIp: false }));
    for (let user = 0; user < 200; user++) {
      const share = canaryShareOfUser(on, `u${user}`);
      assert.ok(share === 0 || share === 1, `u${user}: ${share}`);
    }
  });
});

function canaryShareOfUser(on: Bench, user: string): number {
  const head = readHead(on.table, get('/', `X-User-Id: ${user}\r\n`));
  const random = new Random(SEED);
  let canary = 0;
  for (let i = 0; i < 20; i++) {
    const x = exchangeOn(on);
    decide(x, head, peerOf(), random);
    if (x.split?.version === 'canary') canary++;
  }
  return canary / 20;
}

describe('a color', () => {
  it('pins its version, even one of weight 0', () => {
    const on = bench();
    on.dials.fill(0);
    for (const color of ['blue', 'canary']) {
      const x = exchangeOn(on);
      const reason = decide(x, readHead(on.table, get('/', `X-Release-Stage: ${color}\r\n`)), peerOf(), new Random(1));
      assert.equal(reason, REASON.none);
      assert.deepEqual([x.split?.version, x.isPinned], ['canary', true]);
    }
  });

  it('that nobody claims is ignored', () => {
    for (const color of ['purple', '', '__proto__', 'constructor', 'Blue']) {
      const { x, reason } = decided({ routes: [TWO_VERSIONS] }, get('/', `X-Release-Stage: ${color}\r\n`));
      assert.equal(reason, REASON.none);
      assert.equal(x.isPinned, false, color);
    }
  });

  it('of a stranger is ignored where only trusted proxies may set it', () => {
    const color = { header: 'x-release-stage', acceptFrom: 'trustedProxies' } as const;
    const request = get('/', 'X-Release-Stage: blue\r\n');
    const on = bench({ routes: [TWO_VERSIONS], color });
    assert.ok(canaryShare(on, request) < 0.1);
    assert.equal(canaryShare(on, request, true), 1);
  });
});

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
});

describe('a decision', () => {
  const client = { lane: stickyBench().lane } as unknown as ClientConnection;

  it('allocates no more than the strings it looks at', () => {
    const on = stickyBench();
    const head = readHead(on.table, get('/', 'X-User-Id: user-12345\r\nAccept: */*\r\n'));
    const random = new Random(SEED);
    const peer = peerOf();
    const x = exchangeOn(on);
    const bytes = bytesPerCall(() => void decide(x, head, peer, random), 5000, 64);
    assert.ok(bytes <= 64, `${bytes} B`);
  });

  it('and its exchange together stay below 384 bytes', () => {
    const on = stickyBench();
    const head = readHead(on.table, get('/', 'X-User-Id: user-12345\r\nAccept: */*\r\n'));
    const random = new Random(SEED);
    const peer = peerOf();
    let kept: Exchange | null = null;
    const bytes = bytesPerCall(
      () => {
        kept = new Exchange(client, on.table, 0.5);
        decide(kept, head, peer, random);
      },
      5000,
      384,
    );
    assert.ok(kept !== null && bytes <= 384, `${bytes} B`);
  });
});

/** A sticky route with two versions. */
function stickyBench(): Bench {
  return bench(sticky({ header: 'x-user-id', cookie: null, clientIp: false }));
}
