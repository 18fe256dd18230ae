/** What traffic allows, against the arithmetic done by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feasibilityOf, impossibleRules, secondsOf } from '#src/cli/slo/check/feasible.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';

const TARGET = { targetRatio: 0.999 };

test('with much traffic alerts fire when the books say', () => {
  const { budgetEvents, alerts, problem } = feasibilityOf(TARGET, 1000, sloTools);
  assert.equal(budgetEvents, 2_419_200);
  assert.equal(problem, '');
  // f * b * W of the long window: 51.84 s, 129.6 s, 259.2 s; the guard asks for up to a second more.
  assert.deepEqual(
    alerts.map(({ secondsToFire }) => Math.round(secondsToFire ?? -1)),
    [52, 130, 260],
  );
});

test('with little traffic the guard takes longer than the window asks', () => {
  const { alerts } = feasibilityOf(TARGET, 0.1, sloTools);
  // 360 requests an hour: 14.4 x 0.001 x 360 = 5.2 expected, and 12 are beyond chance: 120 s at one in ten seconds.
  const needed = sloTools.badNeeded(360, 0.0144);
  assert.equal(needed, 12);
  assert.equal(alerts[0]?.secondsToFire, 120);
});

test('with next to none nothing is proven, and the first failure spends everything', () => {
  const { budgetEvents, alerts, problem } = feasibilityOf(TARGET, 0.0001, sloTools);
  assert.equal(budgetEvents, 0.24192);
  assert.match(problem, /^28 days allow 0\.24192 failures/);
  assert.equal(alerts[0]?.secondsToFire, null);
  assert.match(alerts[0]?.because ?? '', /prove nothing/);
  assert.equal(feasibilityOf({ targetRatio: 0.9 }, 0.0004, sloTools).problem, 'no page can ever fire');
});

test('a low target has alerts that nothing can set off', () => {
  assert.deepEqual(
    impossibleRules({ targetRatio: 0.9 }, sloTools.rules).map(({ factor }) => factor),
    [14.4],
  );
  assert.deepEqual(
    impossibleRules({ targetRatio: 0.8 }, sloTools.rules).map(({ factor }) => factor),
    [14.4, 6],
  );
  assert.deepEqual(impossibleRules(TARGET, sloTools.rules), []);
  assert.match(feasibilityOf({ targetRatio: 0.9 }, 10, sloTools).alerts[0]?.because ?? '', /more than everything/);
});

test('windows have their seconds', () => {
  assert.deepEqual(['5m', '6h', '3d'].map(secondsOf), [300, 21_600, 259_200]);
});
