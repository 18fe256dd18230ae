/** What holds for the e-process whatever is counted. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RatioProcess } from '#src/slo/verdict/ratio.ts';

type Tick = readonly [canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number];

const count = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 2000 }), fc.nat({ max: 2 ** 31 }));
const tick: fc.Arbitrary<Tick> = fc
  .tuple(count, count, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([n, m, x, y]) => [n, m, Math.round(n * x), Math.round(m * y)]);
const ratio = fc.double({ min: 1, max: 10, noNaN: true });

function run(toleratedRatio: number, ticks: readonly Tick[]): number {
  const process = new RatioProcess(toleratedRatio);
  for (const one of ticks) process.update(...one);
  return process.logE;
}

describe('the e-value', () => {
  it('is a number after any ticks and restarts', () => {
    fc.assert(
      fc.property(ratio, fc.array(tick, { maxLength: 60 }), fc.nat({ max: 7 }), (r, ticks, every) => {
        const process = new RatioProcess(r);
        for (const [n, one] of ticks.entries()) {
          process.update(...one);
          if (n % (every + 1) === 0) process.restart();
          assert.ok(Number.isFinite(process.logE));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of ticks', () => {
    fc.assert(
      fc.property(ratio, fc.array(tick, { maxLength: 12 }), (r, ticks) => {
        const [one, other] = [run(r, ticks), run(r, ticks.toReversed())];
        assert.ok(Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one)), `${one} and ${other}`);
      }),
    );
  });

  it('never falls when a failure moves from stable to the canary', () => {
    fc.assert(
      fc.property(ratio, tick, (r, [n, m, x, y]) => {
        fc.pre(n > x && m > 0 && y > 0);
        assert.ok(run(r, [[n, m, x + 1, y - 1]]) >= run(r, [[n, m, x, y]]));
      }),
    );
  });

  it('falls when more is tolerated', () => {
    fc.assert(
      fc.property(tick, ([n, m, x, y]) => {
        fc.pre(n > 0 && m > 0 && x > 0);
        assert.ok(run(2, [[n, m, x, y]]) <= run(1, [[n, m, x, y]]) + 1e-12);
      }),
    );
  });

  it('is below 1 when the canary is better', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (n, m) => {
        assert.ok(run(1.5, [[n, m, 0, Math.ceil(m / 2)]]) < 0);
      }),
    );
  });
});
