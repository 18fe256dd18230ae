import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { isBeyondChance } from '#src/slo/budget/guard.ts';
import { recordedRequest, trafficObjective } from '../../../support/simulate/load/recorded.ts';

test('the fewest failures that prove something are those of the guard, and no fewer', () => {
  for (const total of [10, 30, 100, 300, 1000, 3000]) {
    const needed = sloTools.badNeeded(total, 0.0144) as number;
    assert.ok(isBeyondChance(needed, total, 0.0144), `${needed} of ${total}`);
    assert.ok(!isBeyondChance(needed - 1, total, 0.0144), `${needed - 1} of ${total}`);
  }
  assert.deepEqual(
    [10, 100, 1000].map((total) => sloTools.badNeeded(total, 0.0144)),
    [2, 6, 25],
  );
});

test('nothing is proven where not even all would be enough', () => {
  assert.equal(sloTools.badNeeded(1.5, 0.0144), null);
  assert.equal(sloTools.badNeeded(3, 0.9), null);
});

test('recorded requests are of what a configuration says of their routes', () => {
  const parsed = createConfigTools({}).parse(
    `services:
  shop: {slo: {availability: 0.99}, versions: {v1: {endpoints: ["127.0.0.1:7001"]}}}
  cart: {slo: {availability: 0.99}, versions: {c1: {endpoints: ["127.0.0.1:7002"]}}}
routes:
  - name: alone
    matches: [{path: {value: /alone}}]
    backendRefs: [{name: shop}]
    slo: {availability: 0.99, ignorePaths: [/alone/healthz]}
  - name: mixed
    matches: [{path: {value: /mixed}}]
    backendRefs: [{name: shop, version: v1, weight: 1}, {name: cart, version: c1, weight: 1}]
`,
    'gateway.yaml',
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const objectives = [
    trafficObjective({ name: 'alone' }),
    trafficObjective({ scope: 'service', name: 'shop' }),
    trafficObjective({ scope: 'service', name: 'cart' }),
  ];
  const replay = sloTools.replay(objectives, parsed.config);
  replay.take(recordedRequest({ route: 'alone' }));
  replay.take(recordedRequest({ route: 'alone', path: '/alone/healthz', status: 500 }));
  replay.take(recordedRequest({ route: 'mixed', version: 'v1' }));
  replay.take(recordedRequest({ route: 'mixed', version: 'c1', status: 500 }));
  const { objectives: told, unclaimed } = replay.end();
  assert.deepEqual(
    told.map(({ name, good, bad }) => [name, good, bad]),
    [
      ['alone', 1, 0],
      ['shop', 2, 0],
      ['cart', 0, 1],
    ],
  );
  assert.equal(unclaimed, 0);
});
