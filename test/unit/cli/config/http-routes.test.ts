import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHttpRoutes } from '#src/cli/config/http-routes.ts';

const routeOf = (spec: unknown, name = 'shop', namespace?: string) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, ...(namespace !== undefined && { namespace }) },
  spec,
});
const dns = (host: string, port = 8080) => ({ endpoints: { dns: { name: `${host}.svc.cluster.local`, port } } });

describe('an HTTPRoute', () => {
  it('is a route with the Services that it leads to as versions of one service', () => {
    const matches = [{ path: { type: 'PathPrefix', value: '/cart' }, method: 'GET' }];
    const filters = [{ type: 'URLRewrite', urlRewrite: { hostname: 'a.test' } }];
    const backendRefs = [
      { name: 'shop-v1', port: 8080, weight: 95 },
      { kind: 'Service', group: '', name: 'shop-v2', port: 8080, weight: 5, namespace: 'next' },
    ];
    const rule = { matches, filters, backendRefs, timeouts: { request: '10s', backendRequest: '0s' } };
    const retry = { codes: [503], attempts: 2 };
    const spec = { parentRefs: [{ name: 'edge' }], hostnames: ['shop.test'], rules: [{ ...rule, retry }] };
    assert.deepEqual(fromHttpRoutes([routeOf(spec)]), {
      services: { shop: { versions: { v1: dns('shop-v1.default'), v2: dns('shop-v2.next') } } },
      routes: [
        {
          ...{ name: 'shop', hostnames: ['shop.test'], matches, filters },
          backendRefs: [
            { name: 'shop', version: 'v1', weight: 95 },
            { name: 'shop', version: 'v2', weight: 5 },
          ],
          ...{ timeouts: { request: '10s' }, retry },
        },
      ],
      leftOut: ['HTTPRoute shop: parentRefs'],
    });
  });

  it('of several rules is as many routes, by name or number; what they share is one service', () => {
    const to = (name: string, port = 80) => ({ backendRefs: [{ name, port }] });
    const spec = { rules: [{ name: 'buy', ...to('cart') }, to('cart'), to('cart', 81), {}] };
    const { routes, services } = fromHttpRoutes([routeOf(spec, 'web', 'prod')]);
    assert.deepEqual(
      routes.map(({ name, backendRefs }) => [name, backendRefs]),
      [
        ['web-buy', [{ name: 'cart', version: 'v1', weight: 1 }]],
        ['web-2', [{ name: 'cart', version: 'v1', weight: 1 }]],
        ['web-3', [{ name: 'web-3', version: 'v1', weight: 1 }]],
        ['web-4', undefined],
      ],
    );
    assert.deepEqual(services, {
      cart: { versions: { v1: dns('cart.prod', 80) } },
      'web-3': { versions: { v1: dns('cart.prod', 81) } },
    });
  });

  it('names versions by what differs in the names of the Services', () => {
    const namesOf = (...names: string[]) => {
      const spec = { rules: [{ backendRefs: names.map((name) => ({ name, port: 80 })) }] };
      const { services } = fromHttpRoutes([routeOf(spec, 'web')]);
      return Object.entries(services).map(([name, { versions }]) => [name, ...Object.keys(versions)]);
    };
    assert.deepEqual(namesOf('shop-api-blue', 'shop-api-green'), [['shop-api', 'blue', 'green']]);
    assert.deepEqual(namesOf('shop', 'shop-canary'), [['shop', 'shop', 'shop-canary']]);
    assert.deepEqual(namesOf('old', 'new'), [['web', 'old', 'new']]);
  });

  it("takes no service name under which a version is another's", () => {
    const to = (port: number, mirrored?: number) => {
      const backendRef = { name: 'shop', port: mirrored };
      const filters = mirrored === undefined ? [] : [{ type: 'RequestMirror', requestMirror: { backendRef } }];
      return { rules: [{ filters, backendRefs: [{ name: 'shop', port }] }] };
    };
    const { services, routes } = fromHttpRoutes([
      routeOf(to(80), 'cart'),
      routeOf(to(8080), 'shop'),
      routeOf(to(81, 82), 'web'),
      routeOf(to(8080), 'shop'),
    ]);
    const leadsTo = (ref: unknown) => services[(ref as { name: string }).name]?.versions['v1']?.endpoints.dns.port;
    const led = routes.map(({ backendRefs, filters = [] }) => [
      ...(backendRefs as unknown[]).map(leadsTo),
      ...(filters as { requestMirror: { backendRef: unknown } }[]).map((one) => leadsTo(one.requestMirror.backendRef)),
    ]);
    assert.deepEqual(led, [[80], [8080], [81, 82], [8080]]);
    assert.deepEqual(Object.keys(services), ['shop', 'shop-2', 'web', 'web-2']);
  });

  it('says what it leaves out of itself, and times without a limit', () => {
    const { metadata, ...route } = routeOf({
      parentRefs: [{ name: 'edge', sectionName: 'https' }],
      rules: [
        { timeouts: { request: '0s', backendRequest: '2s' } },
        { timeouts: { request: '0h0m', backendRequest: '0s' } },
        { backendRefs: [{ group: 'other.test', kind: 'Service', name: 'far', port: 80 }] },
      ],
    });
    const annotations = { 'other.test/buffer': '1m' };
    const { routes, leftOut } = fromHttpRoutes([{ ...route, metadata: { ...metadata, annotations } }]);
    assert.deepEqual(leftOut, [
      'HTTPRoute shop: annotation other.test/buffer',
      'HTTPRoute shop: parentRefs',
      'HTTPRoute shop, rule 1: timeouts.request 0s, no limit: the default holds',
      'HTTPRoute shop, rule 2: timeouts.request 0h0m, no limit: the default holds',
      'HTTPRoute shop, rule 3: backendRefs: other.test/Service far',
    ]);
    assert.deepEqual(routes, [
      { name: 'shop-1', timeouts: { backendRequest: '2s' } },
      { name: 'shop-2' },
      { name: 'shop-3' },
    ]);
  });

  it('says what it leaves out', () => {
    const mirror = (backendRef: unknown) => ({ type: 'RequestMirror', requestMirror: { backendRef, percent: 5 } });
    const filters = [
      mirror({ name: 'copy', port: 81 }),
      mirror({ kind: 'Bucket', name: 'b' }),
      { type: 'ExtensionRef' },
    ];
    const backendRefs = [
      { name: 'a', filters: [] },
      { kind: 'Function', name: 'f' },
    ];
    const spec = { rules: [{ filters, backendRefs, sessionPersistence: {} }] };
    const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'old' } };
    const { routes, leftOut } = fromHttpRoutes([ingress, routeOf(spec), null]);
    assert.deepEqual(leftOut, [
      'Ingress old: only HTTPRoute is read',
      'HTTPRoute shop, rule 1: sessionPersistence',
      'HTTPRoute shop, rule 1: filters of backend a',
      'HTTPRoute shop, rule 1: backend a has no port, taken for 80',
      'HTTPRoute shop, rule 1: backendRefs: Function f',
      'HTTPRoute shop, rule 1: backendRefs: Bucket b',
      'HTTPRoute shop, rule 1: filter RequestMirror',
      'HTTPRoute shop, rule 1: filter ExtensionRef',
      'a document unnamed: only HTTPRoute is read',
    ]);
    assert.deepEqual(routes[0]?.['filters'], [
      { type: 'RequestMirror', requestMirror: { backendRef: { name: 'copy', version: 'v1' }, percent: 5 } },
    ]);
  });
});
