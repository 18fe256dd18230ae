/** The decision: route, user key, color, split; who may pin a version, and what a decision costs. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { Exchange } from '#src/proxy/exchange.ts';
import type { ClientConnection } from '#src/proxy/http1/connection.ts';
import { ANY_PATH, type PlaneSketch, type RouteSketch } from '../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
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
    it(`is taken ${name}`, () => assert.equal(decided(sticky(key), get('/', lines)).x.userKey, hash32(value) | 0));
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

describe('what a stranger claims', () => {
  const header = (name: string): RouteSketch => ({
    ...TWO_VERSIONS,
    name: 'claimed',
    matches: [{ ...ANY_PATH, headers: [{ name, type: 'Exact', value: 'x' }] }],
  });
  const color = { header: 'x-release-stage', acceptFrom: 'trustedProxies' } as const;

  for (const name of ['x-release-stage', 'x-forwarded-proto', 'x-forwarded-user', 'x-client-cert', 'true-client-ip']) {
    it(`in ${name} does not choose its route`, () => {
      const sketch = { routes: [header(name), { ...TWO_VERSIONS, name: 'plain' }], color };
      const text = get('/', `${name}: x\r\n`);
      assert.equal(decided(sketch, text).x.route?.name, 'plain');
      assert.equal(decided(sketch, text, true).x.route?.name, 'claimed');
    });
  }

  it('in the color header chooses a route where anyone may send it', () => {
    const sketch = { routes: [header('x-release-stage'), TWO_VERSIONS] };
    assert.equal(decided(sketch, get('/', 'X-Release-Stage: x\r\n')).x.route?.name, 'claimed');
  });
});

describe('a path that others may read differently', () => {
  const prefix = (name: string, value: string): RouteSketch => ({
    ...TWO_VERSIONS,
    name,
    matches: [{ ...ANY_PATH, path: { type: 'PathPrefix', value } }],
  });
  const exact: RouteSketch = {
    ...TWO_VERSIONS,
    name: 'exact',
    matches: [{ ...ANY_PATH, path: { type: 'Exact', value: '/pay' } }],
  };
  const sketch: PlaneSketch = { routes: [prefix('root', '/'), prefix('admin', '/admin'), exact] };

  const refused = [
    '//admin',
    '/x/..//admin/users',
    '/admin;x=1/users',
    '/;/admin',
    '/admin%2Fusers',
    '/%2fadmin',
    '/admin%5Cusers',
    '/admin%3Bx/users',
    '/admin%252Fusers',
    '/x/%252e%252e/admin',
    '/pay;jsessionid=1',
    '/pay//',
    '/;a//b%2Fc%5Cd%3Be%252Ff',
  ];
  for (const path of refused) {
    it(`such as ${path} is refused where another route might be meant`, () => {
      const { x, reason } = decided(sketch, get(path));
      assert.equal(reason, path === '/pay//' ? REASON.none : REASON.badRequest);
      assert.equal(x.route?.name, path === '/pay//' ? 'root' : undefined);
    });
  }

  const taken: readonly (readonly [string, string])[] = [
    ['/a//b', 'root'],
    ['/a;x=1/b', 'root'],
    ['/group%2Fproject', 'root'],
    ['/admin/a//b', 'admin'],
    ['/admin/a;x=1', 'admin'],
    ['/admin/a%2Fb', 'admin'],
    ['/?a=//admin;x%2F', 'root'],
  ];
  for (const [path, route] of taken) {
    it(`such as ${path} takes the route that every reading takes`, () => {
      const { x, reason } = decided(sketch, get(path));
      assert.deepEqual([reason, x.route?.name], [REASON.none, route]);
    });
  }

  it('is refused where one reading takes no route at all', () => {
    const { reason } = decided({ routes: [exact, prefix('deep', '/a/b')] }, get('/a/b;/../../x%2F'));
    assert.equal(reason, REASON.noRoute);
    assert.equal(decided({ routes: [prefix('deep', '/a;b')] }, get('/a;b')).reason, REASON.badRequest);
  });
});

describe('a request that goes in circles', () => {
  it('is not routed again', () => {
    const passed = (times: number): number =>
      decided({ routes: [TWO_VERSIONS] }, get('/', 'Via: 1.1 sluice\r\n'.repeat(times))).reason;
    assert.equal(passed(7), REASON.none);
    assert.equal(passed(8), REASON.loopDetected);
  });
});

describe('a filter that answers', () => {
  const redirect = { scheme: null, hostname: 'new.test', path: null, port: 80, status: 301 } as const;
  const cors = {
    allowOrigins: ['*'],
    allowMethods: ['POST'],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeS: 1,
  };

  it('needs no version', () => {
    const { x, reason } = decided({ routes: [{ versions: [], filters: { redirect } }] }, get('/a'));
    assert.equal(reason, REASON.none);
    assert.deepEqual(x.answer, { status: 301, lines: 'Location: http://new.test/a\r\n' });
    assert.deepEqual([x.route?.name, x.split], ['route0', null]);
  });

  it('knows what the rule matched', () => {
    const path = { type: 'ReplacePrefixMatch', value: '/new' } as const;
    const matches = [{ ...ANY_PATH, path: { type: 'PathPrefix', value: '/old/' } as const }];
    const { x } = decided(
      { routes: [{ versions: [], matches, filters: { redirect: { ...redirect, path } } }] },
      get('/old/a?b'),
    );
    assert.equal(x.answer?.lines, 'Location: http://new.test/new/a?b\r\n');
  });

  it('without versions and without an answer is a version that is not there', () => {
    assert.equal(decided({ routes: [{ versions: [] }] }, get('/')).reason, REASON.noEndpoint);
  });

  const preflight = get('/', 'Origin: https://x.test\r\nAccess-Control-Request-Method: POST\r\n').replace(
    'GET',
    'OPTIONS',
  );
  it('is that of the route for the method that a preflight asks for', () => {
    const posts: RouteSketch = {
      ...TWO_VERSIONS,
      name: 'posts',
      matches: [{ ...ANY_PATH, method: 'POST' }],
      filters: { cors },
    };
    const { x } = decided({ routes: [TWO_VERSIONS, posts] }, preflight);
    assert.equal(x.answer?.status, 204);
    assert.equal(x.route?.name, 'posts');
    assert.equal(decided({ routes: [TWO_VERSIONS, posts] }, get('/').replace('GET', 'OPTIONS')).x.answer, null);
    assert.equal(decided({ routes: [TWO_VERSIONS] }, preflight).x.answer, null);
    const alone = decided({ routes: [posts] }, preflight);
    assert.deepEqual([alone.x.answer?.status, alone.x.route?.name], [204, 'posts']);
    assert.equal(decided({ routes: [posts] }, get('/').replace('GET', 'OPTIONS')).reason, REASON.noRoute);
    const others = { ...posts, filters: {} };
    assert.equal(
      decided({ routes: [others, { ...posts, name: 'gets', matches: [{ ...ANY_PATH, method: 'GET' }] }] }, preflight)
        .reason,
      REASON.noRoute,
    );
  });

  it('is that of the route for a preflight however its path is read', () => {
    const at = (name: string, value: string): RouteSketch => ({
      ...TWO_VERSIONS,
      name,
      matches: [{ ...ANY_PATH, path: { type: 'PathPrefix', value }, method: 'POST' }],
      filters: { cors },
    });
    const ambiguous = preflight.replace('OPTIONS / ', 'OPTIONS /a%2fb ');
    assert.equal(decided({ routes: [at('all', '/')] }, ambiguous).x.answer?.status, 204);
    assert.equal(decided({ routes: [at('all', '/'), at('b', '/a/b')] }, ambiguous).reason, REASON.badRequest);
  });

  it('leaves its CORS lines for the response', () => {
    const { x } = decided({ routes: [{ ...TWO_VERSIONS, filters: { cors } }] }, get('/', 'Origin: https://x.test\r\n'));
    assert.equal(x.answer, null);
    assert.equal(x.answerLines, 'Access-Control-Allow-Origin: *\r\n');
  });
});

describe('a decision', () => {
  const client = { lane: stickyBench().lane } as unknown as ClientConnection;

  it('allocates no more than the strings it looks at', COUNTED, () => {
    const on = stickyBench();
    const head = readHead(on.table, get('/', 'X-User-Id: user-12345\r\nAccept: */*\r\n'));
    const random = new Random(SEED);
    const peer = peerOf();
    const x = exchangeOn(on);
    const bytes = bytesPerCall(() => void decide(x, head, peer, random), 5000, 64);
    assert.ok(bytes <= 64, `${bytes} B`);
  });

  it('and its exchange together stay below 256 bytes', COUNTED, () => {
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
      256,
    );
    assert.ok(kept !== null && bytes <= 256, `${bytes} B`);
  });
});

describe('a priority', () => {
  const rankIn = (isTrusted: boolean, header: string, priorityHeader?: string): number => {
    const routes = [{ versions: [{ name: 'v1', ports: [7001], weight: 1 }], priority: 'degraded' as const }];
    const on = bench({ routes, ...(priorityHeader !== undefined && { priorityHeader }) });
    const x = exchangeOn(on);
    decide(x, readHead(on.table, get('/', header)), peerOf(isTrusted), new Random(SEED));
    return x.priority;
  };

  it('is the route’s, unless a trusted peer names another in the configured header', () => {
    assert.equal(rankIn(true, ''), 2);
    assert.equal(rankIn(true, 'X-Priority: critical\r\n', 'x-priority'), 0);
    assert.equal(rankIn(true, 'X-Priority: soon\r\n', 'x-priority'), 2);
    assert.equal(rankIn(false, 'X-Priority: critical\r\n', 'x-priority'), 2);
    assert.equal(rankIn(true, 'X-Priority: critical\r\n'), 2);
  });
});

/** A sticky route with two versions. */
function stickyBench(): Bench {
  return bench(sticky({ header: 'x-user-id', cookie: null, clientIp: false }));
}
