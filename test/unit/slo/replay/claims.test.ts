import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { Claims, type RouteShape } from '#src/slo/replay/claims.ts';
import { recordedRequest } from '../../../support/simulate/load/recorded.ts';

const CLAIMANTS = [
  { key: 'route/checkout', slowMs: 300 },
  { key: 'route/mixed', slowMs: Number.POSITIVE_INFINITY },
  { key: 'service/shop', slowMs: 500 },
  { key: 'service/cart', slowMs: Number.POSITIVE_INFINITY },
];
const ROUTES = new Map<string, RouteShape>([
  ['checkout', { ignorePaths: new Set(['/health']), service: 'shop', services: new Map([['v1', 'shop']]) }],
  [
    'mixed',
    {
      ignorePaths: new Set(),
      service: null,
      services: new Map([
        ['v1', 'shop'],
        ['c1', 'cart'],
        ['x', null],
      ]),
    },
  ],
]);

const told = (changes: Parameters<typeof recordedRequest>[0], routes = ROUTES) =>
  new Claims(CLAIMANTS, routes).of(recordedRequest(changes)).map(({ of, outcome }) => [of.key, outcome]);

describe('a request', () => {
  it('is an event of its route and of the service that this leads to, each by its own threshold', () => {
    assert.deepEqual(told({ route: 'checkout', durationMs: 10 }), [
      ['route/checkout', 'good'],
      ['service/shop', 'good'],
    ]);
    assert.deepEqual(told({ route: 'checkout', durationMs: 400 }), [
      ['route/checkout', 'late'],
      ['service/shop', 'good'],
    ]);
    assert.deepEqual(told({ route: 'checkout', status: 500 }), [
      ['route/checkout', 'bad'],
      ['service/shop', 'bad'],
    ]);
    assert.deepEqual(told({ route: 'elsewhere' }), []);
    assert.deepEqual(told({ route: null, service: 'cart' }), [['service/cart', 'good']]);
  });

  it('counts for nothing by its path or its reason, and still is of its route', () => {
    assert.deepEqual(told({ route: 'checkout', path: '/health', status: 503 }), [
      ['route/checkout', null],
      ['service/shop', null],
    ]);
    assert.deepEqual(told({ route: 'checkout', reason: REASON.clientClosed, status: 0, durationMs: 100 })[0], [
      'route/checkout',
      null,
    ]);
    assert.deepEqual(
      told({ route: 'checkout', reason: REASON.clientClosed, status: 0, durationMs: 301 })[0],
      ['route/checkout', 'bad'],
      'who waited longer than the threshold for an answer has voted',
    );
  });

  it('on a route that services share is of that of its version, by what the version did', () => {
    assert.deepEqual(told({ route: 'mixed', version: 'c1' }), [
      ['route/mixed', 'good'],
      ['service/cart', 'good'],
    ]);
    const shed = { route: 'mixed', version: 'c1', status: 503, reason: REASON.shed };
    assert.deepEqual(
      told(shed),
      [
        ['route/mixed', 'bad'],
        ['service/cart', null],
      ],
      'the gateway shed it',
    );
    const rescued = { route: 'mixed', version: 'v1', rescuedFrom: 'c1' };
    assert.deepEqual(told(rescued), [
      ['route/mixed', 'good'],
      ['service/cart', 'bad'],
    ]);
    for (const version of ['x', 'unknown', null])
      assert.deepEqual(told({ route: 'mixed', version }), [['route/mixed', 'good']]);
  });

  it('is of the service that it names itself, where nothing is known of routes', () => {
    assert.deepEqual(told({ route: 'mixed', service: 'shop', status: 502 }, new Map()), [
      ['route/mixed', 'bad'],
      ['service/shop', 'bad'],
    ]);
  });
});
