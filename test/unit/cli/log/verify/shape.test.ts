/** The second writing of the shape process agrees with the gateway’s, which finds its ratios another way. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Four } from '#src/cli/log/verify/rows.ts';
import { risingRatio, Shape } from '#src/cli/log/verify/shape.ts';
import { Random } from '#src/lib/random.ts';
import { ShapeProcess } from '#src/slo/latency/shape.ts';
import { QUANTILES } from '#src/slo/verdict/dominance.ts';

test('ratios rise, keep the sum, and stay where they rise already', () => {
  const q = [0.5, 0.3, 0.2];
  const close = (ratio: number, expected: number): void => assert.ok(Math.abs(ratio - expected) < 1e-12, `${ratio}`);
  [0.65 / 0.8, 0.65 / 0.8, 0.35 / 0.2].forEach((ratio, i) => {
    close(risingRatio([0.5, 0.15, 0.35], q, i), ratio);
  });
  [0.4 / 0.5, 0.33 / 0.3, 0.27 / 0.2].forEach((ratio, i) => {
    close(risingRatio([0.4, 0.33, 0.27], q, i), ratio);
  });
  for (const i of [0, 1, 2]) close(risingRatio([0.6, 0.3, 0.1], q, i), 1);
});

test('it is the same as the gateway’s over random ticks', () => {
  const random = new Random(53);
  const own = new Shape(QUANTILES, 0);
  const theirs = new ShapeProcess();
  for (let n = 1; n <= 1000; n++) {
    const slow = n > 300 && n < 600 ? 3 : 1;
    const canary = QUANTILES.map(() => (random.nextUint32() % 4) * slow);
    const stable = QUANTILES.map(() => random.nextUint32() % 9);
    const binsOf = (counts: readonly number[]): number[] => [5, ...counts];
    const exceeding = (counts: readonly number[], k: number): number =>
      counts.slice(k).reduce((sum, count) => sum + count, 0);
    const all = (counts: readonly number[]): number => 5 + exceeding(counts, 0);
    const trials = QUANTILES.map(
      (_, k): Four => [all(canary), exceeding(canary, k), all(stable), exceeding(stable, k)],
    );
    assert.ok(own.look(trials, 1.25, 100 * n));
    const tick = { canary: Float64Array.from(binsOf(canary)), stable: Float64Array.from(binsOf(stable)) };
    theirs.update(tick, 1.25);
    if (n % 200 === 0) {
      own.bets.restart(1);
      theirs.restart();
    }
    if (n === 700) {
      own.forget();
      theirs.forget();
    }
    const [a, b] = [own.bets.logE, theirs.logE];
    assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)), `tick ${n}: ${a}, ${b}`);
  }
});
