import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  normalQuantile,
  normalShare,
  secondsToConvict,
  secondsToConvictSlow,
  secondsToPass,
  toleratedErrorRatio,
} from '#src/slo/rollout/planner/convict.ts';
import type { Stream } from '#src/slo/rollout/planner/delay.ts';
import { POLICY } from '../../../../support/simulate/rollout.ts';

const TERMS = { ...POLICY, plan: null, budgetRatio: 0.001 };
const STREAM: Stream = { canaryRps: 50, stableRps: 950, canaryRatio: 0.05, stableRatio: 0.001 };
const SHAPE = { p50Ms: 50, p99Ms: 321 };

suite('convict', () => {
  test('what is tolerated is the larger of the relative and the absolute limit', () => {
    assert.equal(toleratedErrorRatio(0.01, TERMS), 0.015);
    assert.equal(toleratedErrorRatio(0.0001, TERMS), 0.00025);
    assert.equal(toleratedErrorRatio(0.9, TERMS), 1);
  });

  test('a canary at what is tolerated is never convicted, one far above it soon', () => {
    assert.equal(secondsToConvict({ ...STREAM, canaryRatio: 0.0015 }, TERMS), Number.POSITIVE_INFINITY);
    assert.equal(secondsToConvict({ ...STREAM, canaryRatio: 0 }, TERMS), Number.POSITIVE_INFINITY);
    assert.ok(secondsToConvict(STREAM, TERMS) < 4);
  });

  test('nobody is convicted who has nobody to be compared with', () => {
    const alone = { ...STREAM, stableRps: 0 };
    assert.equal(secondsToConvict(alone, TERMS), Number.POSITIVE_INFINITY);
    assert.equal(secondsToConvictSlow(alone, 2, SHAPE, TERMS), Number.POSITIVE_INFINITY);
  });

  test('the worse a canary the sooner, and the surer one must be the later', () => {
    const seconds = (canaryRatio: number, alpha = 0.001): number =>
      secondsToConvict({ ...STREAM, canaryRatio }, { ...TERMS, alpha });
    assert.ok(seconds(0.02) > seconds(0.05) && seconds(0.05) > seconds(0.5));
    assert.ok(seconds(0.05, 0.0001) > seconds(0.05, 0.001));
  });

  test('so many bad requests as badMin must have come', () => {
    const few = secondsToConvict({ ...STREAM, canaryRatio: 1 }, { ...TERMS, badMin: 500 });
    assert.ok(few >= 10 && few < 10.2, `${few}`);
  });

  test('an absolute floor delays what is hardly above it', () => {
    const small = { ...STREAM, canaryRatio: 0.004, stableRatio: 0.0001 };
    assert.ok(secondsToConvict(small, { ...TERMS, absoluteFloor: 0.002 }) > 2 * secondsToConvict(small, TERMS));
  });

  test('slowness within the tolerance is never found, beyond it the sooner the more', () => {
    const seconds = (factor: number): number => secondsToConvictSlow(STREAM, factor, SHAPE, TERMS);
    assert.equal(seconds(1.05), Number.POSITIVE_INFINITY);
    assert.ok(seconds(1.3) > seconds(1.5) && seconds(1.5) > seconds(2));
  });

  test('a healthy canary passes by the absolute branch as science says', () => {
    // ln(40) / (0.8 p_max) clean requests, to first order in p_max.
    const seconds = secondsToPass({ canaryRps: 100, stableRps: 900, canaryRatio: 0, stableRatio: 0 }, TERMS);
    assert.ok(Math.abs(seconds - 9.22) < 0.1, `${seconds}`);
  });

  test('where stable fails too often for the absolute branch the relative one passes it', () => {
    const stream = { canaryRps: 250, stableRps: 750, canaryRatio: 0.01, stableRatio: 0.01 };
    assert.ok(secondsToPass(stream, TERMS) < 5);
  });

  test('a canary that fails far more than its limit allows is never passed', () => {
    const stream = { canaryRps: 250, stableRps: 0, canaryRatio: 0.1, stableRatio: 0.1 };
    assert.equal(secondsToPass(stream, TERMS), Number.POSITIVE_INFINITY);
  });

  test('the normal distribution is that of the tables', () => {
    assert.ok(Math.abs(normalShare(1.959_964) - 0.975) < 1e-6);
    assert.ok(Math.abs(normalShare(-1) - 0.158_655) < 1e-6);
    assert.ok(Math.abs(normalQuantile(0.99) - 2.326_348) < 1e-5);
    assert.ok(Math.abs(normalQuantile(0.5)) < 1e-5);
  });
});
