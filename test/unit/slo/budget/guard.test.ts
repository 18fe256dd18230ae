/** The exact-count guard: its table, its tail, and the extremes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isBeyondChance, poissonTail, TAIL_RATIO_MAX } from '#src/slo/budget/guard.ts';
import { badNeeded } from '../../../support/readings/metrics/fewest.ts';

const TOTALS = [10, 30, 100, 300, 1000, 3000, 10_000];
const TABLE: readonly (readonly [factor: number, needed: readonly number[]])[] = [
  [14.4, [2, 3, 6, 11, 25, 60, 174]],
  [6, [2, 3, 4, 7, 13, 30, 80]],
  [1, [2, 2, 2, 3, 5, 9, 19]],
];

/** The tail by its definition, in plain terms. */
function slowTail(count: number, lambda: number): number {
  let term = Math.exp(-lambda);
  let below = 0;
  for (let k = 0; k < count; k++) {
    below += term;
    term *= lambda / (k + 1);
  }
  return 1 - below;
}

describe('the guard', () => {
  for (const [factor, needed] of TABLE) {
    it(`asks for the counts of the table at ${factor} times a budget of 0.1 %`, () => {
      assert.deepEqual(
        TOTALS.map((total) => badNeeded(total, factor * 0.001)),
        needed,
      );
    });
  }

  it('asks for the fewest that are improbable: one less is not', () => {
    for (const [factor] of TABLE) {
      for (const total of TOTALS) {
        const lambda = total * factor * 0.001;
        const needed = badNeeded(total, factor * 0.001);
        assert.ok(slowTail(needed, lambda) <= TAIL_RATIO_MAX);
        assert.ok(needed === 2 || slowTail(needed - 1, lambda) > TAIL_RATIO_MAX, `${needed} of ${total}`);
      }
    }
  });

  it('never believes a single failure', () => {
    assert.equal(isBeyondChance(1, 10, 1e-9), false);
    assert.equal(isBeyondChance(2, 10, 1e-9), true);
    assert.equal(badNeeded(0, 0.01), 2);
  });

  it('has an answer for counts of any size', () => {
    for (const total of [1e6, 1e9, 1e12]) {
      const needed = badNeeded(total, 0.0144);
      const lambda = total * 0.0144;
      // 2.33 standard deviations of the normal limit, and a little for the skew.
      const deviations = (needed - lambda) / Math.sqrt(lambda);
      assert.ok(deviations > 2.3 && deviations < 2.4, String(deviations));
      assert.equal(isBeyondChance(total, total, 0.0144), true);
    }
  });
});

describe('the tail of the Poisson distribution', () => {
  it('is what the definition says, on both sides of the mean', () => {
    for (const lambda of [0.01, 0.144, 1, 14.4, 20, 43.2]) {
      for (let count = 0; count <= 3 * lambda + 5; count++) {
        const expected = slowTail(count, lambda);
        const got = poissonTail(count, lambda);
        assert.ok(Math.abs(got - expected) < 1e-12, `${count} at ${lambda}: ${got}, not ${expected}`);
      }
    }
  });

  it('is sure of nothing and of no event at all', () => {
    assert.equal(poissonTail(0, 5), 1);
    assert.equal(poissonTail(3, 0), 0);
    assert.equal(poissonTail(1e9, 1), 0);
  });
});
