import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  absoluteDrifts,
  latencyDrifts,
  relativeDrifts,
  type Stream,
  secondsToReach,
} from '#src/slo/rollout/planner/delay.ts';
import { AbsoluteProcess } from '#src/slo/verdict/absolute.ts';
import { DominanceProcess, QUANTILES } from '#src/slo/verdict/dominance.ts';
import { RatioProcess } from '#src/slo/verdict/ratio.ts';

/** 50 of 1,000 requests per second fail 5 % instead of 0.1 %. */
const STREAM: Stream = { canaryRps: 50, stableRps: 950, canaryRatio: 0.05, stableRatio: 0.001 };
/** Before the first fresh copy. */
const SECONDS = 20;

/** ln E of the first copy, whose stake is half of it, and the other half. */
function grown(drifts: readonly number[]): number {
  const sum = drifts.reduce((total, drift) => total + Math.exp(drift * SECONDS), 0);
  return Math.log(sum / (2 * drifts.length) + 0.5);
}

function near(got: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${got} is not within ${tolerance} of ${expected}`);
}

suite('delay', () => {
  test('the relative evidence of the expected counts is what its drifts say', () => {
    const process = new RatioProcess(1.5);
    for (let second = 0; second < SECONDS; second++) process.update(50, 950, 2.5, 0.95);
    near(process.logE, grown(relativeDrifts(STREAM, 1.5)), 0.01);
  });

  test('so is the absolute evidence', () => {
    const process = new AbsoluteProcess(0.00025);
    for (let second = 0; second < SECONDS; second++) process.update(50, 2.5);
    near(process.logE, grown(absoluteDrifts(STREAM, 0.00025)), 0.01);
  });

  test('and that of latency, while stable exceeds as its quantiles promise', () => {
    const exceededBy = QUANTILES.map((quantile) => Math.min(1, 3 * (1 - quantile)));
    const process = new DominanceProcess();
    for (let second = 0; second < SECONDS; second++) {
      QUANTILES.forEach((quantile, k) => {
        const canaryExceeded = 50 * (exceededBy[k] as number);
        const stableExceeded = 950 * (1 - quantile);
        process.update(k, { canaryFinished: 50, stableFinished: 950, canaryExceeded, stableExceeded });
      });
    }
    near(process.logE, grown(latencyDrifts(STREAM, exceededBy)), 0.01);
  });

  test('a mixture without a bet that gains never arrives', () => {
    assert.equal(secondsToReach([-1, 0], 1, 30), Number.POSITIVE_INFINITY);
    const healthy = { ...STREAM, canaryRatio: 0.001 };
    assert.equal(secondsToReach(relativeDrifts(healthy, 1.5), 1, 30), Number.POSITIVE_INFINITY);
  });

  test('one bet arrives when its drift has made up for its stake', () => {
    // E = e^t / 2 + 1 / 2 = e^5
    near(secondsToReach([1], 5, 30), Math.log(2 * Math.exp(5) - 1), 1e-4);
  });

  test('twice the drift takes half the time, and a higher level longer', () => {
    near(secondsToReach([2, 0.2], 6, 30) * 2, secondsToReach([1, 0.1], 6, 30), 1e-3);
    assert.ok(secondsToReach([1], 7, 30) > secondsToReach([1], 6, 30));
  });

  test('a drift that would take longer than a year is never', () => {
    assert.equal(secondsToReach([1e-9], 7, 30), Number.POSITIVE_INFINITY);
  });
});
