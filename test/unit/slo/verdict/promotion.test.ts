/** Promotion: the counts of the method reference, exact validity, both branches, steps. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PromotionProcess } from '#src/slo/verdict/promotion.ts';
import { binomial } from '../../../support/simulate/binomial.ts';

const POLICY = { beta: 0.05, ratioMax: 3, errorRatioMax: 0.01 } as const;

it('counts that an arm alone finished wait for the other one, and a step forgets them', () => {
  const whole = new PromotionProcess(POLICY);
  whole.update(2, 40, 0, 3);
  const split = new PromotionProcess(POLICY);
  split.update(0, 19, 0, 2);
  assert.equal(split.logERelative, 0);
  split.update(0, 21, 0, 1);
  split.update(2, 0, 0, 0);
  assert.equal(split.logERelative, whole.logERelative);
  assert.ok(whole.logERelative > 0);
  split.update(0, 10, 0, 5);
  split.restart();
  split.update(1, 10, 0, 0);
  assert.equal(split.logERelative, 0);
});

describe('the absolute branch', () => {
  for (const [errorRatioMax, needed] of [
    [0.01, 459],
    [0.005, 920],
    [0.001, 4610],
  ] as const) {
    it(`passes ${needed} good requests for a limit of ${100 * errorRatioMax} %`, () => {
      const process = new PromotionProcess({ ...POLICY, errorRatioMax });
      // The reference gives ln(40) / (0.8 p_max), the first order of the exact count.
      assert.ok(Math.abs(process.goodNeeded - Math.log(40) / (0.8 * errorRatioMax)) < 4, `${process.goodNeeded}`);
      assert.ok(Math.abs(process.goodNeeded - needed) <= 3, `${process.goodNeeded}`);
      const exact = process.goodNeeded;
      for (let n = 1; n < exact; n++) process.update(1, 19, 0, 0);
      assert.equal(process.isPassed, false);
      assert.equal(process.goodNeeded, 1);
      process.update(1, 19, 0, 0);
      assert.equal(process.isPassed, true);
      assert.equal(process.goodNeeded, 0);
    });
  }

  it('needs more for every bad request', () => {
    const process = new PromotionProcess(POLICY);
    const before = process.goodNeeded;
    process.update(1, 0, 1, 0);
    assert.equal(process.goodNeeded - before > 190, true);
  });

  it('never passes a limit of 100 %', () => {
    const process = new PromotionProcess({ ...POLICY, errorRatioMax: 1 });
    process.update(1_000_000, 19_000_000, 0, 0);
    assert.equal(process.goodNeeded, Number.POSITIVE_INFINITY);
    assert.equal(process.isPassed, false);
  });
});

describe('the relative branch', () => {
  it('passes after about 91 failures for R = 3 and 28 at a weight of 25 %', () => {
    for (const [canary, stable, events] of [
      [5, 95, 91],
      [25, 75, 28],
    ] as const) {
      const process = new PromotionProcess({ ...POLICY, errorRatioMax: 1 });
      let failures = 0;
      for (; !process.isPassed && failures < 1000; failures += 20) {
        const onCanary = (20 * canary) / (canary + stable);
        process.update(20 * canary, 20 * stable, onCanary, 20 - onCanary);
      }
      assert.ok(Math.abs(failures - events) <= 20, `${failures}`);
    }
  });

  it('is never passed by a canary at the limit more often than beta/2, exactly for one tick', () => {
    let expected = 0;
    const [n, m, p] = [4, 12, 0.1];
    for (const [x, px] of binomial(n, 3 * p).entries()) {
      for (const [y, py] of binomial(m, p).entries()) {
        const process = new PromotionProcess({ ...POLICY, errorRatioMax: 1 });
        process.update(n, m, x, y);
        expected += px * py * Math.exp(process.logERelative);
      }
    }
    assert.ok(expected <= 1 + 1e-12, `${expected}`);
  });
});

describe('the expectation of the absolute branch', () => {
  it('is at most 1 at the limit and above it', () => {
    for (const share of [1, 1.5, 4]) {
      let expected = 0;
      for (const [x, probability] of binomial(50, share * 0.01).entries()) {
        const process = new PromotionProcess(POLICY);
        process.update(50, 0, x, 0);
        expected += probability * Math.exp(process.logEAbsolute);
      }
      assert.ok(expected <= 1 + 1e-12, `${share}: ${expected}`);
    }
  });
});

describe('a step', () => {
  it('starts anew', () => {
    const process = new PromotionProcess(POLICY);
    process.update(1000, 19_000, 0, 0);
    assert.equal(process.isPassed, true);
    process.update(10, 0, 10, 0);
    assert.equal(process.isPassed, true, 'what is passed stays passed within the step');
    process.restart();
    assert.equal(process.isPassed, false);
    assert.equal(process.logEAbsolute, 0);
  });
});
