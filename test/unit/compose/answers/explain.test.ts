/** Explanations from a real document, through the compiler, the table and the decision of the data plane. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainConfig, explainInForce } from '#src/compose/answers/explain.ts';
import type { RouteExplanation, RouteQuestion } from '#src/model/threads/explain.ts';
import { createDials, setDial } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';

const DOCUMENT = `
trustedProxies: [10.0.0.0/8]
color: {jwt: {jwks: {keys: [{kty: OKP, crv: Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}, audience: [shop], issuer: "https://id.test", claim: color}}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:1"]}
      v2: {endpoints: ["127.0.0.1:2"], colors: [blue]}
routes:
  - name: cart
    hostnames: [shop.test]
    matches: [{path: {value: /cart}, method: POST, headers: [{name: X-Tenant, value: geheim}], queryParams: [{name: q, value: "1"}]}]
    backendRefs: [{name: shop, version: v1}]
  - name: shop
    hostnames: [shop.test]
    matches: [{path: {value: /cart}}, {path: {type: Exact, value: /x}}]
    sticky: {header: x-user-id}
    rateLimits: [{name: calm, requests: 1, per: 1h}]
    backendRefs: [{name: shop, version: v1, weight: 3}, {name: shop, version: v2, weight: 1}]
  - name: old
    hostnames: [shop.test]
    matches: [{path: {value: /old}}]
    filters: [{type: RequestRedirect, requestRedirect: {statusCode: 301, path: {type: ReplacePrefixMatch, replacePrefixMatch: /cart}}}]
  - name: rest
    backendRefs: [{name: shop, version: v1, weight: 0}, {name: shop, version: v2, weight: 1}]
  - name: else
    hostnames: ["*.else.test"]
    backendRefs: [{name: shop, version: v1}]
`;

function currentOf(document = DOCUMENT) {
  const parsed = parseConfig(document, 'x.yaml', {});
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { config: parsed.config };
}

function ask(url: string, changes: Partial<RouteQuestion> = {}, document = DOCUMENT): RouteExplanation {
  const question = { method: 'GET', url, headers: [], from: '192.0.2.1', ...changes };
  const answer = explainConfig(currentOf(document).config, 'x.yaml', question);
  assert.ok(answer.kind === 'done', JSON.stringify(answer));
  return answer.explanation;
}

describe('a request that a route takes', () => {
  test('is told with its match, its version and why, and the others with what they miss', () => {
    const told = ask('http://shop.test/cart/1?q=2', { headers: [['X-User-Id', 'ada']] });
    assert.deepEqual([told.outcome, told.route, told.match], ['forwarded', 'shop', 'shop.test  PathPrefix /cart']);
    assert.deepEqual([told.host, told.path, told.isTrusted], ['shop.test', '/cart/1', false]);
    assert.equal(told.version?.by, 'userKey');
    assert.deepEqual(
      told.versions.map(({ version, weight }) => [version, weight]),
      [
        ['v1', 3],
        ['v2', 1],
      ],
    );
    assert.deepEqual(told.versions[1]?.colors.includes('blue'), true);
    assert.deepEqual(told.rateLimits, ['calm']);
    assert.deepEqual(told.others, [
      { name: 'rest', match: 'any host  PathPrefix /', because: 'it matches too, and comes after shop' },
      { name: 'old', match: 'shop.test  PathPrefix /old', because: 'the path is not PathPrefix /old' },
      {
        name: 'cart',
        match: 'shop.test  POST PathPrefix /cart  header x-tenant, query q',
        because: 'the method is not POST; header x-tenant is missing or another; query q is missing or another',
      },
    ]);
    assert.deepEqual([told.otherHosts, told.more], [1, 0]);
    assert.doesNotMatch(JSON.stringify(told), /geheim/);
  });

  test('goes by all conditions that it meets, as often as it is asked', () => {
    const headers = [['x-tenant', 'geheim']] as const;
    for (let n = 0; n < 3; n++) {
      const told = ask('http://shop.test/cart?q=1', { method: 'POST', headers });
      assert.equal(told.route, 'cart');
    }
    assert.equal(ask('http://SHOP.test:8080/a/../x').route, 'shop');
    assert.equal(ask('http://a.else.test/').route, 'else');
  });

  test('is pinned by its color where its sender is believed', () => {
    const headers = [['X-Release-Stage', 'blue']] as const;
    const pinned = ask('http://shop.test/cart', { headers, from: '10.1.2.3' });
    assert.deepEqual([pinned.isTrusted, pinned.version?.version, pinned.version?.by], [true, 'v2', 'color']);
    const stranger = ask('http://shop.test/cart', { headers });
    assert.deepEqual([stranger.isTrusted, stranger.version?.by], [false, 'drawn']);
  });

  test('is answered where a filter does', () => {
    const told = ask('http://shop.test/old/a');
    assert.deepEqual([told.outcome, told.status, told.route, told.filters], ['answered', 301, 'old', ['redirect']]);
  });
});

test('a request that is refused is told with the reason', () => {
  const nowhere = ask('http://shop.test/none', { headers: [['Host', 'other.test']], method: 'GET' });
  assert.equal(nowhere.route, 'rest');
  assert.deepEqual([nowhere.host, nowhere.versions.map(({ weight }) => weight)], ['other.test', [0, 1]]);
  const ambiguous = ask('http://shop.test/x//..%2fcart');
  assert.deepEqual([ambiguous.outcome, ambiguous.status, ambiguous.reason], ['refused', 400, 'bad_request']);
  const twice = ask('http://shop.test/', {
    headers: [
      ['Host', 'a'],
      ['Host', 'b'],
    ],
  });
  assert.deepEqual([twice.outcome, twice.status, twice.route], ['refused', 400, null]);
});

test('what is no request is refused as a question', () => {
  const question = { method: 'GET', url: 'http://shop.test/', headers: [], from: '192.0.2.1' };
  for (const changes of [
    { url: 'shop.test/' },
    { url: 'ftp://shop.test/' },
    { url: 'http://shop.test/\r\nX: 1' },
    { method: 'GET /' },
    { headers: [['a b', 'c']] },
    { headers: [['a', 'b\r\nX: 1']] },
    { from: 'localhost' },
  ] as Partial<RouteQuestion>[]) {
    const answer = explainConfig(currentOf().config, 'x.yaml', { ...question, ...changes });
    assert.equal(answer.kind, 'refused', JSON.stringify(changes));
  }
});

test('a token is not verified, and that is said', () => {
  const [note] = ask('http://shop.test/cart', { headers: [['Authorization', 'Bearer a.b.c']] }).notes;
  assert.match(note ?? '', /has a token/);
  assert.deepEqual(ask('http://shop.test/cart').notes, []);
});

test('the weights in force count, and nothing is written to them', () => {
  const dials = createDials();
  const store = new Store({ file: 'x.yaml', dials, wallTime: () => '', mayRecycle: () => false });
  const { config } = currentOf();
  assert.equal(store.offer({ ok: true, config, warnings: [] }).kind, 'swapped');
  const current = store.current as Current;
  const splits = current.snapshot.routes.find(({ name }) => name === 'shop')?.splits ?? [];
  setDial(dials, splits[0]?.dial ?? 0, 0);
  const before = dials.slice();
  const question = { method: 'GET', url: 'http://shop.test/cart', headers: [], from: '192.0.2.1' };
  for (let n = 0; n < 5; n++) {
    const answer = explainInForce(current, dials, question);
    assert.equal(answer.kind === 'done' && answer.explanation.version?.version, 'v2');
  }
  assert.deepEqual(dials, before);
});

test('conditions on the connection are met by the scheme of the URL, and by no certificate', () => {
  const document = `
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:1"]}}}}
routes:
  - {name: known, matches: [{clientIdentity: {value: cart}}], backendRefs: [{name: shop}]}
  - {name: safe, matches: [{scheme: https}], backendRefs: [{name: shop}]}
  - {name: rest, backendRefs: [{name: shop}]}
`;
  const [safe, plain] = [ask('https://a.test/', {}, document), ask('http://a.test/', {}, document)];
  assert.deepEqual([safe.route, safe.match], ['safe', 'any host  PathPrefix /  scheme']);
  assert.equal(plain.route, 'rest');
  assert.deepEqual(
    plain.others.map(({ name, because }) => [name, because]),
    [
      ['known', 'client identity is missing or another'],
      ['safe', 'scheme is missing or another'],
    ],
  );
  assert.deepEqual(safe.notes, ['some routes ask who the client is; here it has no certificate']);
  // A proxy in front says itself what it was asked by.
  const proxied = { from: '10.0.0.1', headers: [['X-Forwarded-Proto', 'https'] as const] };
  assert.equal(ask('http://a.test/', proxied, `trustedProxies: [10.0.0.0/8]${document}`).route, 'safe');
});
