/** The bookkeeping of bets: equal stakes, fresh copies, levels. Its recursion is tested where it is used (`ratio.test.ts`). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyWeight, logAdd, Mixture } from '#src/slo/verdict/mixture.ts';

describe('a mixture', () => {
  it('is worth 1 before any evidence, and after a restart what it was', () => {
    const mixture = new Mixture(3);
    assert.ok(Math.abs(mixture.logE) < 1e-15);
    mixture.multiply(1, 4);
    const before = mixture.logE;
    mixture.restart();
    assert.ok(Math.abs(mixture.logE - before) < 1e-12);
    assert.equal(mixture.copies, 2);
  });

  it('shares its stakes equally', () => {
    const mixture = new Mixture(4);
    mixture.multiply(2, Math.log(9));
    const w0 = copyWeight(0);
    assert.ok(Math.abs(Math.exp(mixture.logE) - (w0 * (3 + 9)) / 4 - (1 - w0)) < 1e-12);
    assert.ok(mixture.logMass(2) > mixture.logMass(0));
  });

  it('starts no copy twice', () => {
    const mixture = new Mixture(2);
    for (let n = 0; n < 10; n++) mixture.restart();
    assert.equal(mixture.copies, 1);
  });

  it('reaches what logE reaches', () => {
    const mixture = new Mixture(2);
    mixture.multiply(0, 12);
    for (const level of [0, 5, mixture.logE, mixture.logE + 1e-9, 40])
      assert.equal(mixture.reaches(level), mixture.logE >= level);
  });
});

describe('a sum of logarithms', () => {
  it('does not overflow', () => {
    assert.equal(logAdd(1e6, -1e6), 1e6);
    assert.ok(Math.abs(logAdd(2, 2) - 2 - Math.LN2) < 1e-15);
  });
});
