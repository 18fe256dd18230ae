/** The absolute floor: exactly valid below it, convinced above it, neutral without one. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { AbsoluteProcess } from '#src/slo/verdict/absolute.ts';
import { binomial } from '../../../support/simulate/binomial.ts';

const SEED = 20_261_121;

function expectedE(floor: number, n: number, p: number): number {
  let sum = 0;
  for (const [x, probability] of binomial(n, p).entries()) {
    const process = new AbsoluteProcess(floor);
    process.update(n, x);
    sum += probability * Math.exp(process.logE);
  }
  return sum;
}

describe('the expectation of E under the null', () => {
  it('never exceeds 1 up to the floor', () => {
    let max = 0;
    for (const floor of [0.000025, 0.00025, 0.0025, 0.05, 0.3, 0.9]) {
      for (const n of [1, 2, 5, 20, 100]) {
        for (const share of [0, 0.2, 0.5, 0.9, 1]) max = Math.max(max, expectedE(floor, n, share * floor));
      }
    }
    assert.ok(max <= 1 + 1e-12, `max ${max}`);
    assert.ok(max > 0.999999, 'the grid reaches the boundary');
  });

  it('exceeds 1 above it', () => assert.ok(expectedE(0.01, 100, 0.1) > 100));
});

describe('a canary', () => {
  it('below the floor convinces nobody, however many requests', () => {
    const process = new AbsoluteProcess(0.001);
    for (let n = 0; n < 10_000; n++) process.update(1000, n % 2);
    assert.ok(process.logE < 0 && Number.isFinite(process.logE), `${process.logE}`);
  });

  it('that fails altogether convinces at once', () => {
    const process = new AbsoluteProcess(0.00025);
    process.update(4, 4);
    assert.ok(process.reaches(10));
    assert.equal(process.reaches(process.logE + 1e-6), false);
  });

  it('that begins to fail late is seen soon after a restart', () => {
    const process = new AbsoluteProcess(0.0025);
    for (let n = 0; n < 6000; n++) process.update(50, 0);
    process.restart();
    process.update(50, 5);
    assert.ok(process.reaches(6), `${process.logE}`);
  });
});

describe('no floor', () => {
  it('never keeps the relative evidence back', () => {
    const process = new AbsoluteProcess(0);
    process.update(100, 0);
    assert.equal(process.logE, Number.POSITIVE_INFINITY);
    assert.equal(process.reaches(1e9), true);
  });
});

describe('a look at the evidence', () => {
  it('changes nothing that comes later, not in the last bit', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 50; round++) {
      const [watched, alone] = [new AbsoluteProcess(0.001), new AbsoluteProcess(0.001)];
      for (let tick = 0; tick < 200; tick++) {
        const finished = random.nextUint32() % 50;
        const bad = random.nextFloat() < 0.1 ? Math.min(finished, 1) : 0;
        for (const process of [watched, alone]) process.update(finished / 1.3, bad / 1.3);
        const seen = watched.logE;
        assert.ok(Number.isFinite(seen), `seed ${SEED}, round ${round}`);
        if (tick % 40 === 0) for (const process of [watched, alone]) process.restart();
      }
      // Both settle what waits, and are then the same double.
      assert.equal(watched.reaches(0), alone.reaches(0));
      assert.equal(watched.logE, alone.logE, `seed ${SEED}, round ${round}`);
    }
  });

  it('sees what a decision would go by', () => {
    const process = new AbsoluteProcess(0.001);
    process.update(100, 1);
    process.update(5000, 0);
    const seen = process.logE;
    process.reaches(0);
    assert.ok(Math.abs(seen - process.logE) < 1e-12, `${seen} ${process.logE}`);
  });
});
