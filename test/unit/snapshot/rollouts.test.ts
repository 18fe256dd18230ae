/** Rollouts as the judge gets them: names become indexes of the snapshot. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINTS_TOLD_APART_MAX, type RolloutSpec } from '#src/model/rollout.ts';
import { compile } from '#src/snapshot/compile.ts';
import { withDiscovered } from '#src/snapshot/discovered.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { generationOf } from '#src/snapshot/overrides.ts';
import { respecOf, rolloutsOf } from '#src/snapshot/rollouts.ts';
import { configOf, SOUND, SOUND_ROLLOUT, SOUND_SEVERAL } from '../../support/config.ts';

function rolloutsIn(text: string): ReturnType<typeof rolloutsOf> {
  const config = configOf(text);
  const compiled = compile({ config, hash: '', revision: 7, overrides: [], ids: NO_IDS, mayRecycle: () => false });
  return rolloutsOf(config, compiled.snapshot);
}

it('a route without a rollout has none', () => {
  assert.deepEqual(rolloutsIn(SOUND), []);
});

const POLICY_BESIDE = {
  toleratedRatio: 2,
  badMin: 5,
  absoluteFloor: 0.25 * (1 - 0.999),
  promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 5 * (1 - 0.999) },
};

it('a rollout carries its policy, its generation and the indexes of both arms', () => {
  const text = SOUND_ROLLOUT.replace(
    'canary: v2',
    'canary: v2, alpha: 0.01, toleratedRatio: 2, badMin: 5, shadows: [{name: bold, alpha: 0.1}]',
  );
  const [spec, ...rest] = rolloutsIn(text);
  assert.deepEqual(rest, []);
  assert.deepEqual(spec, {
    route: 'shop',
    service: 'shop',
    stable: { version: 'v1', cell: 1, dial: 1, unit: 0, weight: 95, endpoints: [] },
    canary: { version: 'v2', cell: 2, dial: 2, unit: 1, weight: 5, endpoints: [1], addresses: ['127.0.0.1:7002'] },
    alpha: 0.01,
    toleratedRatio: 2,
    badMin: 5,
    absoluteFloor: 0.25 * (1 - 0.999),
    latencyTolerance: 0.1,
    latencyFloorMs: 5,
    promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 5 * (1 - 0.999) },
    shadows: [{ ...POLICY_BESIDE, name: 'bold', alpha: 0.1 }],
    plan: null,
    weightScale: 1,
    budgetRatio: 1 - 0.999,
    budgetPolicy: configOf(text).routes[0]?.slo?.budgetPolicy,
    generation: generationOf(configOf(text), 'shop'),
    revision: 7,
  });
});

it('a rollout with steps carries its plan, and weights as its dials have them', () => {
  const [spec] = rolloutsIn(SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: [10, 100]'));
  assert.deepEqual([spec?.stable.weight, spec?.canary.weight], [95_000, 5000]);
  assert.deepEqual(
    spec?.plan?.steps.map(({ percent }) => percent),
    [10, 100],
  );
});

it('recorded evidence is judged by another configuration’s numbers and steps, at the versions of then', () => {
  const [spec] = rolloutsIn(SOUND_ROLLOUT) as [RolloutSpec];
  const other = respecOf(configOf(SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, alpha: 0.25, steps: [10, 100]')));
  const judged = other(spec);
  assert.deepEqual([judged.alpha, judged.plan?.steps.length], [0.25, 2]);
  assert.deepEqual({ ...judged, alpha: spec.alpha, plan: spec.plan }, spec);
  const unknown = { ...spec, route: 'elsewhere' };
  assert.equal(other(unknown), unknown);
});

describe('endpoints of a canary that are looked up', () => {
  const TEXT = SOUND_ROLLOUT.replace('{endpoints: ["127.0.0.1:7002"]}', '{endpoints: {srv: {name: shop.test}}}');

  function foundIn(hosts: readonly string[]): RolloutSpec {
    const config = withDiscovered(configOf(TEXT), () => hosts.map((host) => ({ host, port: 80, weight: 1 })));
    const compiled = compile({ config, hash: '', revision: 7, overrides: [], ids: NO_IDS, mayRecycle: () => false });
    return (rolloutsOf(config, compiled.snapshot) as [RolloutSpec])[0];
  }

  it('are told apart by their addresses, like those that are listed, each once', () => {
    const { stable, canary } = foundIn(['10.0.0.1', 'fd00::1', '10.0.0.1']);
    assert.deepEqual(stable.endpoints, []);
    assert.deepEqual(
      [canary.endpoints, canary.addresses],
      [
        [1, 2],
        ['10.0.0.1:80', '[fd00::1]:80'],
      ],
    );
  });

  it('are not told apart when there are too many', () => {
    const hosts = Array.from({ length: ENDPOINTS_TOLD_APART_MAX + 1 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    assert.equal(foundIn(hosts.slice(1)).canary.endpoints.length, ENDPOINTS_TOLD_APART_MAX);
    const { endpoints, addresses } = foundIn(hosts).canary;
    assert.deepEqual([endpoints, addresses], [[], []]);
  });
});

it('a rollout of several routes carries both arms of each, and endpoints once', () => {
  const [spec, ...rest] = rolloutsIn(SOUND_SEVERAL) as [RolloutSpec];
  assert.deepEqual(rest, []);
  assert.deepEqual(spec.canary.endpoints, [1]);
  assert.deepEqual(
    spec.companions?.map(({ route, stable, canary }) => [route, stable.version, stable.weight, canary.weight]),
    [
      ['cart', 'v1', 19, 1],
      ['pay', 'v1', 950, 50],
    ],
  );
  const arms = [spec, ...(spec.companions ?? [])].flatMap(({ stable, canary }) => [stable, canary]);
  for (const slot of ['cell', 'dial', 'unit'] as const) assert.equal(new Set(arms.map((arm) => arm[slot])).size, 6);
  assert.ok(arms.every(({ unit }) => unit >= 0));
  const others = spec.companions?.flatMap(({ stable, canary }) => [...stable.endpoints, ...canary.endpoints]);
  assert.deepEqual(others, []);
  const [stepped] = rolloutsIn(SOUND_SEVERAL.replace('canary: v2', 'canary: v2, steps: default')) as [RolloutSpec];
  assert.deepEqual(
    stepped.companions?.map(({ stable }) => stable.weight),
    [19_000, 950_000],
    'all dials of a rollout with steps are fine',
  );
});

it('the strictest budget policy of its routes binds a rollout', () => {
  const policies = (own: string, pay: string): RolloutSpec => {
    const text = SOUND_SEVERAL.replace('availability: 0.999', `availability: 0.999, budgetPolicy: {${own}}`);
    return rolloutsIn(
      text.replace('availability: 0.99}', `availability: 0.99, budgetPolicy: {${pay}}}`),
    )[0] as RolloutSpec;
  };
  const { budgetPolicy } = policies(
    'freeze: false, slowBelow: 0.4, releaseAllowance: 0.1',
    'freeze: true, slowBelow: 0.3, releaseAllowance: 0.05',
  );
  assert.deepEqual(budgetPolicy, { freeze: true, slowBelowRatio: 0.4, releaseAllowanceRatio: 0.05 });
});

it('canaries of all routes of a rollout are rescued, and users get the same version on each', () => {
  const config = configOf(SOUND_SEVERAL);
  const { snapshot } = compile({ config, hash: '', revision: 7, overrides: [], ids: NO_IDS, mayRecycle: () => false });
  assert.deepEqual(
    snapshot.routes.map(({ rescue }) => rescue && [rescue.stable, rescue.canary]),
    [
      [0, 1],
      [2, 0],
      [0, 1],
    ],
  );
  const seedsOf = (version: string): (number | undefined)[] =>
    snapshot.routes.map(({ splits }) => splits.find((split) => split.version === version)?.seed);
  for (const version of ['v1', 'v2']) assert.equal(new Set(seedsOf(version)).size, 1, version);
  const apart = configOf(SOUND_SEVERAL.replace(', routes: [pay, cart]', ''));
  const before = compile({ config: apart, hash: '', revision: 7, overrides: [], ids: NO_IDS, mayRecycle: () => false });
  const ofShop = before.snapshot.routes[0]?.splits.map(({ seed }) => seed);
  assert.deepEqual(
    snapshot.routes[0]?.splits.map(({ seed }) => seed),
    ofShop,
    'users of the leading route stay where they were',
  );
  assert.notEqual(before.snapshot.routes[2]?.splits[0]?.seed, ofShop?.[0]);
});
