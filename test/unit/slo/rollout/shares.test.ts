import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout, RolloutRoute, RolloutSpec } from '#src/model/rollout.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { holdsFor, shareAnew, store, storeShare, weightsFor } from '#src/slo/rollout/shares.ts';
import { SEVERAL, SPEC } from '../../../support/simulate/detection.ts';
import { STEPPED } from '../../../support/simulate/machine.ts';

/** Stores of one move, `version weight`, and whether somebody had a weight after each of them. */
function stores(
  spec: RolloutSpec,
  before: readonly [stable: number, canary: number],
  percent: number | null,
): string[] {
  const dials = new Map([
    [spec.stable.dial, before[0]],
    [spec.canary.dial, before[1]],
  ]);
  const done: string[] = [];
  store(spec, weightsFor(spec, percent), {
    weightOf: (dial) => dials.get(dial) as number,
    setDial: (dial, weight) => {
      dials.set(dial, weight);
      assert.ok(
        [...dials.values()].some((one) => one > 0),
        'nobody is left without a version',
      );
      done.push(`${dial === spec.canary.dial ? 'canary' : 'stable'} ${weight}`);
    },
  });
  return done;
}

test('both versions share what the operator gave the two of them', () => {
  assert.deepEqual(weightsFor(STEPPED, 5), [
    { version: 'v2', weight: 5000 },
    { version: 'v1', weight: 95_000 },
  ]);
  const small = { ...STEPPED, stable: { ...STEPPED.stable, weight: 1000 } };
  assert.deepEqual(
    weightsFor(small, 0.5).map(({ weight }) => weight),
    [5, 995],
  );
  assert.deepEqual(weightsFor(STEPPED, null), []);
  assert.deepEqual(weightsFor(STEPPED, 0), [{ version: 'v2', weight: 0 }]);
});

test('a rollback is done with its first store, and of a watched canary that is the only one', () => {
  assert.deepEqual(stores(STEPPED, [95_000, 5000], 0), ['canary 0', 'stable 100000']);
  assert.deepEqual(stores({ ...SPEC }, [77, 5], 0), ['canary 0']);
});

test('nobody is left without a version on the way to 100 % and back', () => {
  assert.deepEqual(stores(STEPPED, [50_000, 50_000], 100), ['stable 0', 'canary 100000']);
  assert.deepEqual(stores(STEPPED, [100_000, 0], 100), ['canary 100000', 'stable 0']);
  assert.deepEqual(stores(STEPPED, [0, 100_000], 0), ['stable 100000', 'canary 0']);
  assert.deepEqual(stores(STEPPED, [0, 100_000], null), ['stable 100000', 'canary 0']);
});

test('what is as it should be is not stored', () => {
  assert.deepEqual(stores(STEPPED, [99_000, 1000], 1), []);
});

test('under another sum of weights the share stays and the weights follow; what holds no share is left alone', () => {
  const dials = new Map([
    [STEPPED.stable.dial, 95_000],
    [STEPPED.canary.dial, 5000],
  ]);
  const access = {
    weightOf: (dial: number) => dials.get(dial) as number,
    setDial: (dial: number, weight: number) => void dials.set(dial, weight),
    nowMs: () => 0,
  };
  const onFive: Rollout = {
    ...IDLE,
    state: { kind: 'progressing', step: 0, sinceMs: 0, waitingSinceMs: 0 },
    ladder: [
      { percent: 5, dwellMs: 1000 },
      { percent: 100, dwellMs: 1000 },
    ],
  };
  const smaller: RolloutSpec = { ...STEPPED, stable: { ...STEPPED.stable, weight: 30_000 } };
  const other: RolloutSpec = {
    ...smaller,
    stable: { ...smaller.stable, weight: 10_000 },
    canary: { ...smaller.canary, weight: 20_000 },
  };
  const [hold] = shareAnew(STEPPED, smaller, onFive, access);
  assert.deepEqual(hold?.weights, [
    { version: 'v2', weight: 1500 },
    { version: 'v1', weight: 28_500 },
  ]);
  assert.match(hold?.because ?? '', /5 %/);
  assert.deepEqual([...dials.values()], [28_500, 1500]);
  const gone: Rollout = { ...onFive, state: { kind: 'rolled-back', sinceMs: 0, by: 'evidence' } };
  const nothing = [
    shareAnew(smaller, other, onFive, access),
    shareAnew(STEPPED, smaller, IDLE, access),
    shareAnew(STEPPED, smaller, gone, access),
    shareAnew(STEPPED, { ...smaller, generation: 'another' }, onFive, access),
  ];
  assert.deepEqual(nothing, [[], [], [], []]);
  assert.deepEqual([...dials.values()], [28_500, 1500]);
});

test('on several routes the canary has the same share of what each gives the two versions, in one move', () => {
  const companions = (SEVERAL.companions ?? []).map(({ route, stable, canary }, n) => {
    return { route, stable: { ...stable, weight: 1000 * (n + 1) }, canary: { ...canary, weight: 0 } };
  });
  const spec: RolloutSpec = { ...STEPPED, companions };
  const dials = new Map<number, number>();
  const access = {
    weightOf: (dial: number) => dials.get(dial) ?? 0,
    setDial: (dial: number, weight: number) => void dials.set(dial, weight),
    nowMs: () => 0,
  };
  storeShare(spec, 10, access);
  assert.deepEqual(Object.fromEntries(dials), { 1: 90_000, 2: 10_000, 3: 900, 4: 100, 5: 1800, 6: 200 });
  assert.deepEqual(
    holdsFor(spec, 10, 'why').map(({ route, generation, weights }) => [route, generation, weights[0]?.weight]),
    [
      ['checkout', 'a', 10_000],
      ['cart', 'a', 100],
      ['pay', 'a', 200],
    ],
  );
  storeShare(spec, 0, access);
  assert.deepEqual([2, 4, 6].map(access.weightOf), [0, 0, 0]);
  assert.deepEqual([1, 3, 5].map(access.weightOf), [100_000, 1000, 2000], 'stable as configured');
  const onFive: Rollout = {
    ...IDLE,
    ladder: [{ percent: 5, dwellMs: 0 }],
    state: { kind: 'baking', step: 0, sinceMs: 0 },
  };
  const [cart, pay] = companions as [RolloutRoute, RolloutRoute];
  const more = { ...spec, companions: [{ ...cart, stable: { ...cart.stable, weight: 3000 } }, pay] };
  assert.deepEqual(shareAnew(spec, spec, onFive, access), []);
  assert.deepEqual(
    shareAnew(spec, more, onFive, access).map(({ weights }) => weights.map(({ weight }) => weight)),
    [
      [5000, 95_000],
      [150, 2850],
      [100, 1900],
    ],
  );
});
