/** What an error budget allows: every row of the policy, and the allowance of one rollout. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowanceOf, releaseVerdict, SLOW_START_RATIO } from '#src/slo/budget/policy.ts';

const POLICY = { freeze: true, slowBelowRatio: 0.25, releaseAllowanceRatio: 0.2 };

function kindAt(remainingRatio: number | null, fixReason: string | null = null, policy = POLICY): string {
  return releaseVerdict({ remainingRatio, isFix: fixReason !== null, fixReason: fixReason ?? '' }, policy).kind;
}

describe('a release', () => {
  it('is free while enough of the budget is left, and when nothing was counted', () => {
    assert.deepEqual([kindAt(1), kindAt(0.25), kindAt(null)], ['allowed', 'allowed', 'allowed']);
  });

  it('is slow below a quarter: from 0.5 %, twice as long on a step', () => {
    const verdict = releaseVerdict({ remainingRatio: 0.249, isFix: false, fixReason: '' }, POLICY);
    assert.deepEqual([verdict.kind, verdict.startRatioMax, verdict.dwellFactor], ['slow', SLOW_START_RATIO, 2]);
    assert.equal(SLOW_START_RATIO, 0.005);
    assert.match(verdict.sentence, /^24\.9 % of the error budget is left, less than 25 %: rollouts start at 0\.5 %/);
  });

  it('is frozen when nothing is left', () => {
    assert.deepEqual([kindAt(0), kindAt(-12)], ['frozen', 'frozen']);
    const verdict = releaseVerdict({ remainingRatio: -12, isFix: false, fixReason: '' }, POLICY);
    assert.deepEqual([verdict.startRatioMax, verdict.mustLog], [0, false]);
    assert.match(verdict.sentence, /^the error budget is overspent by 1200 %: rollouts are frozen/);
  });

  it('that mends may go on slowly, with a reason that is logged', () => {
    const verdict = releaseVerdict({ remainingRatio: 0, isFix: true, fixReason: ' leak in the pool ' }, POLICY);
    assert.deepEqual([verdict.kind, verdict.mustLog, verdict.startRatioMax], ['fix', true, SLOW_START_RATIO]);
    assert.match(verdict.sentence, /this is a fix \(leak in the pool\)/);
  });

  it('labeled fix without a reason is frozen like any other', () => {
    assert.deepEqual([kindAt(0, ''), kindAt(0, '   ')], ['frozen', 'frozen']);
  });

  it('labeled fix needs no exception while there is budget', () => {
    assert.deepEqual([kindAt(0.5, 'x'), kindAt(0.1, 'x')], ['allowed', 'slow']);
  });

  it('is slow instead of frozen where the policy does not freeze', () => {
    assert.equal(kindAt(-1, null, { ...POLICY, freeze: false }), 'slow');
  });
});

describe('the allowance of a rollout', () => {
  it('is a share of what was left when it began', () => {
    assert.deepEqual([allowanceOf(100, 20, POLICY).kind, allowanceOf(100, 21, POLICY).kind], ['within', 'spent']);
    assert.equal(allowanceOf(104.9, 0, POLICY).badMax, 20);
    assert.match(allowanceOf(100, 21, POLICY).sentence, /caused more than it may: 21 of the 20 bad events/);
  });

  it('says that it is too small to count instead of stopping at the first failure', () => {
    for (const left of [4.9, 0, -30]) {
      const { kind, badMax } = allowanceOf(left, 3, POLICY);
      assert.deepEqual([kind, badMax], ['insufficient', 0]);
    }
  });
});
