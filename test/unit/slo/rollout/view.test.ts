import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout } from '#src/model/rollout.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { statusOf } from '#src/slo/rollout/view.ts';
import { sampleDecision } from '../../../support/readings/status.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { input, PLAN, STEPPED } from '../../../support/simulate/machine.ts';

const WATCHED = { kind: 'progressing', verdict: null } as const;
const ON_STEP: Rollout = {
  ...IDLE,
  ladder: PLAN.steps,
  state: { kind: 'progressing', step: 1, sinceMs: 0, waitingSinceMs: 0 },
};

test('a rollout on a step shows the step, its gates and what comes next', () => {
  const status = statusOf(STEPPED, ON_STEP, input({ nowMs: 3000 }), WATCHED);
  assert.deepEqual(status.step, { number: 2, count: 5, percent: 5, forMs: 3000 });
  assert.deepEqual([status.state, status.gates.length], ['progressing', 5]);
  assert.equal(status.next, '25 %, after: 3 s of 2 min on this step');
  assert.equal(status.sentence, 'checkout: v2 is at 5 % (step 2 of 5) for 3 s');
});

test('a canary that is only watched is shown as ever', () => {
  const status = statusOf(SPEC, IDLE, input(), WATCHED);
  assert.deepEqual(
    { ...status },
    {
      state: 'progressing',
      step: null,
      gates: [],
      next: '',
      verdict: null,
      sentence: 'checkout: v2 is watched from now on',
    },
  );
});

test('a rollback is shown by its decision', () => {
  const decision = sampleDecision();
  const back: Rollout = { ...ON_STEP, state: { kind: 'rolled-back', sinceMs: 0, by: 'evidence' } };
  const status = statusOf(STEPPED, back, input(), { kind: 'rolled-back', decision });
  assert.deepEqual([status.state, status.step, status.sentence], ['rolled-back', null, decision.sentence]);
  assert.equal(status.verdict, decision.verdict);
  assert.equal(statusOf(SPEC, back, input(), { kind: 'rolled-back', decision }).state, 'rolled-back');
});
