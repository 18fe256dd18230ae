/** Five kinds of services at 0.8 to 10 times what they can serve, with the same defaults. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overload } from '../../support/simulate/load/overload.ts';
import { capacityOf, MAIN, OTHERS, type Shape } from '../../support/simulate/load/shapes.ts';

const SEEDS = [11, 12];
/** Not measured: the limit is found. */
const LEARN_MS = 10_000;
/** The least goodput and share of critical requests, where critical ones alone are at most half of what can be served. */
const [LARGE, SMALL, HEAVY, QUICK] = OTHERS as [Shape, Shape, Shape, Shape];
const SHAPES: readonly (readonly [name: string, shape: Shape, goodput: number, critical: number])[] = [
  ['20 servers, 50 ms', MAIN, 0.95, 0.99],
  ['100 servers, 50 ms', LARGE, 0.85, 0.99],
  ['5 servers, 100 ms', SMALL, 0.85, 0.98],
  // 0.6 % take longer than the objective all by themselves.
  ['20 servers, 50 ms, heavy tail', HEAVY, 0.85, 0.985],
  ['200 servers, 20 ms', QUICK, 0.85, 0.99],
];

for (const [name, shape, goodput, critical] of SHAPES) {
  describe(name, () => {
    // 100,000 requests a second take a while to simulate.
    const measuredMs = capacityOf(shape) > 5000 ? 3000 : 10_000;
    it('refuse nobody at 0.8 of what they can serve, from a cold start', (t) => {
      for (const seed of SEEDS) {
        const load = { factorAt: () => 0.8, durationMs: 40_000, fromMs: 0, seed };
        const { refused } = overload(shape, load, 'auto');
        t.diagnostic(`seed ${seed}: ${refused} refused`);
        assert.equal(refused, 0, `seed ${seed}`);
      }
    });

    for (const factor of [2, 5, 10]) {
      it(`at ${factor} times keep their goodput, and critical requests first`, (t) => {
        for (const seed of SEEDS) {
          const load = { factorAt: () => factor, durationMs: LEARN_MS + measuredMs, fromMs: LEARN_MS, seed };
          const outcome = overload(shape, load, 'auto');
          t.diagnostic(`seed ${seed}: ${outcome.goodput.toFixed(3)}, critical ${outcome.criticalRatio.toFixed(3)}`);
          assert.ok(outcome.goodput >= goodput, `seed ${seed}: ${outcome.goodput}`);
          if (factor <= 5) assert.ok(outcome.criticalRatio >= critical, `seed ${seed}: ${outcome.criticalRatio}`);
        }
      });
    }
  });
}
