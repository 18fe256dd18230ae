/** Twenty hosts of which one is sick: what the balancers make of it, on virtual time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Balancer } from '#src/model/config.ts';
import { groupOf, targetsOf } from '../support/simulate/balancing.ts';
import { type HostModel, type Outcome, quantileOf, simulate } from '../support/simulate/load/queueing.ts';

const SEEDS = [1, 2, 3];
const HOSTS = 20;
const HEALTHY: HostModel = { meanMs: 20, servers: 4, failsAfterMs: null };
const SICK = 7;

/** 20 hosts at 0.7 of what they can serve together, one of them `sick`; requests come through `workerCount` workers. */
function run(balancer: Balancer, sick: HostModel, seed: number, workerCount = 1): Outcome {
  const hosts = Array.from({ length: HOSTS }, (_, n) => (n === SICK ? sick : HEALTHY));
  const perMs = hosts.reduce((sum, { servers, meanMs }) => sum + servers / meanMs, 0);
  const workers = Array.from({ length: workerCount }, (_, n) => {
    const group = groupOf(new Array<number>(HOSTS).fill(1), seed * 100 + n);
    return { group, targets: targetsOf(group, balancer), breaker: null, recorder: null };
  });
  return simulate({ workers, hosts }, { everyMs: 1 / (0.7 * perMs), requests: 100_000, warmUp: 20_000, seed });
}

/** p99 with one host five times slower over p99 without, at the same load. */
function tailRatio(t: TestContext, balancer: Balancer, seed: number, workerCount: number): number {
  const slow = quantileOf(run(balancer, { ...HEALTHY, meanMs: 100 }, seed, workerCount).tookMs, 0.99);
  const even = quantileOf(run(balancer, HEALTHY, seed, workerCount).tookMs, 0.99);
  t.diagnostic(
    `seed ${seed}: ${balancer}, ${workerCount} workers: p99 ${slow.toFixed(0)} ms against ${even.toFixed(0)} ms`,
  );
  return slow / even;
}

describe('one host of 20 five times slower, at 0.7 load', () => {
  for (const workerCount of [1, 4]) {
    it(`peakEwma in ${workerCount} workers: p99 at most 1.6 times that of equal hosts`, (t) => {
      for (const seed of SEEDS) assert.ok(tailRatio(t, 'peakEwma', seed, workerCount) <= 1.6, `seed ${seed}`);
    });
  }

  it('leastRequest: p99 at most 1.6 times that of equal hosts in one worker', (t) => {
    for (const seed of SEEDS) assert.ok(tailRatio(t, 'leastRequest', seed, 1) <= 1.6, `seed ${seed}`);
  });

  it('roundRobin drowns the slow host: the comparison does find what it looks for', (t) => {
    assert.ok(tailRatio(t, 'roundRobin', 1, 1) > 10);
  });
});

describe('one host of 20 that fails within a millisecond', () => {
  for (const balancer of ['peakEwma', 'leastRequest'] as const) {
    it(`${balancer}: gets less than a fifth of its fair share, without any ejection`, (t) => {
      for (const seed of SEEDS) {
        const { picks, failed } = run(balancer, { ...HEALTHY, failsAfterMs: 1 }, seed);
        t.diagnostic(`seed ${seed}: ${balancer}: ${picks[SICK]} of 80,000 went there`);
        assert.equal(failed, picks[SICK]);
        assert.ok(failed < 80_000 / HOSTS / 5, `seed ${seed}: ${failed}`);
      }
    });
  }
});
