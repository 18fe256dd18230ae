import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RouteMatch } from '#src/model/config.ts';
import { conditionText, filterNames, listingOf, matchText } from '#src/model/threads/explain.ts';
import { CLIENT_IDENTITY, SCHEME } from '#src/model/threads/tls.ts';
import { parseConfig } from '#src/sources/parse.ts';

const PREFIX: RouteMatch = { path: { type: 'PathPrefix', value: '/shop' }, method: null, headers: [], query: [] };

suite('routes in words', () => {
  test('a match names what it asks for, and no value of it', () => {
    assert.equal(matchText([], PREFIX), 'any host  PathPrefix /shop');
    const header = { name: 'x-tenant', type: 'Exact', value: 'secret' } as unknown as RouteMatch['headers'][number];
    const query = { name: 'q', type: 'Exact', value: 'secret' } as unknown as RouteMatch['query'][number];
    const match = { ...PREFIX, method: 'GET', headers: [header], query: [query] };
    assert.equal(
      matchText(['a.test', '*.b.test'], match),
      'a.test, *.b.test  GET PathPrefix /shop  header x-tenant, query q',
    );
  });

  test('conditions on the connection have names of their own', () => {
    assert.deepEqual(
      [SCHEME, CLIENT_IDENTITY, 'x-a'].map((name) => conditionText({ name })),
      ['scheme', 'client identity', 'header x-a'],
    );
  });

  test('a listing has everything that a route does besides', () => {
    const result = parseConfig(
      `
listen: 127.0.0.1:8080
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:7001"]}}}}
routes:
  - name: shop
    hostnames: [shop.test]
    matches: [{path: {type: Exact, value: /a}}, {method: POST}]
    timeouts: {request: 2s}
    priority: critical
    sticky: {header: x-user-id}
    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-a]}}]
    experiments: [{id: fees, percent: 50, groups: [{name: a, weight: 1}, {name: b, weight: 1}]}]
    rateLimits: [{name: calm, requests: 10, per: 1s}]
    backendRefs: [{name: shop, version: v1, weight: 1}]
`,
      'gateway.yaml',
      {},
    );
    assert.ok(result.ok, JSON.stringify(result));
    const [route] = result.config.routes;
    assert.ok(route !== undefined);
    assert.deepEqual(listingOf(route), {
      name: 'shop',
      matches: ['shop.test  Exact /a', 'shop.test  POST PathPrefix /'],
      filters: ['requestHeaders'],
      rateLimits: ['calm'],
      experiments: ['fees'],
      priority: 'critical',
      requestTimeoutMs: 2000,
    });
    assert.deepEqual(filterNames({ ...route.filters, requestHeaders: null }), []);
  });
});
