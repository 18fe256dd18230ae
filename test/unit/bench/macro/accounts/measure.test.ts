import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoadResult } from '../../../../bench/macro/load.ts';
import { sampleOf } from '../../../../bench/macro/measure.ts';

const RESULT: LoadResult = {
  requests: 10_000,
  durationUs: 2_000_000,
  badStatus: 0,
  socketErrors: 0,
  p50Us: 1_000,
  p90Us: 1_500,
  p99Us: 2_500,
  maxUs: 9_000,
};
const READINGS = {
  ticks: 90,
  wallMs: 2_000,
  ticksPerSecond: 100,
  coresBefore: 'cpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\n',
  coresAfter: 'cpu0 100 0 0 100 0 0 0 0\ncpu1 150 0 0 50 0 0 0 0\n',
};

describe('sampleOf', () => {
  test('divides CPU time by answered requests and tells noise from own work', () => {
    const sample = sampleOf(RESULT, READINGS, { gateway: 0, load: 1 });
    assert.equal(sample.cpuUs, 90);
    assert.equal(sample.requestsPerSecond, 5_000);
    assert.equal(sample.gatewayRatio, 0.45);
    assert.ok(Math.abs((sample.foreignRatio ?? 0) - 0.05) < 1e-12);
    assert.equal(sample.loadCoreRatio, 0.75);
    assert.equal(sample.p99Ms, 2.5);
  });

  test('knows nothing about cores that are not pinned', () => {
    const { foreignRatio, loadCoreRatio } = sampleOf(RESULT, READINGS, { gateway: -1, load: -1 });
    assert.equal(foreignRatio, null);
    assert.equal(loadCoreRatio, null);
  });

  test('refuses a run with bad answers: a gateway that fails fast is not a fast one', () => {
    const cores = { gateway: 0, load: 1 };
    assert.throws(() => sampleOf({ ...RESULT, badStatus: 3 }, READINGS, cores), /3 bad answers/);
    assert.throws(() => sampleOf({ ...RESULT, socketErrors: 2 }, READINGS, cores), /2 socket errors/);
    assert.throws(() => sampleOf({ ...RESULT, requests: 0 }, READINGS, cores), /0 requests/);
  });
});
