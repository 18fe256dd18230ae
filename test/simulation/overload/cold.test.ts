/**
 * A quick version and its gateway that have just begun, and get 0.8 of what they can serve: what is slow about them is over soon.
 *
 * The profile is that of real processes (bench/README.md, bench:overload): without a limit 1,600 to 2,000 requests were there at once
 * in the first second, and after two seconds everything was slow for some tenths of one.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OverloadOutcome, overload } from '../../support/simulate/load/overload.ts';
import { OTHERS, type Shape } from '../../support/simulate/load/shapes.ts';

const QUICK = OTHERS[3] as Shape;
const SEEDS = [11, 12, 13];
const NEW_MS = 0.2;
const WARM_MS = 0.06;

/** How long a request keeps the process busy: the first 3,000 longer than the others. */
function intakeMs(taken: number): number {
  return taken < 3000 ? NEW_MS : WARM_MS;
}

/** The same, and once it stands still. */
function standing(taken: number): number {
  return intakeMs(taken) + (taken === 16_000 ? 200 : 0);
}

/** The first seconds. */
function begin(
  intake: typeof intakeMs,
  factor: number,
  workers: number,
  limit: 'auto' | null = 'auto',
): OverloadOutcome[] {
  const load = { factorAt: () => factor, durationMs: 4000, fromMs: 0, intakeMs: intake };
  return SEEDS.map((seed) => overload(QUICK, { ...load, seed }, limit, workers));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

describe('200 servers of 20 ms whose code is new', () => {
  it('without a limit have as many requests at once as were measured', () => {
    for (const { presentMax } of begin(intakeMs, 0.8, 1, null)) {
      assert.ok(presentMax >= 1600 && presentMax <= 2000, `${presentMax}`);
    }
  });

  for (const workers of [1, 4]) {
    for (const [name, intake] of [
      ['slow at first', intakeMs],
      ['slow at first, and standing still for 200 ms when the limit is known', standing],
    ] as const) {
      it(`at 0.8 of what they can do, ${name}, ${workers} workers: nobody is refused`, (t) => {
        const outcomes = begin(intake, 0.8, workers);
        t.diagnostic(outcomes.map(({ goodput }) => goodput.toFixed(3)).join(' '));
        assert.deepEqual(
          outcomes.map(({ refused }) => refused),
          [0, 0, 0],
        );
        // All that is asked, but for what waited too long at first.
        const last = outcomes.map(({ goodputBySecond }) => goodputBySecond[3] as number);
        assert.ok(mean(last) >= 0.95 * 0.8, last.join(' '));
      });
    }

    it(`at twice what they can do, ${workers} workers: critical requests are answered from the first second on`, (t) => {
      const outcomes = begin(intakeMs, 2, workers);
      t.diagnostic(
        outcomes.map(({ goodput, criticalRatio }) => `${goodput.toFixed(3)} ${criticalRatio.toFixed(3)}`).join(', '),
      );
      assert.ok(mean(outcomes.map(({ criticalRatio }) => criticalRatio)) >= 0.99);
      assert.ok(mean(outcomes.map(({ goodput }) => goodput)) >= 0.75);
      assert.ok(
        outcomes.every(({ refused }) => refused > 0),
        'what is too much is refused still',
      );
    });
  }
});
