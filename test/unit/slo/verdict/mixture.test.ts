/** The bookkeeping of bets: equal stakes, fresh copies, levels. Its recursion is tested where it is used (`ratio.test.ts`). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyWeight, equalStakes, logAdd, Mixture, unstartedWeight } from '#src/slo/verdict/mixture.ts';

describe('a mixture', () => {
  it('is worth 1 before any evidence, and after a restart what it was', () => {
    const mixture = new Mixture(equalStakes(3));
    assert.ok(Math.abs(mixture.logE) < 1e-15);
    mixture.multiply(1, 4);
    const before = mixture.logE;
    mixture.restart();
    assert.ok(Math.abs(mixture.logE - before) < 1e-12);
    assert.equal(mixture.copies, 2);
  });

  it('shares its stakes equally', () => {
    const mixture = new Mixture(equalStakes(4));
    mixture.multiply(2, Math.log(9));
    const w0 = copyWeight(0);
    assert.ok(Math.abs(Math.exp(mixture.logE) - (w0 * (3 + 9)) / 4 - (1 - w0)) < 1e-12);
    assert.ok(mixture.logMass(2) > mixture.logMass(0));
  });

  it('gives each bet its stake, in every copy', () => {
    const mixture = new Mixture([0.9, 0.1]);
    const before = Math.exp(mixture.logMass(0) - mixture.logMass(1));
    mixture.multiply(0, Math.log(0.5));
    mixture.multiply(1, Math.log(0.5));
    mixture.restart();
    assert.ok(Math.abs(before - 9) < 1e-12);
    assert.ok(Math.abs(Math.exp(mixture.logMass(1)) - 0.1 * (0.5 * copyWeight(0) + copyWeight(1))) < 1e-12);
  });

  it('takes the weights of several copies together', () => {
    const [one, five] = [new Mixture([1]), new Mixture([1])];
    for (const mixture of [one, five]) mixture.multiply(0, -1000);
    one.restart();
    five.restart(5);
    assert.equal(five.copies, 6);
    const [first, together] = [one, five].map((mixture) => Math.exp(mixture.logMass(0))) as [number, number];
    assert.ok(Math.abs(first - copyWeight(1)) < 1e-12);
    assert.ok(Math.abs(together - (unstartedWeight(0) - unstartedWeight(5))) < 1e-12);
    assert.ok(Math.abs(Math.exp(five.logE) - unstartedWeight(0)) < 1e-12, 'the whole is what it was');
  });

  it('starts no copy twice', () => {
    const mixture = new Mixture(equalStakes(2));
    for (let n = 0; n < 10; n++) mixture.restart();
    assert.equal(mixture.copies, 1);
  });

  it('reaches what logE reaches', () => {
    const mixture = new Mixture(equalStakes(2));
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
