import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Rollout } from '#src/model/rollout.ts';
import {
  type BudgetReading,
  budgetOf,
  budgetStop,
  dwellOf,
  gatesOf,
  NO_BUDGET,
  policyOf,
  spendingOf,
} from '#src/slo/rollout/gates.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { SEVERAL, SPEC } from '../../../support/simulate/detection.ts';
import { input, PLAN, TERMS } from '../../../support/simulate/machine.ts';

const ON_STEP: Rollout = {
  ...IDLE,
  ladder: PLAN.steps,
  leftAtStart: 100,
  state: { kind: 'progressing', step: 0, sinceMs: 0, waitingSinceMs: 0 },
};
const LOW = { remainingRatio: 0.1, remainingEvents: 5, alert: null };

test('every gate says what it needs and what it saw', () => {
  const gates = gatesOf(ON_STEP, input({ nowMs: 60_000, requests: 400, badCaused: 3 }), TERMS);
  assert.deepEqual(
    gates.map(({ name, isPassed, needed, seen }) => [name, isPassed, needed, seen]),
    [
      ['evidence', true, null, null],
      ['dwell', false, 120_000, 60_000],
      ['requests', false, 1000, 400],
      ['alerts', true, null, null],
      ['budget', true, 20, 3],
    ],
  );
});

test('the last step asks for time, alerts and budget alone', () => {
  const baking: Rollout = { ...ON_STEP, state: { kind: 'baking', step: 4, sinceMs: 0 } };
  const gates = gatesOf(baking, input({ requests: 0, promotion: { isPromotable: false, sentence: '' } }), TERMS);
  assert.deepEqual(
    gates.map(({ name, needed }) => [name, needed]),
    [
      ['dwell', PLAN.bakeMs],
      ['alerts', null],
      ['budget', 20],
    ],
  );
});

test('nothing is asked for where nothing is awaited', () => {
  assert.deepEqual(gatesOf(IDLE, input(), TERMS), []);
  assert.deepEqual(gatesOf(ON_STEP, input(), { ...TERMS, plan: null }), []);
});

test('a budget that is nearly gone doubles the stay, an exhausted one stops everything but a fix', () => {
  assert.equal(dwellOf(ON_STEP, 0, policyOf(ON_STEP, input({ budget: LOW }), TERMS)), 240_000);
  const gone = input({ budget: { ...LOW, remainingRatio: 0 } });
  assert.match(budgetStop(ON_STEP, gone, TERMS) ?? '', /frozen/);
  assert.equal(budgetStop({ ...ON_STEP, fixReason: 'x' }, gone, TERMS), null);
});

test('an allowance counts what earlier processes caused, and is none where nothing was counted at the start', () => {
  const before = { ...ON_STEP, spentBefore: 15 };
  assert.equal(budgetStop(before, input({ badCaused: 5 }), TERMS), null);
  assert.match(budgetStop(before, input({ badCaused: 6 }), TERMS) ?? '', /21 of the 20/);
  assert.equal(spendingOf({ ...ON_STEP, leftAtStart: null }, input({ badCaused: 1e6 }), TERMS), null);
  assert.equal(budgetStop({ ...ON_STEP, leftAtStart: 2 }, input({ badCaused: 9 }), TERMS), null, 'less than one event');
});

describe('what the objectives of several routes say together', () => {
  const readings: Record<string, BudgetReading> = {
    checkout: { remainingRatio: 0.5, remainingEvents: 40, alert: null },
    cart: { remainingRatio: 0.2, remainingEvents: -30, alert: 'cart burns' },
    pay: { remainingRatio: null, remainingEvents: null, alert: 'pay burns' },
  };

  it('is the least that is left, the events of all but what is overspent, and the first alert', () => {
    assert.deepEqual(
      budgetOf(SEVERAL, (route) => readings[route] ?? null),
      { remainingRatio: 0.2, remainingEvents: 40, alert: 'cart burns' },
    );
  });

  it('leaves routes without objectives out, and is nothing where none has any', () => {
    assert.deepEqual(
      budgetOf(SEVERAL, (route) => (route === 'checkout' ? (readings[route] as BudgetReading) : null)),
      readings['checkout'],
    );
    assert.deepEqual(
      budgetOf(SEVERAL, () => null),
      NO_BUDGET,
    );
  });

  it('is what the objectives of the only route say, overspent or not', () => {
    assert.equal(
      budgetOf(SPEC, () => readings['cart'] as BudgetReading),
      readings['cart'],
    );
  });
});
