import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfig } from '#src/model/config.ts';
import { buildRollout, leadRoutes, stepsOf } from '#src/sources/build/rollout.ts';
import { configOf, SOUND_ROLLOUT, SOUND_SEVERAL } from '../../../support/config.ts';

const NAMES = { stable: 'v1', canary: 'v2' };

test('without steps there is no plan', () => {
  assert.equal(buildRollout({ ...NAMES, dwell: '5m' }).plan, null);
});

test('the default ramp has the defaults of everything', () => {
  assert.deepEqual(buildRollout({ ...NAMES, steps: 'default' }).plan, {
    steps: [
      { percent: 1, dwellMs: 120_000 },
      { percent: 5, dwellMs: 120_000 },
      { percent: 25, dwellMs: 120_000 },
      { percent: 50, dwellMs: 600_000 },
      { percent: 100, dwellMs: 600_000 },
    ],
    needsEvidence: true,
    requestsMin: 1000,
    stepMaxMs: 7_200_000,
    onStepMax: 'pause',
    bakeMs: 3_600_000,
    autoStart: false,
  });
});

test('what fails on the canary is rescued unless it is pinned, or as written', () => {
  const rescued = (written: { rescue?: boolean; rescuePinned?: boolean }): boolean[] => {
    const { rescue, rescuePinned } = buildRollout({ ...NAMES, ...written });
    return [rescue, rescuePinned];
  };
  assert.deepEqual(rescued({}), [true, false]);
  assert.deepEqual(rescued({ rescuePinned: true }), [true, true]);
  assert.deepEqual(rescued({ rescue: false }), [false, false]);
});

test('what is written is taken', () => {
  const written = {
    steps: [0.5, { percent: 60, dwell: '7s' }, { percent: 70 }],
    dwell: '1s',
    evidence: false,
    requestsMin: 0,
    stepMax: '3h',
    onStepMax: 'rollback',
    bake: '0s',
    autoStart: true,
  } as const;
  const plan = buildRollout({ ...NAMES, ...written, steps: [...written.steps] }).plan;
  assert.deepEqual(plan, {
    steps: [
      { percent: 0.5, dwellMs: 1000 },
      { percent: 60, dwellMs: 7000 },
      { percent: 70, dwellMs: 5000 },
    ],
    needsEvidence: false,
    requestsMin: 0,
    stepMaxMs: 10_800_000,
    onStepMax: 'rollback',
    bakeMs: 0,
    autoStart: true,
  });
  assert.deepEqual(stepsOf({}), []);
});

test('the routes that a rollout lists know it, as the same objects as long as both stay', () => {
  const config = configOf(SOUND_SEVERAL);
  const [shop, cart, pay] = config.routes as [RouteConfig, RouteConfig, RouteConfig];
  assert.deepEqual(shop.rollout?.routes, ['cart', 'pay'], 'in the order of their names');
  assert.deepEqual([cart.led, pay.led], Array(2).fill({ by: 'shop', rollout: shop.rollout }));
  const { led: _, ...own } = cart;
  const alone = { ...config, routes: [shop, own, pay] };
  const [first, second] = [leadRoutes(alone), leadRoutes(alone)];
  assert.deepEqual(first.routes[1], cart);
  assert.equal(first.routes[1], second.routes[1]);
  assert.equal(first.routes[0], shop);
  const changed = leadRoutes({ ...alone, routes: [{ ...shop, rollout: structuredClone(shop.rollout) }, own] });
  assert.notEqual(changed.routes[1], first.routes[1]);
  const plain = configOf(SOUND_ROLLOUT);
  assert.equal(leadRoutes(plain), plain);
});
