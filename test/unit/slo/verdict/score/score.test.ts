/** One policy's view of a canary. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { JudgePolicy } from '#src/model/rollout.ts';
import { Account } from '#src/slo/verdict/score/account.ts';
import { Score } from '#src/slo/verdict/score/score.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';

const UNSEEN = () => ({ canaryMs: null, stableMs: null });

/** Ten ticks in which the canary fails `bad` of 20. */
function judged(policy: JudgePolicy, bad: number): { readonly account: Account; readonly score: Score } {
  const account = new Account(SPEC, { nowMs: 0, weight: 5 });
  const score = new Score(policy, 0);
  for (let n = 1; n <= 10; n++) {
    const counts = { canary: { finished: 20, bad }, stable: { finished: 400, bad: 1 } };
    const look = { requests: counts, users: counts, isConsistent: true, attempts: null };
    account.take(look, 100 * n);
    assert.equal(score.look(policy, look, account, 100 * n), true);
  }
  return { account, score };
}

it('convicts by its own alpha and counts, on the same account', () => {
  const { account, score } = judged(SPEC, 5);
  assert.equal(score.isConvicted(SPEC, account), true);
  assert.equal(score.isConvicted({ ...SPEC, badMin: 51 }, account), false);
  assert.equal(score.isConvicted({ ...SPEC, alpha: 1e-300 }, account), false);
  const verdict = score.verdict(SPEC, account, UNSEEN);
  assert.equal(verdict.state, 'fail');
  assert.equal(score.verdict({ ...SPEC, badMin: 51 }, account, UNSEEN).shortfall?.needed, 51);
});

it('tells how far the proof of health is, and begins it again at a step', () => {
  const policy = { ...SPEC, promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 0.1 } };
  const { account, score } = judged(policy, 0);
  assert.equal(score.isPromotable(policy, account), true);
  assert.deepEqual(score.promotion(policy, account), { isPromotable: true, sentence: 'proven not to be worse' });
  score.step(2000);
  assert.equal(score.isPromotable(policy, account), false);
});
