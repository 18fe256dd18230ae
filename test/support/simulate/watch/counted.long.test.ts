/** Traffic drawn by counts is the traffic that is drawn request by request: the same sums, as far as chance allows. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { Evidence } from '#src/model/slo.ts';
import { HEALTHY, Traffic } from '../traffic.ts';
import { binomialDraw } from './binomial-draw.ts';
import { CALM, CountedTraffic } from './counted.ts';

const RUNS = 8;
const TICKS = 12_000;
const CANARY_USERS = 102;

/** Sums of everything over some histories, and their squares. */
function sums(start: (seed: number) => { readonly evidence: Evidence; next: () => void }): number[] {
  const sum = new Array<number>(8).fill(0);
  for (let seed = 1; seed <= RUNS; seed++) {
    const traffic = start(seed);
    for (let tick = 0; tick < TICKS; tick++) {
      traffic.next();
      const { requests, users } = traffic.evidence;
      const arms = [requests.canary, requests.stable, users.canary, users.stable];
      for (const [n, { finished, bad }] of arms.entries()) {
        sum[2 * n] = (sum[2 * n] as number) + finished;
        sum[2 * n + 1] = (sum[2 * n + 1] as number) + bad;
      }
    }
  }
  return sum;
}

describe('traffic by counts', () => {
  for (const errorRatio of [0.001, 0.05]) {
    it(`has the requests, failures, users and bad users of traffic by requests: ${100 * errorRatio} %`, (t) => {
      const single = sums((seed) => new Traffic({ ...HEALTHY, errorRatio, canaryUsers: CANARY_USERS }, seed));
      const canaryShare = CANARY_USERS / HEALTHY.users;
      const counted = sums((seed) => new CountedTraffic({ ...CALM, errorRatio, canaryShare }, seed));
      t.diagnostic(`seeds 1..${RUNS}: ${single.join()} and ${counted.join()}`);
      for (const [n, count] of single.entries()) {
        // The canary's own users are chance by counts: another number in every history.
        const tolerance = 5 * Math.sqrt(2 * count) + (n === 0 || n === 4 ? 0.05 : 0.01) * count;
        assert.ok(Math.abs(count - (counted[n] as number)) < tolerance, `${n}: ${count}, ${counted[n]}`);
      }
    });
  }
});

describe('an endpoint with a hiccup', () => {
  it('fails five requests in a row, is out, and is well when it is back', (t) => {
    const hiccups = { arm: 'canary', endpoints: 4, withinMs: 60_000, lengthMs: [5000, 10_000] } as const;
    t.diagnostic(`seeds 1..${RUNS}`);
    let finished = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const traffic = new CountedTraffic({ ...CALM, canaryShare: 0.5, errorRatio: 1e-9, hiccups }, seed);
      let bad = 0;
      for (let tick = 0; tick < TICKS / 10; tick++) {
        traffic.next();
        bad += traffic.evidence.requests.canary.bad;
        finished += traffic.evidence.requests.canary.finished;
      }
      assert.equal(bad, 5, `seed ${seed}`);
    }
    const mean = (5 * RUNS * TICKS) / 10;
    assert.ok(Math.abs(finished - mean) < 5 * Math.sqrt(mean), `${finished} of ${mean}`);
  });

  it('is hidden among failures when it has none: these are as many as without endpoints', () => {
    const hiccups = { arm: 'stable', endpoints: 4, withinMs: 1, lengthMs: [0, 0] } as const;
    const [calm, own] = [null, hiccups].map((plan) =>
      sums((seed) => new CountedTraffic({ ...CALM, hiccups: plan }, seed)),
    );
    for (const [n, count] of (calm as number[]).entries()) {
      const other = (own as number[])[n] as number;
      const tolerance = 5 * Math.sqrt(2 * count) + (n === 4 ? 0.05 : 0.01) * count;
      assert.ok(Math.abs(count - other) < tolerance, `${n}: ${count}, ${other}`);
    }
  });
});

describe('a binomial count', () => {
  it('has the mean and the variance that it should', () => {
    const random = new Random(9);
    for (const [n, p] of [
      [3, 0.5],
      [40, 0.9],
      [95, 0.02],
      [5000, 0.3],
    ] as const) {
      let [sum, squares] = [0, 0];
      const draws = 20_000;
      for (let draw = 0; draw < draws; draw++) {
        const count = binomialDraw(random, n, p);
        assert.ok(count >= 0 && count <= n);
        sum += count;
        squares += (count - n * p) ** 2;
      }
      const variance = n * p * (1 - p);
      assert.ok(Math.abs(sum / draws - n * p) < 5 * Math.sqrt(variance / draws), `mean of ${n}, ${p}`);
      assert.ok(Math.abs(squares / draws / variance - 1) < 0.06, `variance of ${n}, ${p}`);
    }
  });

  it('is certain where chance has nothing to say', () => {
    const random = new Random(1);
    assert.deepEqual([binomialDraw(random, 7, 0), binomialDraw(random, 7, 1), binomialDraw(random, 0, 0.5)], [0, 7, 0]);
  });
});
