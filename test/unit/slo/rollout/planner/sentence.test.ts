import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ratioText, sentenceOf, warningsOf } from '#src/slo/rollout/planner/sentence.ts';
import { POLICY } from '../../../../support/simulate/rollout.ts';

const STEP = { percent: 5, canaryRps: 5, staySeconds: 120, smallestErrorRatio: 0.0123, findings: [] };
const FIGURES = {
  route: 'shop',
  traffic: { requestsPerSecond: 104, errorRatio: 0.0005, latency: null },
  toleratedErrorRatio: 0.00075,
  allowedErrorRatio: 0.001,
  steps: [STEP],
  rampSeconds: 120,
  start: { least: 6.79, most: 50 },
};
const TERMS = { ...POLICY, plan: null, budgetRatio: 0.001 };

suite('sentence of a forecast', () => {
  test('ratios are percentages with two digits that matter', () => {
    assert.deepEqual([0.0123, 0.5, 0.000_256, 1].map(ratioText), ['1.2 %', '50 %', '0.026 %', '100 %']);
  });

  test('it says what is found, how long the ramp takes and where to start', () => {
    const found = 'canary errors from 1.2 % on are found in time, at 5 %';
    const ramp = 'a healthy canary is at the last step in 2 min; start with 6.8 % or more';
    assert.equal(sentenceOf(FIGURES), `shop at 100 requests/s and 0.05 % errors: ${found}; ${ramp}.`);
    const stuck = sentenceOf({ ...FIGURES, rampSeconds: null, start: { least: null, most: 50 } });
    assert.match(stuck, /a healthy canary never gets to the last step by itself\.$/);
  });

  test('the step that finds most is the one that is told', () => {
    const steps = [STEP, { ...STEP, percent: 50, smallestErrorRatio: 0.002 }, { ...STEP, smallestErrorRatio: null }];
    assert.match(sentenceOf({ ...FIGURES, steps }), /from 0\.2 % on are found in time, at 50 %/);
  });

  test('a plan that finds what the objective forbids is not warned of blindness', () => {
    const steps = [{ ...STEP, percent: 7, smallestErrorRatio: 0.001 }];
    assert.deepEqual(warningsOf({ ...FIGURES, steps }, TERMS), []);
  });
});
