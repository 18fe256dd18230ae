import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  type CellSums,
  routeLatencies,
  routeStates,
  routeStatuses,
  type StatusSource,
  versionWeights,
} from '#src/admin/status.ts';
import { bucketIndex } from '#src/lib/histogram.ts';
import type { Config } from '#src/model/config.ts';
import type { RouteSpec, Snapshot, SplitSpec } from '#src/model/snapshot.ts';
import type { RolloutStatus } from '#src/model/status.ts';
import type { DownstreamCounts } from '#src/model/threads/load/downstream.ts';
import { cellOf } from '../../support/readings/cells.ts';

const ENDPOINT = {
  inFlight: 1,
  connections: 3,
  requests: 40,
  bad: 2,
  connectFailures: 5,
  panics: 0,
  state: 'ejected',
  capacityRatio: 0,
  because: '5 errors in a row, back in 12 s',
  ejections: 1,
} as const;
const ROLLOUT: RolloutStatus = {
  stable: 'v1',
  canary: 'v2',
  state: 'progressing',
  step: null,
  gates: [],
  next: '',
  verdict: null,
  sentence: 'too early to say',
  shadows: [],
};

const SHEDDING = { priority: 'default', remainingRatio: 1, standing: 3, isBurning: false, because: 'plenty' } as const;

function split(version: string, cell: number, endpoints: readonly number[]): SplitSpec {
  const targets = {
    name: `checkout/${version}`,
    limit: 'off' as const,
    breaker: null,
    balancer: 'peakEwma' as const,
    endpoints,
    weights: endpoints.map(() => 1),
  };
  const ids = { cell, dial: cell, unit: -1, seed: 0, serviceSlowMs: Number.POSITIVE_INFINITY };
  return { service: 'checkout', version, colors: [version], ...ids, targets };
}

/** One route `checkout` with v1 (cell 1, configured weight 80) and v2 (cell 2, configured weight 20). */
function sourceOf(cells: Readonly<Record<number, CellSums>>, rollout: RolloutStatus | null = ROLLOUT): StatusSource {
  const rescue = { canary: 1, stable: 0, isForPinned: false };
  const route = { name: 'checkout', cell: 0, rescue, splits: [split('v1', 1, [0]), split('v2', 2, [1, 0])] };
  const endpoints = [
    { id: 7, host: '10.0.0.1', port: 8001 },
    { id: 9, host: '::1', port: 8002 },
  ];
  return {
    config: {
      routes: [{ backendRefs: [{ weight: 80 }, { weight: 20 }], rollout: null, slo: null }],
      color: { header: 'x-release-stage', acceptFrom: 'trustedProxies' },
    } as unknown as Config,
    snapshot: { routes: [route as unknown as RouteSpec], endpoints } as unknown as Snapshot,
    cell: (id) => cells[id] ?? cellOf([]),
    endpoint: (id) => ({ ...ENDPOINT, requests: id }),
    weight: (dial) => (dial === 2 ? 0 : 80),
    because: (route, { version }) => (version === 'v2' ? `v2 rolled back on ${route}` : ''),
    drift: (_, { version }) => (version === 'v2' ? 'offline' : 'steady'),
    rollout: (name) => (name === 'checkout' ? rollout : null),
    shedding: (name) => (name === 'checkout' ? SHEDDING : null),
    order: (name) => (name === 'checkout/v1' ? { isCurbed: true, order: 'v1 in order' } : null),
    downstream: (cell) => FOLLOWED[cell] ?? { kept: 0, lost: 0 },
  };
}

/** By cell, what followed from colored requests; set by the test that is about it. */
const FOLLOWED: Record<number, DownstreamCounts> = {};

suite('status', () => {
  test('a version that loses colors is told of, once enough has followed', (t) => {
    t.after(() => {
      for (const cell of Object.keys(FOLLOWED)) delete FOLLOWED[Number(cell)];
    });
    const shown = (kept: number, lost: number) => {
      FOLLOWED[2] = { kept, lost };
      return routeStatuses(sourceOf({}))[0]?.versions.map(({ downstream }) => downstream) ?? [];
    };
    assert.deepEqual(shown(0, 0), [null, null]);
    assert.deepEqual(shown(0, 9)[1], { kept: 0, lost: 9, lostRatio: 1, sentence: '' });
    assert.deepEqual(shown(97, 3)[1], { kept: 97, lost: 3, lostRatio: 0.03, sentence: '' });
    const told = shown(30, 10)[1];
    assert.equal(told?.lostRatio, 0.25);
    assert.equal(
      told?.sentence,
      'checkout v2 loses colors: 10 of 40 calls that followed from its colored requests came back without one; ' +
        'it has to pass on x-release-stage, from an address in trustedProxies or signed',
    );
  });

  test('latencies are told of routes that had requests, in buckets that can be subtracted', () => {
    assert.deepEqual(routeLatencies(sourceOf({ 0: cellOf([10, 10, 20]) })), [
      {
        route: 'checkout',
        counts: [
          [bucketIndex(10), 2],
          [bucketIndex(20), 1],
        ],
      },
    ]);
    assert.deepEqual(routeLatencies(sourceOf({})), []);
  });

  test('the weights of a route are those of its status, and nothing else is read for them', () => {
    const source = sourceOf({});
    const [route] = routeStatuses(source);
    const { config, snapshot } = source;
    const [weight, because] = [source.weight.bind(source), source.because.bind(source)];
    const weights = versionWeights({ config, snapshot, weight, because }, 0);
    assert.deepEqual(
      weights.map(({ version, weight: now, weightConfigured }) => [version, now, weightConfigured]),
      [
        ['v1', 80, 80],
        ['v2', 0, 20],
      ],
    );
    for (const [n, version] of weights.entries())
      assert.deepEqual({ ...route?.versions[n], ...version }, route?.versions[n]);
  });

  test('the state of a route for the metrics is a part of its status', () => {
    const source = sourceOf({ 1: cellOf([10, 10, 10]), 2: cellOf([20]) });
    const [state, more] = Array.from(routeStates(source));
    const [status] = routeStatuses(source);
    assert.equal(more, undefined);
    assert.equal(state?.name, 'checkout');
    assert.deepEqual(
      state?.versions.map(({ shareRatio }) => shareRatio),
      [0.75, 0.25],
    );
    for (const [n, version] of (state?.versions ?? []).entries()) {
      const { service, version: name, weight, shareRatio, downstream, endpoints } = version;
      const told = { service, version: name, weight, shareRatio, downstream, endpoints };
      assert.deepEqual({ ...status?.versions[n], ...told }, status?.versions[n]);
    }
  });

  test('a state is live, and reads nothing that nobody looks at', () => {
    let reads = 0;
    const counts = [0, 0, 0].map(() => ({ ...cellOf([]), finished: 0 }));
    const source = sourceOf({});
    const [state] = routeStates({
      ...source,
      cell: (id) => counts[id] as (typeof counts)[number],
      endpoint: (id) => {
        reads += 1;
        return source.endpoint(id);
      },
    });
    const [v1, v2] = state?.versions ?? [];
    assert.deepEqual([v1?.shareRatio, v2?.shareRatio, reads], [null, null, 0]);
    for (const [id, finished] of [
      [1, 3],
      [2, 1],
    ] as const)
      Object.assign(counts[id] as object, { finished });
    assert.deepEqual([v1?.shareRatio, v2?.shareRatio], [0.75, 0.25]);
    assert.deepEqual([v2?.endpoints.length, reads], [2, 2]);
  });

  test('a route and its versions show what was counted', () => {
    const v1 = cellOf([10, 10, 10, 400], 300);
    const v2 = cellOf([20], 300, 1);
    const [route] = routeStatuses(sourceOf({ 0: cellOf([10, 10, 10, 400, 20], 300, 1), 1: v1, 2: v2 }));
    assert.equal(route?.name, 'checkout');
    assert.deepEqual(
      [route?.requests, route?.bad, route?.ignored, route?.slow, route?.inFlight, route?.errorRatio],
      [5, 1, 0, 1, 2, 0.2],
    );
    const [stable, canary] = route?.versions ?? [];
    assert.deepEqual([stable?.version, stable?.requests, stable?.errorRatio, stable?.shareRatio], ['v1', 4, 0, 0.8]);
    assert.deepEqual([canary?.version, canary?.requests, canary?.errorRatio, canary?.shareRatio], ['v2', 1, 1, 0.2]);
    assert.ok(Math.abs((stable?.p50Ms ?? 0) - 10) < 0.2 && Math.abs((stable?.p99Ms ?? 0) - 400) < 5);
    assert.deepEqual([route?.rollout, route?.shedding], [ROLLOUT, SHEDDING]);
  });

  test('a version that two routes lead to is as limited on both, and each shows what was refused on it', () => {
    const source = sourceOf({
      1: { ...cellOf([]), admission: { limit: 8, inFlight: 3, queued: 1 }, shed: [0, 2, 0, 0] },
      5: { ...cellOf([]), shed: [0, 0, 0, 7] },
    });
    const [route] = source.snapshot.routes;
    const again = { ...route, splits: route?.splits.slice(0, 1).map((one) => ({ ...one, cell: 5 })) } as RouteSpec;
    const routes = [route as RouteSpec, again];
    const statuses = routeStatuses({ ...source, snapshot: { ...source.snapshot, routes } });
    const shown = { limit: 8, inFlight: 3, queued: 1, isCurbed: true, order: 'v1 in order' };
    assert.deepEqual(
      statuses.map(({ versions }) => versions[0]?.admission),
      [
        { ...shown, shed: { critical: 0, default: 2, degraded: 0, 'best-effort': 0 } },
        { ...shown, shed: { critical: 0, default: 0, degraded: 0, 'best-effort': 7 } },
      ],
    );
  });

  test('weights in force are the dials, beside those of the configuration', () => {
    const [route] = routeStatuses(sourceOf({}));
    assert.deepEqual(
      route?.versions.map(({ weight, weightConfigured, weightBecause }) => [weight, weightConfigured, weightBecause]),
      [
        [80, 80, ''],
        [0, 20, 'v2 rolled back on checkout'],
      ],
    );
  });

  test('an operator’s weight says where it is from, and what the route itself says', () => {
    const source = sourceOf({});
    const origin = { document: 'consul sluice/weights/checkout', revision: '17', reason: 'evening' };
    const weights = { ...origin, ownWeights: [80, 1], isSet: [false, true] };
    const routes = [{ ...source.config.routes[0], weights }] as unknown as Config['routes'];
    const [weighed] = routeStatuses({ ...source, config: { ...source.config, routes } });
    const [plain] = routeStatuses(source);
    const from = (route: typeof plain) =>
      route?.versions.map((one) => [one.weightConfigured, one.weightFrom, one.weightOfRoute]);
    assert.deepEqual(
      [weighed?.weights, from(weighed)],
      [
        origin,
        [
          [80, 'route', 80],
          [20, 'weights', 1],
        ],
      ],
    );
    assert.deepEqual(
      [plain?.weights, from(plain)],
      [
        null,
        [
          [80, 'route', 80],
          [20, 'route', 20],
        ],
      ],
    );
  });

  test('endpoints carry their address and the numbers of their own slot', () => {
    const [route] = routeStatuses(sourceOf({}));
    assert.deepEqual(route?.versions[1]?.endpoints, [
      { address: '[::1]:8002', ...ENDPOINT, requests: 9 },
      { address: '10.0.0.1:8001', ...ENDPOINT, requests: 7 },
    ]);
  });

  test('where nothing was counted, ratios and quantiles are null', () => {
    const [route] = routeStatuses(sourceOf({}, null));
    assert.deepEqual([route?.errorRatio, route?.p50Ms, route?.p90Ms, route?.p99Ms], [null, null, null, null]);
    assert.deepEqual(
      route?.versions.map(({ shareRatio, errorRatio, p99Ms }) => [shareRatio, errorRatio, p99Ms]),
      [
        [null, null, null],
        [null, null, null],
      ],
    );
    assert.equal(route?.rollout, null);
  });
});
