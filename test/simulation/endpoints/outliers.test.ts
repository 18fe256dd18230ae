/** Ten hosts of which some fall ill and recover: ejection, return and its limits, in a closed loop on virtual time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { play, type Scene } from '../../support/simulate/load/circuits.ts';
import { type HostModel, type Outcome, quantileOf } from '../../support/simulate/load/queueing.ts';

const SEEDS = [1, 2, 3];
const HOSTS = 10;
const HEALTHY: HostModel = { meanMs: 20, servers: 4, failsAfterMs: null };
/** Half of what all hosts can serve: 1 request per ms. */
const EVERY_MS = 1;
const SLOW_START_MS = 10_000;

interface Sketch extends Pick<Scene, 'balancer' | 'seed' | 'forMs' | 'hostAt'> {
  /** After every tick: which hosts are out. */
  readonly ticked?: (nowMs: number, out: readonly number[]) => void;
}

function run({ ticked, ...sketch }: Sketch): Outcome {
  return play({
    ...sketch,
    everyMs: EVERY_MS,
    hostCount: HOSTS,
    slowStartMs: SLOW_START_MS,
    ticked: (nowMs, states) =>
      ticked?.(
        nowMs,
        states.flatMap((state, n) => (state === 'ejected' || state === 'half-open' ? [n] : [])),
      ),
  });
}

function within(nowMs: number, fromMs: number, toMs: number): boolean {
  return nowMs >= fromMs && nowMs < toMs;
}

describe('a host that fails at once for half a minute', () => {
  const sick = (n: number, nowMs: number): HostModel =>
    n === 4 && within(nowMs, 10_000, 40_000) ? { ...HEALTHY, failsAfterMs: 1 } : HEALTHY;

  for (const balancer of ['roundRobin', 'leastRequest', 'peakEwma', 'consistentHash'] as const) {
    it(`${balancer}: costs a tick's worth of requests per ejection instead of every tenth request`, (t) => {
      for (const seed of SEEDS) {
        const { failed } = run({ balancer, seed, forMs: 60_000, hostAt: sick });
        t.diagnostic(`seed ${seed}: ${balancer}: ${failed} failed; without ejection a tenth of 30,000 by turns`);
        assert.ok(failed < 60, `seed ${seed}: ${failed}`);
      }
    });
  }

  it('is back with its full share afterwards', () => {
    for (const seed of SEEDS) {
      let lastOutMs = 0;
      const ticked = (nowMs: number, out: readonly number[]): void => void (out.length > 0 && (lastOutMs = nowMs));
      run({ balancer: 'roundRobin', seed, forMs: 100_000, hostAt: sick, ticked });
      // Out at 10, tried at 20, out at once, tried at 40 and perhaps once more 30 s later.
      assert.ok(lastOutMs < 75_000, `seed ${seed}: out until ${lastOutMs}`);
    }
  });
});

describe('a host that is ten times slower', () => {
  it('by turns: is out within two intervals, and nobody else is', (t: TestContext) => {
    for (const seed of SEEDS) {
      let outAtMs = -1;
      const ticked = (nowMs: number, out: readonly number[]): void => {
        if (out.includes(2) && outAtMs < 0) outAtMs = nowMs;
        assert.ok(
          out.every((n) => n === 2),
          `seed ${seed}: ${out.join()} are out`,
        );
      };
      const slow = (n: number, nowMs: number): HostModel =>
        n === 2 && nowMs >= 10_000 ? { ...HEALTHY, meanMs: 200 } : HEALTHY;
      run({ balancer: 'roundRobin', seed, forMs: 25_000, hostAt: slow, ticked });
      t.diagnostic(`seed ${seed}: out ${outAtMs - 10_000} ms after it became slow`);
      assert.ok(outAtMs >= 10_000 && outAtMs <= 20_000, `seed ${seed}: ${outAtMs}`);
    }
  });
});

describe('an outage that all hosts share', () => {
  it('takes at most half of them out at any time, and none for long after it', () => {
    for (const seed of SEEDS) {
      let most = 0;
      let lastOutMs = 0;
      const ticked = (nowMs: number, out: readonly number[]): void => {
        most = Math.max(most, out.length);
        if (out.length > 0) lastOutMs = nowMs;
      };
      const dark = (_n: number, nowMs: number): HostModel =>
        within(nowMs, 10_000, 20_000) ? { ...HEALTHY, failsAfterMs: 2 } : HEALTHY;
      run({ balancer: 'peakEwma', seed, forMs: 50_000, hostAt: dark, ticked });
      assert.ok(most > 0 && most <= HOSTS / 2, `seed ${seed}: ${most}`);
      assert.ok(lastOutMs < 41_000, `seed ${seed}: ${lastOutMs}`);
    }
  });
});

describe('ten equal hosts', () => {
  it('none is ejected in two minutes, by whichever balancer', (t) => {
    for (const balancer of ['roundRobin', 'leastRequest', 'peakEwma', 'consistentHash'] as const) {
      const ticked = (nowMs: number, out: readonly number[]): void =>
        assert.deepEqual(out, [], `${balancer}: seed 1: out at ${nowMs}`);
      const { tookMs } = run({ balancer, seed: 1, forMs: 120_000, hostAt: () => HEALTHY, ticked });
      t.diagnostic(`${balancer}: p99 ${quantileOf(tookMs, 0.99).toFixed(0)} ms`);
    }
  });
});
