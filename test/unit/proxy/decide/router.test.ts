/** Which route a request takes: precedence of hosts, paths, methods, headers and document order. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeaderMatch, RouteMatch } from '#src/model/config.ts';
import type { Router } from '#src/proxy/decide/router.ts';
import type { RouteSketch } from '../../../support/plane.ts';
import { bytesPerCall } from '../../../support/proxy/allocation.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

const VERSIONS = [{ name: 'v1', ports: [7001], weight: 1 }];

interface Rule {
  readonly exact?: string;
  readonly prefix?: string;
  readonly method?: string;
  readonly headers?: readonly HeaderMatch[];
}

function match({ exact, prefix, method, headers }: Rule): RouteMatch {
  const path = exact === undefined ? { type: 'PathPrefix', value: prefix ?? '/' } : { type: 'Exact', value: exact };
  return { path: path as RouteMatch['path'], method: method ?? null, headers: headers ?? [], query: [] };
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
  return table.router.match(head.host, head.path, head.method, head.fields)?.name ?? null;
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

describe('looking up a route', () => {
  it('does not cost more with a thousand routes, and allocates only the strings it looks at', () => {
    const routes = Array.from({ length: 1000 }, (_, i) => route(`r${i}`, [`h${i}.example.com`], { prefix: `/p${i}` }));
    const { table } = bench({ routes: routes.map((one) => ({ ...one, versions: [] })) });
    const head = readHead(table, get('/p500/x', '', 'h500.example.com'));
    const { host, path, method, fields } = head;
    const router: Router = table.router;
    let name = '';
    const bytes = bytesPerCall(() => void (name = router.match(host, path, method, fields)?.name ?? ''), 5000, 32);
    assert.equal(name, 'r500');
    assert.ok(bytes <= 32, `${bytes} B`);
  });
});
