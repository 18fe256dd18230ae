import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertSentence, spentSentence } from '#src/slo/budget/sentence.ts';

const CHANGE = {
  scope: 'route',
  name: 'checkout',
  indicator: 'availability',
  state: 'firing',
  severity: 'page',
  long: '1h',
  short: '5m',
  factor: 14.4,
  longBurn: 15.234567,
  shortBurn: 1000,
  remainingRatio: 0.123456789,
} as const;

test('an alert says whose it is, how fast it burns, what was counted and what is left', () => {
  assert.equal(
    alertSentence(CHANGE, 0.9995, { good: 0, bad: 64 }),
    'route checkout, availability 99.95 %: page firing, burn 15.235x over 1h and 1000x over 5m (limit 14.4x); ' +
      '64 bad of 64 in 5m; 12.346 % of the budget left',
  );
});

test('what was not counted is said to be so', () => {
  const silent = { ...CHANGE, state: 'resolved', shortBurn: null, remainingRatio: null } as const;
  assert.equal(
    alertSentence(silent, 0.9995, { good: 0, bad: 0 }),
    'route checkout, availability 99.95 %: page resolved, burn 15.235x over 1h and nothing counted over 5m (limit 14.4x); ' +
      '0 bad of 0 in 5m',
  );
});

test('a budget that is gone is overspent, not less than none', () => {
  const overspent = alertSentence({ ...CHANGE, remainingRatio: -0.5 }, 0.9995, { good: 0, bad: 64 });
  assert.match(overspent, /; the budget is overspent by 50 %$/);
});

test('a spent budget says by how much, and of what', () => {
  const about = { scope: 'service', name: 'cart', indicator: 'latency', targetRatio: 0.99 } as const;
  assert.equal(
    spentSentence({ ...about, remainingRatio: -0.25 }, { good: 75, bad: 25 }),
    'service cart, latency 99 %: the budget is overspent by 25 %; 25 bad of 100 in 28 days',
  );
  assert.match(
    spentSentence({ ...about, remainingRatio: 0 }, { good: 99, bad: 1 }),
    /: nothing of the budget is left; 1 bad/,
  );
});
