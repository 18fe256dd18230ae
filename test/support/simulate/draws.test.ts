/** Random variables have the means and spreads that they should. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  AliasTable,
  exponential,
  geometric,
  lognormal,
  normal,
  PoissonPair,
  pareto,
  poissonTable,
  somePoissonTable,
} from './draws.ts';

const SEED = 4242;
const COUNT = 200_000;

function momentsOf(draw: (random: Random) => number): { mean: number; variance: number } {
  const random = new Random(SEED);
  let [sum, squares] = [0, 0];
  for (let n = 0; n < COUNT; n++) {
    const value = draw(random);
    sum += value;
    squares += value * value;
  }
  const mean = sum / COUNT;
  return { mean, variance: squares / COUNT - mean * mean };
}

function assertMoments(draw: (random: Random) => number, mean: number, variance: number): void {
  const seen = momentsOf(draw);
  assert.ok(Math.abs(seen.mean - mean) < 5 * Math.sqrt(variance / COUNT) + 1e-9, `mean ${seen.mean}, not ${mean}`);
  assert.ok(Math.abs(seen.variance / variance - 1) < 0.05, `variance ${seen.variance}, not ${variance}`);
}

describe('random variables', () => {
  it('of an alias table come as often as their weights say', () => {
    const weights = [1, 0, 3, 6, 0.5, 9.5];
    const table = new AliasTable(weights);
    const random = new Random(SEED);
    const counts = weights.map(() => 0);
    for (let n = 0; n < COUNT; n++) counts[table.draw(random)]! += 1;
    for (const [index, weight] of weights.entries()) {
      assert.ok(Math.abs((counts[index] as number) / COUNT - weight / 20) < 0.005, `${index}: ${counts[index]}`);
    }
  });

  it('have the mean and variance of their law', () => {
    for (const mean of [0.05, 0.5, 9.9, 95]) {
      const table = poissonTable(mean);
      assertMoments((random) => table.draw(random), mean, mean);
    }
    const pair = new PoissonPair(0.5, 9.5);
    assertMoments((random) => pair.draw(random) & 0xffff, 0.5, 0.5);
    assertMoments((random) => pair.draw(random) >>> 16, 9.5, 9.5);
    const [some, none] = [somePoissonTable(0.1), Math.exp(-0.1)];
    const mean = 0.1 / (1 - none);
    assertMoments((random) => some.draw(random), mean, mean * (1.1 - mean));
    assertMoments((random) => exponential(random, 3), 3, 9);
    assertMoments((random) => geometric(random, 0.2), 5, 20);
    assertMoments((random) => geometric(random, 0.01), 100, 9900);
    assertMoments((random) => normal(random), 0, 1);
    assertMoments((random) => pareto(random, 2, 5), 2.5, 4 * (5 / 48));
    assertMoments((random) => Math.log(lognormal(random, 50, 0.8)), Math.log(50), 0.64);
  });

  it('are certain at the edges', () => {
    const random = new Random(SEED);
    for (let n = 0; n < 100; n++) {
      assert.equal(geometric(random, 1), 1);
      assert.ok(pareto(random, 2, 5) >= 2);
    }
  });
});
