import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BackendRef, Config, RouteConfig } from '#src/model/config.ts';
import { weightScaleOf } from '#src/model/rollout.ts';
import type { Override } from '#src/model/snapshot.ts';
import { compile } from '#src/snapshot/compile.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { generationOf, type Handicaps, liveOverrides, NO_HANDICAPS, weightsOf } from '#src/snapshot/overrides.ts';
import { configOf, SOUND_ROLLOUT, SOUND_SEVERAL } from '../../support/config.ts';

const CONFIG = configOf(SOUND_ROLLOUT);

function hold(version: string, weight: number, generation = generationOf(CONFIG, 'shop') ?? ''): Override {
  return { route: 'shop', version, weight, because: 'test', generation };
}

/** Whether a hold on the canary outlives a change of the document. */
function outlives(from: string | RegExp, to: string): boolean {
  const text = SOUND_ROLLOUT.replace(from, to);
  assert.notEqual(text, SOUND_ROLLOUT);
  const { live, lifted } = liveOverrides(configOf(text), [hold('v2', 0)]);
  assert.equal(live.length + lifted.length, 1);
  return live.length === 1;
}

describe('a hold', () => {
  test('is lifted by a change of the split, of the rollout or of the canary', () => {
    assert.equal(outlives('95', '94'), false);
    assert.equal(outlives('v2, weight: 5', 'v2, weight: 6'), false);
    assert.equal(outlives('canary: v2', 'canary: v2, alpha: 0.01'), false);
    assert.equal(outlives(/ {4}rollout.*\n/, ''), false);
    assert.equal(outlives('7002', '7003'), false);
    assert.equal(outlives('7002"]', '7002"], colors: [blue]'), false);
    assert.equal(
      outlives(/ {6}- \{name: shop, version: v1.*\n( {6}- .*\n)/, '$1      - {name: shop, version: v1, weight: 95}\n'),
      false,
    );
  });

  test('outlives a change of anything else', () => {
    assert.equal(outlives('7001', '7003'), true);
    assert.equal(outlives('availability: 0.999', 'availability: 0.99'), true);
    assert.equal(outlives('services:', 'workers: 3\nservices:'), true);
    assert.equal(outlives('rollout:', 'hostnames: [a.b]\n    rollout:'), true);
    assert.equal(outlives('rollout:', 'timeouts: {request: 1s}\n    rollout:'), true);
    const steps = configOf(SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: default'));
    const patient = configOf(SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: default, stepMax: 3h'));
    assert.equal(generationOf(patient, 'shop'), generationOf(steps, 'shop'), 'how long a step may wait');
  });

  test('is lifted with its route, and the reason is said', () => {
    const { lifted } = liveOverrides(configOf(SOUND_ROLLOUT.replace('- name: shop', '- name: other')), [hold('v2', 0)]);
    assert.deepEqual(lifted, [{ override: hold('v2', 0), because: 'the route is gone' }]);
    const changed = liveOverrides(configOf(SOUND_ROLLOUT.replace('95', '94')), [hold('v2', 0)]);
    assert.equal(changed.lifted[0]?.because, 'the split or the canary changed');
  });
});

describe('a generation', () => {
  test('is what it was in earlier releases, or they would forget rollbacks when they are replaced', () => {
    const steps = SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: default');
    assert.deepEqual(
      [SOUND_ROLLOUT, steps].map((text) => generationOf(configOf(text), 'shop')),
      [
        'e80bb4243b2af90f4e70ff195ac2a023b7b7021a04ec5ed08fb8ff7285a19e24',
        '8d3181567d50d370921559dc5a2db2e48bc6dbee0411d8bf23f3b34329e40c03',
      ],
    );
  });

  test('is that of one route', () => {
    const two = `${SOUND_ROLLOUT}  - {name: b, matches: [{path: {value: /b}}], backendRefs: [{name: shop, version: v1}]}\n`;
    assert.equal(generationOf(configOf(two), 'shop'), generationOf(CONFIG, 'shop'));
    assert.notEqual(generationOf(configOf(two), 'b'), generationOf(CONFIG, 'shop'));
    assert.equal(generationOf(CONFIG, 'none'), null);
  });
});

describe('the generation of several routes', () => {
  const several = configOf(SOUND_SEVERAL);
  const generation = generationOf(several, 'shop');

  test('is one for all of them, and tells of the split of each', () => {
    assert.deepEqual(
      ['cart', 'pay'].map((route) => generationOf(several, route)),
      [generation, generation],
    );
    const others = [
      SOUND_SEVERAL.replace('routes: [pay, cart]', 'routes: [pay]'),
      SOUND_SEVERAL.replace('weight: 950', 'weight: 19').replace('weight: 50', 'weight: 1'),
      SOUND_SEVERAL.replace('{name: other, weight: 5}', '{name: other, weight: 6}'),
    ];
    const generations = others.map((text) => generationOf(configOf(text), 'shop'));
    assert.equal(new Set([generation, ...generations]).size, 4);
  });

  test('does not depend on the order in which they are listed, nor on what else is changed there', () => {
    for (const [from, to] of [
      ['[pay, cart]', '[cart, pay]'],
      ['[pay.test]', '[pay.test, pays.test]'],
      ['availability: 0.99}', 'availability: 0.95}'],
    ] as const) {
      assert.equal(generationOf(configOf(SOUND_SEVERAL.replace(from, to)), 'pay'), generation, to);
    }
  });

  test('follows a companion that changes, however often it was asked for', () => {
    const [shop, cart, pay] = several.routes as [RouteConfig, RouteConfig, RouteConfig];
    const [first, second] = pay.backendRefs as [BackendRef, BackendRef];
    const other = {
      ...pay,
      backendRefs: [
        { ...first, weight: 19 },
        { ...second, weight: 1 },
      ],
    };
    assert.notEqual(generationOf({ ...several, routes: [shop, cart, other] }, 'shop'), generation);
    assert.equal(generationOf(several, 'shop'), generation);
  });

  test('keeps a hold on each of them', () => {
    const held = ['shop', 'cart', 'pay'].map((route) => ({ ...hold('v2', 0, generation ?? ''), route }));
    assert.equal(liveOverrides(several, held).live.length, 3);
    const changed = configOf(SOUND_SEVERAL.replace('routes: [pay, cart]', 'routes: [pay]'));
    assert.equal(liveOverrides(changed, held).live.length, 0);
  });
});

describe('the generation', () => {
  test('is derived once for a route and a canary that stay', () => {
    let derived = 0;
    const [route] = CONFIG.routes;
    assert.ok(route !== undefined);
    // Weights of a document of their own are looked at for the fingerprint alone.
    const get = (of: RouteConfig, field: string | symbol): unknown => {
      if (field === 'weights') derived += 1;
      return Reflect.get(of, field);
    };
    const config = { ...CONFIG, routes: [new Proxy(route, { get })] };
    const first = generationOf(config, 'shop');
    assert.equal(generationOf({ ...config, workers: 7 }, 'shop'), first);
    assert.equal(derived, 1);
    const other = configOf(SOUND_ROLLOUT.replace('7002', '7003'));
    assert.notEqual(generationOf({ ...other, routes: config.routes }, 'shop'), first);
    assert.equal(generationOf(config, 'shop'), first);
    assert.equal(derived, 3);
  });
});

/** Of the splits, in the order of the configuration. */
function inForce(config: Config, overrides: readonly Override[], handicaps?: Handicaps): number[] {
  const once = { hash: '', revision: 1, overrides, ids: NO_IDS, mayRecycle: () => false };
  const { routes } = compile({ config, ...once }).snapshot;
  return weightsOf({ config, routes }, overrides, handicaps).map(({ weight }) => weight);
}

describe('weights in force', () => {
  test('are those of the configuration where nothing is held', () => {
    assert.deepEqual(inForce(CONFIG, []), [95, 5]);
  });

  test('are those of the holds elsewhere', () => {
    assert.deepEqual(inForce(CONFIG, [hold('v2', 0)]), [95, 0]);
    assert.deepEqual(inForce(CONFIG, [hold('v2', 0), { ...hold('v1', 1), route: 'other' }]), [95, 0]);
  });

  test('are held on the routes alone that are said, times the scale of each', () => {
    const config = configOf(SOUND_SEVERAL);
    const before = inForce(config, []);
    const [shop] = config.routes;
    assert.deepEqual(
      before.slice(0, 2),
      shop?.backendRefs.map(({ weight }) => weight * weightScaleOf(shop)),
    );
    const place = config.routes.findIndex(({ name }) => name === 'pay');
    const held = { ...hold('v2', 7), route: 'pay' };
    const dials = config.routes.slice(0, place).flatMap(({ backendRefs }) => backendRefs).length;
    assert.deepEqual(inForce(config, [held]), before.with(dials + 1, 7));
  });

  test('are 0 for a version without endpoints, held or not', () => {
    const config = configOf(SOUND_ROLLOUT.replace('"127.0.0.1:7002"', ''));
    assert.deepEqual(inForce(config, []), [95, 0]);
    assert.deepEqual(inForce(config, [hold('v2', 50)]), [95, 0]);
  });

  test('are 0 for a version that is down while another one gets traffic, held or not', () => {
    const down = (...versions: string[]): Handicaps => ({
      ...NO_HANDICAPS,
      down: new Set(versions.map((version) => `shop/${version}`)),
    });
    assert.deepEqual(inForce(CONFIG, [], down('v1')), [0, 5]);
    assert.deepEqual(inForce(CONFIG, [hold('v2', 50)], down('v1')), [0, 50]);
    assert.deepEqual(inForce(CONFIG, [], down('v1', 'v2')), [95, 5], 'better than nothing');
    assert.deepEqual(inForce(CONFIG, [hold('v2', 0)], down('v1')), [95, 0], 'a hold is no one to take over');
    assert.deepEqual(inForce(CONFIG, [], down('other')), [95, 5]);
  });
});
