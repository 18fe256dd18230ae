/** Several workers share the limit of a version that gets too much: what is left of what one worker reaches. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OverloadLoad, type OverloadOutcome, overload } from '../../support/simulate/load/overload.ts';
import { MAIN, OTHERS, type Shape } from '../../support/simulate/load/shapes.ts';

const [, FEW, HEAVY] = OTHERS as [Shape, Shape, Shape, Shape];
const SEEDS = [301, 302];

function steady(shape: Shape, factor: number, workers: number, more: Partial<OverloadLoad> = {}): OverloadOutcome[] {
  const load = { factorAt: () => factor, durationMs: 20_000, fromMs: 10_000, ...more };
  return SEEDS.map((seed) => overload(shape, { ...load, seed }, 'auto', workers));
}

function mean(outcomes: readonly OverloadOutcome[], of: 'goodput' | 'criticalRatio'): number {
  return outcomes.reduce((sum, outcome) => sum + outcome[of], 0) / outcomes.length;
}

function shown(outcomes: readonly OverloadOutcome[]): string {
  return outcomes
    .map(({ goodput, criticalRatio, refused, presentMax }) => {
      return `goodput ${goodput.toFixed(3)}, critical ${criticalRatio.toFixed(3)}, ${refused} refused, at most ${presentMax} at once`;
    })
    .join('; ');
}

const SHAPES: readonly (readonly [name: string, shape: Shape, goodput: number, critical: number])[] = [
  ['20 servers of 50 ms', MAIN, 0.95, 0.99],
  ['5 servers of 100 ms', FEW, 0.85, 0.94],
  ['20 servers with a heavy tail', HEAVY, 0.85, 0.97],
];

for (const [workers, factors] of [
  [4, [2, 5, 10]],
  [8, [2, 5]],
] as const) {
  for (const [name, shape, goodput, critical] of SHAPES) {
    describe(`${name}, ${workers} workers`, () => {
      it('at 0.8 of what they can do, from a cold start: nobody is refused', (t) => {
        const outcomes = steady(shape, 0.8, workers, { fromMs: 0 });
        t.diagnostic(shown(outcomes));
        assert.deepEqual(
          outcomes.map(({ refused }) => refused),
          [0, 0],
        );
      });

      for (const factor of factors) {
        it(`at ${factor} times they do what they can, for critical requests first`, (t) => {
          const outcomes = steady(shape, factor, workers);
          t.diagnostic(shown(outcomes));
          assert.ok(mean(outcomes, 'goodput') >= goodput, `${mean(outcomes, 'goodput')}`);
          if (factor <= 5) assert.ok(mean(outcomes, 'criticalRatio') >= critical, `${mean(outcomes, 'criticalRatio')}`);
        });
      }
    });
  }
}

describe('20 servers of 50 ms, 4 workers of which one gets most', () => {
  const workerShares = [0.1, 0.1, 0.7, 0.1];

  for (const factor of [2, 5]) {
    it(`at ${factor} times they do what they can, for critical requests first`, (t) => {
      const outcomes = steady(MAIN, factor, 4, { workerShares });
      t.diagnostic(shown(outcomes));
      assert.ok(mean(outcomes, 'goodput') >= 0.95, `${mean(outcomes, 'goodput')}`);
      assert.ok(mean(outcomes, 'criticalRatio') >= 0.99, `${mean(outcomes, 'criticalRatio')}`);
    });
  }
});
