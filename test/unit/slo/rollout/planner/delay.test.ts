import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  absoluteBets,
  type Bet,
  latencyBets,
  relativeBets,
  type Stream,
  secondsToReach,
} from '#src/slo/rollout/planner/delay.ts';
import { AbsoluteProcess } from '#src/slo/verdict/absolute.ts';
import { DominanceProcess, QUANTILES } from '#src/slo/verdict/dominance.ts';
import { STAKES } from '#src/slo/verdict/min-rule.ts';
import { copyWeight, unstartedWeight } from '#src/slo/verdict/mixture.ts';
import { RatioProcess } from '#src/slo/verdict/ratio.ts';

/** 50 of 1,000 requests per second fail 5 % instead of 0.1 %. */
const STREAM: Stream = { canaryRps: 50, stableRps: 950, canaryRatio: 0.05, stableRatio: 0.001 };
/** Before the first fresh copy. */
const SECONDS = 20;

/** ln E of the first copy, and of what is kept for others. */
function grown(bets: readonly Bet[]): number {
  const sum = bets.reduce((total, { stake, drift }) => total + stake * Math.exp(drift * SECONDS), 0);
  return Math.log(copyWeight(0) * sum + unstartedWeight(0));
}

/** Equal stakes on bets with these drifts. */
function betsOf(...drifts: number[]): Bet[] {
  return drifts.map((drift) => ({ stake: 1 / drifts.length, drift }));
}

function near(got: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${got} is not within ${tolerance} of ${expected}`);
}

suite('delay', () => {
  test('the relative evidence of the expected counts is what its drifts say', () => {
    const process = new RatioProcess(1.5, STAKES);
    for (let second = 0; second < SECONDS; second++) process.update(50, 950, 2.5, 0.95);
    near(process.logE, grown(relativeBets(STREAM, 1.5)), 0.01);
  });

  test('so is the absolute evidence', () => {
    const process = new AbsoluteProcess(0.00025);
    for (let second = 0; second < SECONDS; second++) process.update(50, 2.5);
    near(process.logE, grown(absoluteBets(STREAM, 0.00025)), 0.01);
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
    const thresholds = latencyBets(STREAM, exceededBy).slice(0, -1);
    near(process.logE, grown(thresholds.map(({ stake, drift }) => ({ stake: 2 * stake, drift }))), 0.01);
  });

  test('the bet on the whole shape gains nothing while both are alike, and the more the slower the canary is', () => {
    const shape = (factor: number): number => {
      const exceededBy = QUANTILES.map((quantile) => Math.min(1, factor * (1 - quantile)));
      return latencyBets(STREAM, exceededBy).at(-1)?.drift ?? Number.NaN;
    };
    assert.ok(Math.abs(shape(1)) < 1e-9 && shape(0.5) <= 1e-9);
    assert.ok(shape(1.5) > 0 && shape(2) > 2 * shape(1.5));
  });

  test('stakes add up to one', () => {
    for (const bets of [
      relativeBets(STREAM, 1.5),
      absoluteBets(STREAM, 0.001),
      latencyBets(STREAM, [0.6, 0.3, 0.2, 0.1, 0.02, 0.002]),
    ]) {
      near(
        bets.reduce((sum, { stake }) => sum + stake, 0),
        1,
        1e-9,
      );
    }
  });

  test('a mixture without a bet that gains never arrives', () => {
    assert.equal(secondsToReach(betsOf(-1, 0), 1, 30), Number.POSITIVE_INFINITY);
    const healthy = { ...STREAM, canaryRatio: 0.001 };
    assert.equal(secondsToReach(relativeBets(healthy, 1.5), 1, 30), Number.POSITIVE_INFINITY);
  });

  test('one bet arrives when its drift has made up for its stake', () => {
    // E = w_0 e^t + u_0 = e^5
    near(secondsToReach(betsOf(1), 5, 30), Math.log((Math.exp(5) - unstartedWeight(0)) / copyWeight(0)), 1e-4);
  });

  test('twice the drift takes half the time, and a higher level longer', () => {
    near(secondsToReach(betsOf(2, 0.2), 6, 30) * 2, secondsToReach(betsOf(1, 0.1), 6, 30), 1e-3);
    assert.ok(secondsToReach(betsOf(1), 7, 30) > secondsToReach(betsOf(1), 6, 30));
  });

  test('a drift that would take longer than a year is never', () => {
    assert.equal(secondsToReach(betsOf(1e-9), 7, 30), Number.POSITIVE_INFINITY);
  });
});
