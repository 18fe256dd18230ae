import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import type { Config } from '#src/model/config.ts';
import type { Override } from '#src/model/snapshot.ts';
import { type Compiled, compile } from '#src/snapshot/compile.ts';
import { type LiveIds, NO_IDS } from '#src/snapshot/live.ts';
import { weightsOf } from '#src/snapshot/overrides.ts';
import { configOf, SOUND, SOUND_ROLLOUT } from '../../support/config.ts';

function compileOne(config: Config, ids: LiveIds = NO_IDS, overrides: readonly Override[] = []): Compiled {
  return compile({ config, hash: 'abc', revision: 7, overrides, ids, mayRecycle: () => assert.fail('not full') });
}

describe('compile', () => {
  test('turns names into numbers', () => {
    const { snapshot } = compileOne(configOf(SOUND_ROLLOUT));
    assert.deepEqual(snapshot.endpoints, [
      { id: 0, host: '127.0.0.1', port: 7001 },
      { id: 1, host: '127.0.0.1', port: 7002 },
    ]);
    const [route] = snapshot.routes;
    assert.equal(route?.cell, 0);
    assert.deepEqual(route.splits, [
      {
        service: 'shop',
        version: 'v1',
        colors: ['v1'],
        cell: 1,
        dial: 1,
        unit: 0,
        serviceSlowMs: Number.POSITIVE_INFINITY,
        seed: hash32('shop/shop/v1'),
        targets: { name: 'shop/v1', limit: 'auto', breaker: null, balancer: 'peakEwma', endpoints: [0], weights: [1] },
      },
      {
        service: 'shop',
        version: 'v2',
        colors: ['v2'],
        cell: 2,
        dial: 2,
        unit: 1,
        serviceSlowMs: Number.POSITIVE_INFINITY,
        seed: hash32('shop/shop/v2'),
        targets: { name: 'shop/v2', limit: 'auto', breaker: null, balancer: 'peakEwma', endpoints: [1], weights: [1] },
      },
    ]);
  });

  test('gives an address that is told who the client is another endpoint than one that is not', () => {
    const plain = compileOne(configOf(SOUND_ROLLOUT));
    const telling = configOf(SOUND_ROLLOUT.replace('v1: {endpoints', 'v1: {proxyProtocol: v2, endpoints'));
    const { snapshot } = compileOne(telling, plain.ids);
    assert.deepEqual(snapshot.endpoints[2], { id: 2, host: '127.0.0.1', port: 7001, proxyProtocol: 2 });
    assert.equal(snapshot.endpoints[0], null);
  });

  test('gives a version that is fallen back to a cell of its own, and no part in the route’s rollout', () => {
    const text = SOUND_ROLLOUT.replace('services:\n', 'services:\n  spare: {versions: {v1: {endpoints: ["h:1"]}}}\n');
    const steps = '[{type: Stale, stale: {}}, {type: Service, service: {name: spare}}]';
    const { snapshot, weights } = compileOne(configOf(`${text}    fallback: ${steps}\n`));
    const [stale, service] = snapshot.routes[0]?.fallback ?? [];
    assert.equal(stale?.kind, 'stale');
    assert.ok(service?.kind === 'service');
    const { cell, unit, targets } = service.split;
    assert.deepEqual([cell, unit, targets.name, targets.endpoints], [3, -1, 'spare/v1', [2]]);
    assert.deepEqual(snapshot.endpoints[2], { id: 2, host: 'h', port: 1 });
    assert.deepEqual(
      weights.map(({ dial }) => dial),
      [1, 2],
    );
    assert.ok(!('fallback' in (compileOne(configOf(SOUND)).snapshot.routes[0] ?? {})));
  });

  test('passes on what workers need of the configuration', () => {
    const config = configOf(SOUND);
    const { snapshot } = compileOne(config);
    const { color, overload, http, accessLog, trustedProxies, limits, timeouts, drain } = config;
    const { routes, endpoints: _endpoints, ...rest } = snapshot;
    const passed = { color, overload, http, accessLog, trustedProxies, limits, timeouts, drain };
    assert.deepEqual(rest, { revision: 7, hash: 'abc', ...passed });
    assert.deepEqual(routes[0]?.matches, config.routes[0]?.matches);
    assert.equal(routes[0]?.requestTimeoutMs, 60_000);
  });

  test('routes share the endpoints of a version and ways to retry, in the copies that workers get too', () => {
    const two = SOUND.concat(
      '  - {name: other, hostnames: [o.example], backendRefs: [{name: shop, version: v1}]}\n',
      '  - {name: third, hostnames: [t.example], retry: {attempts: 2}, backendRefs: [{name: shop, version: v1}]}\n',
    );
    const [first, second, third] = structuredClone(compileOne(configOf(two)).snapshot).routes;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.equal(second.splits[0]?.targets, first.splits[0]?.targets);
    assert.equal(third.splits[0]?.targets, first.splits[0]?.targets);
    assert.equal(second.retry, first.retry);
    assert.notDeepEqual(third.retry, first.retry);
  });

  test('limits are found out where there is a rollout, and are what the operator says wherever he says it', () => {
    const limitsOf = (text: string): (string | number | undefined)[] =>
      (compileOne(configOf(text)).snapshot.routes[0]?.splits ?? []).map(({ targets }) => targets.limit);
    assert.deepEqual(limitsOf(SOUND), ['off', 'off']);
    assert.deepEqual(limitsOf(SOUND_ROLLOUT), ['auto', 'auto']);
    const service = '    versions:\n';
    const off = SOUND_ROLLOUT.replace(service, `    overload: {limit: off}\n${service}`);
    assert.deepEqual(limitsOf(off), ['off', 'off']);
    const v1 = off.replace('v1: {endpoints', 'v1: {overload: {limit: 50}, endpoints');
    assert.deepEqual(limitsOf(v1), [50, 'off']);
  });

  test('a route without a latency objective is never slow', () => {
    const slow = SOUND.concat('    slo: {availability: 0.9, latency: {threshold: 300ms, target: 0.9}}\n');
    assert.equal(compileOne(configOf(slow)).snapshot.routes[0]?.slowMs, 300);
    assert.equal(compileOne(configOf(SOUND)).snapshot.routes[0]?.slowMs, Number.POSITIVE_INFINITY);
  });

  test('only the two versions of a rollout have units', () => {
    const third = SOUND_ROLLOUT.replace('routes:', '      v3: {endpoints: ["h:1"]}\nroutes:').replace(
      'backendRefs:',
      'backendRefs:\n      - {name: shop, version: v3}',
    );
    const units = compileOne(configOf(third)).snapshot.routes[0]?.splits.map(({ version, unit }) => [version, unit]);
    assert.deepEqual(units, [
      ['v3', -1],
      ['v1', 0],
      ['v2', 1],
    ]);
    assert.deepEqual(
      compileOne(configOf(SOUND)).snapshot.routes[0]?.splits.map(({ unit }) => unit),
      [-1, -1],
    );
  });

  test('a rollout says who is rescued by whom, unless it rescues nobody', () => {
    const rescueOf = (fields: string) => {
      const config = configOf(SOUND_ROLLOUT.replace('canary: v2', `canary: v2${fields}`));
      return compileOne(config).snapshot.routes[0]?.rescue;
    };
    assert.deepEqual(rescueOf(''), { canary: 1, stable: 0, isForPinned: false });
    assert.deepEqual(rescueOf(', rescuePinned: true'), { canary: 1, stable: 0, isForPinned: true });
    assert.equal(rescueOf(', rescue: false'), null);
    assert.equal(compileOne(configOf(SOUND)).snapshot.routes[0]?.rescue, null);
  });

  test('an endpoint that several versions have is one endpoint', () => {
    const shared = SOUND.replace('"127.0.0.1:7002"', '"[::1]:80", "127.0.0.1:7001"');
    const { snapshot, ids } = compileOne(configOf(shared));
    assert.deepEqual(
      snapshot.routes[0]?.splits.map(({ targets }) => targets.endpoints),
      [[0], [1, 0]],
    );
    assert.deepEqual(
      [...ids.endpoints.ids],
      [
        ['127.0.0.1:7001', 0],
        ['[::1]:80', 1],
      ],
    );
  });

  test('services that no route sends to are left out', () => {
    const spare = SOUND.replace('routes:', '  spare: {versions: {v: {endpoints: ["h:1"]}}}\nroutes:');
    assert.equal(compileOne(configOf(spare)).snapshot.endpoints.length, 2);
  });

  test('a version’s name is its first color, once', () => {
    const colors = SOUND.replace('7002"]', '7002"], colors: [canary, v2]');
    assert.deepEqual(compileOne(configOf(colors)).snapshot.routes[0]?.splits[1]?.colors, ['v2', 'canary']);
  });

  test('weights are for the dials, overrides applied, in the order of the splits', () => {
    const config = configOf(SOUND);
    assert.deepEqual(compileOne(config).weights, [
      { dial: 1, weight: 95 },
      { dial: 2, weight: 5 },
    ]);
    const override = { route: 'shop', version: 'v2', weight: 0, because: '', generation: '' };
    const { snapshot, weights } = compileOne(config, NO_IDS, [override]);
    assert.deepEqual(weights[1], { dial: 2, weight: 0 });
    assert.deepEqual(weightsOf({ config, routes: snapshot.routes }, [override]), weights);
  });

  test('ids go on from those it is given', () => {
    const first = compileOne(configOf(SOUND));
    const more = SOUND.replace(
      'routes:',
      'routes:\n  - {name: new, hostnames: [a.b], backendRefs: [{name: shop, version: v2}]}',
    );
    const { snapshot } = compileOne(configOf(more), first.ids);
    assert.deepEqual(
      snapshot.routes.map(({ name, cell }) => [name, cell]),
      [
        ['new', 3],
        ['shop', 0],
      ],
    );
    assert.deepEqual(
      snapshot.endpoints.map((spec) => spec && [spec.id, spec.port]),
      [
        [0, 7001],
        [1, 7002],
      ],
    );
  });

  test('a snapshot can be sent to a worker', () => {
    const { snapshot } = compileOne(configOf(SOUND_ROLLOUT));
    assert.deepEqual(structuredClone(snapshot), snapshot);
  });

  test('a configuration that was not checked is a programmer’s error', () => {
    const config = configOf(SOUND);
    assert.throws(
      () => compileOne({ ...config, services: [] }),
      /there is no version shop\/v1; was the configuration checked/,
    );
  });
});
