import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Arrivals } from '../../../../../bench/macro/load/arrivals.ts';

function take(arrivals: Arrivals, count: number): number[] {
  return Array.from({ length: count }, () => arrivals.nextMs());
}

function gapsOf(instants: readonly number[]): number[] {
  return instants.map((instant, index) => instant - (instants[index - 1] ?? 0));
}

describe('arrivals', () => {
  test('come evenly where that is asked for', () => {
    assert.deepEqual(take(new Arrivals('even', 500, new Random(1)), 4), [2, 4, 6, 8]);
  });

  test('have exponential gaps: mean and deviation are 1 / rate, and they never go back', () => {
    const gaps = gapsOf(take(new Arrivals('poisson', 1_000, new Random(7)), 100_000));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    assert.ok(Math.abs(mean - 1) < 0.02, `mean ${mean}`);
    assert.ok(Math.abs(Math.sqrt(variance) - 1) < 0.03, `deviation ${Math.sqrt(variance)}`);
    assert.ok(gaps.every((gap) => gap >= 0 && Number.isFinite(gap)));
    const short = gaps.filter((gap) => gap < Math.LN2).length / gaps.length;
    assert.ok(Math.abs(short - 0.5) < 0.01, `${short} of the gaps below their median`);
  });

  test('are the same for everybody with the same seed', () => {
    const one = take(new Arrivals('poisson', 10, new Random(3)), 100);
    assert.deepEqual(take(new Arrivals('poisson', 10, new Random(3)), 100), one);
    assert.notDeepEqual(take(new Arrivals('poisson', 10, new Random(4)), 100), one);
  });

  test('need a rate', () => {
    assert.throws(() => new Arrivals('even', 0, new Random(1)), /above 0, got 0/);
    assert.throws(() => new Arrivals('even', Number.NaN, new Random(1)), /above 0/);
  });
});
