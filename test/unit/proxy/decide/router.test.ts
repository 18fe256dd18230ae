/** Which route a request takes: precedence of hosts, paths, methods, headers and document order. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { HeaderMatch, QueryMatch, RouteMatch } from '#src/model/config.ts';
import type { Router } from '#src/proxy/decide/router.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import type { RouteSketch } from '../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

const VERSIONS = [{ name: 'v1', ports: [7001], weight: 1 }];

interface Rule {
  readonly exact?: string;
  readonly prefix?: string;
  readonly pattern?: string;
  readonly method?: string;
  readonly headers?: readonly HeaderMatch[];
  readonly query?: readonly QueryMatch[];
}

function match({ exact, prefix, pattern, method, headers, query }: Rule): RouteMatch {
  const path: RouteMatch['path'] =
    pattern !== undefined
      ? { type: 'RegularExpression', value: pattern }
      : exact === undefined
        ? { type: 'PathPrefix', value: prefix ?? '/' }
        : { type: 'Exact', value: exact };
  return { path, method: method ?? null, headers: headers ?? [], query: query ?? [] };
}

function route(name: string, hostnames: readonly string[], ...rules: Rule[]): RouteSketch {
  return { name, hostnames, matches: rules.length === 0 ? [match({})] : rules.map(match), versions: VERSIONS };
}

/** The route's name for a request, or null. */
function routed(
  routes: readonly RouteSketch[],
  host: string,
  target: string,
  options: { method?: string; lines?: string } = {},
): string | null {
  const { table } = bench({ routes });
  const text = get(target, options.lines ?? '', host).replace(/^GET/, options.method ?? 'GET');
  const head = readHead(table, text);
  return table.router.match(head, head.path, head.method)?.route.name ?? null;
}

describe('a host', () => {
  const routes = [
    route('any', []),
    route('wide', ['*.example.com']),
    route('deep', ['*.api.example.com']),
    route('exact', ['shop.example.com', 'store.example.com']),
  ];
  const cases: readonly (readonly [string, string])[] = [
    ['shop.example.com', 'exact'],
    ['store.example.com', 'exact'],
    ['SHOP.Example.com:8080', 'exact'],
    ['shop.example.com.', 'exact'],
    ['x.example.com', 'wide'],
    ['x.y.example.com', 'wide'],
    ['v1.api.example.com', 'deep'],
    ['api.example.com', 'wide'],
    ['example.com', 'any'],
    ['xexample.com', 'any'],
    ['shop.example.com.evil.org', 'any'],
    ['evilshop.example.comx', 'any'],
    ['[::1]:80', 'any'],
  ];
  for (const [host, name] of cases)
    it(`${host} takes the route ${name}`, () => assert.equal(routed(routes, host, '/'), name));

  it('that no route names is not routed', () => assert.equal(routed(routes.slice(1), 'other.org', '/'), null));

  it('may be a route’s own though its paths do not match: then less specific hosts are asked', () => {
    const narrow = [route('narrow', ['shop.example.com'], { prefix: '/cart' }), route('wide', ['*.example.com'])];
    assert.equal(routed(narrow, 'shop.example.com', '/cart/1'), 'narrow');
    assert.equal(routed(narrow, 'shop.example.com', '/other'), 'wide');
  });
});

describe('a path', () => {
  const routes = [
    route('root', [], { prefix: '/' }),
    route('short', [], { prefix: '/api' }),
    route('long', [], { prefix: '/api/v1/' }),
    route('exact', [], { exact: '/api/v1' }),
  ];
  const cases: readonly (readonly [string, string])[] = [
    ['/', 'root'],
    ['/apix', 'root'],
    ['/API', 'root'],
    ['/api', 'short'],
    ['/api/', 'short'],
    ['/api?x=/api/v1', 'short'],
    ['/api/v12', 'short'],
    ['/api/v1', 'exact'],
    ['/api/v1/', 'long'],
    ['/api/v1/users', 'long'],
    ['/x/../api/v1/users', 'long'],
    ['/%61pi/v1/users', 'long'],
    ['/api%2Fv1/users', 'root'],
  ];
  for (const [path, name] of cases)
    it(`${path} takes the route ${name}`, () => assert.equal(routed(routes, 'a', path), name));

  it('called like a property of every object is just a path', () => {
    assert.equal(routed([route('one', [], { exact: '/x' })], 'a', '/__proto__'), null);
    assert.equal(routed([route('one', ['x'], {})], 'constructor', '/'), null);
  });
});

describe('among the rules of one path', () => {
  const beta = { name: 'x-beta', type: 'Exact' as const, value: 'yes' };
  const tenant = { name: 'x-tenant', type: 'Exact' as const, value: 'acme' };

  it('one with a method goes before one without, wherever it stands', () => {
    const routes = [route('any', [], {}), route('post', [], { method: 'POST' })];
    assert.equal(routed(routes, 'a', '/', { method: 'POST' }), 'post');
    assert.equal(routed(routes, 'a', '/'), 'any');
    assert.equal(routed(routes, 'a', '/', { method: 'post' }), 'any');
  });

  it('more header conditions go before fewer', () => {
    const routes = [
      route('none', [], {}),
      route('one', [], { headers: [beta] }),
      route('two', [], { headers: [beta, tenant] }),
    ];
    assert.equal(routed(routes, 'a', '/', { lines: 'X-Beta: yes\r\nX-Tenant: acme\r\n' }), 'two');
    assert.equal(routed(routes, 'a', '/', { lines: 'X-Beta: yes\r\nX-Tenant: other\r\n' }), 'one');
    assert.equal(routed(routes, 'a', '/', { lines: 'X-Beta: YES\r\n' }), 'none');
  });

  it('a method counts more than headers', () => {
    const routes = [route('headers', [], { headers: [beta, tenant] }), route('method', [], { method: 'GET' })];
    assert.equal(routed(routes, 'a', '/', { lines: 'X-Beta: yes\r\nX-Tenant: acme\r\n' }), 'method');
  });

  it('the first in the document wins between equals', () => {
    assert.equal(routed([route('first', [], {}), route('second', [], {})], 'a', '/'), 'first');
    const equals = [route('a', [], { headers: [beta] }), route('b', [], { headers: [tenant] })];
    assert.equal(routed(equals, 'a', '/', { lines: 'X-Tenant: acme\r\nX-Beta: yes\r\n' }), 'a');
  });

  it('a longer prefix goes before a method, an exact path before both', () => {
    const routes = [
      route('method', [], { prefix: '/a', method: 'GET' }),
      route('longer', [], { prefix: '/a/b' }),
      route('exact', [], { exact: '/a/b' }),
    ];
    assert.equal(routed(routes, 'a', '/a/b'), 'exact');
    assert.equal(routed(routes, 'a', '/a/b/c'), 'longer');
    assert.equal(routed(routes, 'a', '/a/c'), 'method');
  });

  it('a rule that asks for a header is not met by an alias with an underscore', () => {
    const routes = [route('beta', [], { headers: [beta] })];
    assert.equal(routed(routes, 'a', '/', { lines: 'X_Beta: yes\r\n' }), null);
  });
});

describe('a regular expression', () => {
  const routes = [
    route('pattern', [], { pattern: '/users/[0-9]+(/.*)?' }),
    route('post', [], { pattern: '/users/.*', method: 'POST' }),
    route('prefix', [], { prefix: '/users/7' }),
    route('exact', [], { exact: '/users/8' }),
  ];
  const cases: readonly (readonly [string, string | null])[] = [
    ['/users/1', 'pattern'],
    ['/users/1/a', 'pattern'],
    ['/users/1a', null],
    ['/x/users/1', null],
    ['/users/7', 'prefix'],
    ['/users/7/a', 'prefix'],
    ['/users/77', 'pattern'],
    ['/users/8', 'exact'],
  ];
  for (const [path, name] of cases) {
    it(`is tried last and takes whole paths: ${path} takes ${name}`, () =>
      assert.equal(routed(routes, 'a', path), name));
  }

  it('goes by method, headers and document order among others', () => {
    assert.equal(routed(routes, 'a', '/users/1', { method: 'POST' }), 'post');
    const equals = [route('first', [], { pattern: '/a+' }), route('second', [], { pattern: '/a' })];
    assert.equal(routed(equals, 'a', '/a'), 'first');
  });

  it('of a more specific host goes before a path of a less specific one', () => {
    const hosts = [route('any', [], { exact: '/a' }), route('host', ['a'], { pattern: '/.*' })];
    assert.equal(routed(hosts, 'a', '/a'), 'host');
    assert.equal(routed(hosts, 'b', '/a'), 'any');
  });

  it('is linear in a hostile path', () => {
    assert.equal(routed([route('r', [], { pattern: '(/a+)+/b' })], 'a', `/${'a'.repeat(8000)}`), null);
  });
});

describe('a query parameter', () => {
  const one: QueryMatch = { name: 'v', type: 'Exact', value: '2 0' };
  const routes = [
    route('none', [], {}),
    route('one', [], { query: [one] }),
    route('two', [], { query: [one, { name: 'w', type: 'RegularExpression', value: '[0-9]+' }] }),
    route('header', [], { headers: [{ name: 'x-a', type: 'Exact', value: '1' }] }),
  ];
  const cases: readonly (readonly [string, string])[] = [
    ['/', 'none'],
    ['/?v=2+0', 'one'],
    ['/?v=2%200&v=3', 'one'],
    ['/?v=3&v=2+0', 'none'],
    ['/?w=1&v=2+0', 'two'],
    ['/?w=x&v=2+0', 'one'],
    ['/?V=2+0', 'none'],
  ];
  for (const [target, name] of cases) {
    it(`decides: ${target} takes ${name}`, () => assert.equal(routed(routes, 'a', target), name));
  }

  it('counts less than a header', () => {
    assert.equal(routed(routes, 'a', '/?v=2+0&w=1', { lines: 'X-A: 1\r\n' }), 'header');
  });
});

describe('a prefix whose conditions are not met', () => {
  it('leaves the request to the next shorter one, and then to less specific hosts', () => {
    const beta: HeaderMatch = { name: 'x-beta', type: 'Exact', value: '1' };
    const routes = [
      route('deep', ['a'], { prefix: '/a/b', method: 'POST' }),
      route('exact', ['a'], { exact: '/a/b', headers: [beta] }),
      route('short', ['a'], { prefix: '/a', query: [{ name: 'q', type: 'Exact', value: '1' }] }),
      route('any', [], {}),
    ];
    assert.equal(routed(routes, 'a', '/a/b', { lines: 'X-Beta: 1\r\n' }), 'exact');
    assert.equal(routed(routes, 'a', '/a/b', { method: 'POST' }), 'deep');
    assert.equal(routed(routes, 'a', '/a/b?q=1'), 'short');
    assert.equal(routed(routes, 'a', '/a/b'), 'any');
  });
});

describe('a request line that came before', () => {
  const beta: HeaderMatch = { name: 'x-beta', type: 'Exact', value: '1' };
  const routes = [
    route('deep', ['a'], { prefix: '/a/b' }),
    route('short', ['a'], { prefix: '/a' }),
    route('read', ['a'], { exact: '/m', method: 'GET' }),
    route('written', ['a'], { exact: '/m', method: 'POST' }),
    route('got', ['a'], { exact: '/g', method: 'GET' }),
    route('choosy', ['a'], { exact: '/h', headers: [beta] }),
    route('modest', ['a'], { prefix: '/h' }),
    route('any', []),
  ];

  /** What asks as a server would, whose memory requests are read into. */
  function asker(sketches: readonly RouteSketch[]) {
    const { table } = bench({ routes: sketches });
    return {
      head: table.requestHead,
      ask: (target: string, { host = 'a', lines = '', method = 'GET' } = {}): string | null => {
        const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`;
        const head = table.requestHead;
        readMemory.write(text, 'latin1');
        assert.equal(head.parse(readMemory, 0, text.length), text.length);
        return table.router.match(head, head.path, head.method)?.route.name ?? null;
      },
      again: (path: string, method: string): string | null =>
        table.router.match(table.requestHead, path, method)?.route.name ?? null,
    };
  }

  it('leads where it led, whoever asks: each host, method and reading has its own', () => {
    const { head, ask, again } = asker(routes);
    for (let turn = 0; turn < 4; turn++) {
      assert.equal(ask('/a/b/c'), 'deep');
      assert.equal(again('/a/x', 'GET'), 'short');
      assert.equal(ask('/a/b/c', { host: 'b' }), 'any');
      assert.equal(ask('/a%2Fb/c?q'), 'any');
      assert.equal(again('/a/b/c', 'GET'), 'deep');
      assert.equal(ask('/m'), 'read');
      assert.equal(again('/m', 'POST'), 'written');
      assert.equal(ask('/g'), 'got');
      assert.equal(again('/g', 'POST'), 'any');
      assert.equal(ask('/m', { method: 'POST' }), 'written');
    }
    assert.equal(ask('/a/b/c'), 'deep');
    assert.equal(head.line?.rule?.route.name, 'deep');
  });

  it('leads nowhere in particular where the fields have a say', () => {
    const { head, ask } = asker(routes);
    for (let turn = 0; turn < 4; turn++) {
      assert.equal(ask('/h'), 'modest');
      assert.equal(ask('/h', { lines: 'X-Beta: 1\r\n' }), 'choosy');
    }
    assert.ok(head.line !== null && head.line.rule === null);
  });

  it('leads elsewhere among other routes', () => {
    const sketches = [route('one', ['a']), route('two', ['b'])];
    const { table } = bench({ routes: sketches });
    const other = bench({ routes: [route('three', ['a'])] }).table.router;
    const head = table.requestHead;
    const text = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
    for (let turn = 0; turn < 4; turn++) {
      readMemory.write(text, 'latin1');
      assert.equal(head.parse(readMemory, 0, text.length), text.length);
      assert.equal(table.router.match(head, '/x', 'GET')?.route.name, 'one');
      assert.equal(other.match(head, '/x', 'GET')?.route.name, 'three');
    }
    assert.equal(head.line?.rule?.route.name, 'three');
  });
});

describe('looking up a route', () => {
  /** Routes of one host with a prefix each, of a few lengths, as a large gateway has them. */
  const many = (count: number): Router => {
    const routes = Array.from({ length: count }, (_, i) =>
      route(`r${i}`, i % 2 === 0 ? [`h${i}.test`] : [], { prefix: `/p${i}/x` }),
    );
    return bench({ routes: routes.map((one) => ({ ...one, versions: [] })) }).table.router;
  };

  /** How many lookups in maps a request takes. */
  function lookups(t: TestContext, router: Router, host: string, path: string): number {
    const head = readHead(bench().table, get(path, '', host));
    const calls = t.mock.method(Map.prototype, 'get');
    router.match(head, head.path, head.method);
    const count = calls.mock.callCount();
    calls.mock.restore();
    return count;
  }

  it('takes as many steps among 10,000 routes as among 10', (t) => {
    const [few, all] = [many(10), many(10_000)];
    for (const [host, path] of [
      ['h4.test', '/p4/x/y/z'],
      ['h4.test', '/p5/x/y/z'],
      ['h4.test', '/none/of/them/at/all'],
    ] as const) {
      const steps = lookups(t, few, host, path);
      assert.ok(steps > 0);
      // Longer prefixes exist among more routes: their lengths may add a lookup each.
      assert.ok(lookups(t, all, host, path) <= steps + 2, path);
    }
  });

  it('takes no more steps than the path has slashes and the prefixes have lengths', (t) => {
    const steps = lookups(t, many(1000), 'h4.test', `${'/a'.repeat(3000)}`);
    assert.ok(steps <= 16, `${steps}`);
  });

  it('does not cost more with a thousand routes, and allocates only the strings it looks at', COUNTED, () => {
    const routes = Array.from({ length: 1000 }, (_, i) => route(`r${i}`, [`h${i}.example.com`], { prefix: `/p${i}` }));
    const { table } = bench({ routes: routes.map((one) => ({ ...one, versions: [] })) });
    const head = readHead(table, get('/p500/x', '', 'h500.example.com'));
    const { path, method } = head;
    const router: Router = table.router;
    let name = '';
    const bytes = bytesPerCall(() => void (name = router.match(head, path, method)?.route.name ?? ''), 5000, 32);
    assert.equal(name, 'r500');
    assert.ok(bytes <= 32, `${bytes} B`);
  });
});
