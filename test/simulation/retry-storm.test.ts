/**
 * A total outage with retries: what upstreams see beyond the requests stays within the budget. And a canary's outage with
 * rescues: users do not see it until it is rolled back, as long as stable does not hold all tokens. On virtual time.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { RetryBudget } from '#src/proxy/forward/retry/retry.ts';
import { detect, FAILING } from '../support/simulate/detection.ts';
import { exponential } from '../support/simulate/draws.ts';

const SEED = 7001;
/** The budget's reserve at the beginning of an outage. */
const RESERVE = 10;

interface Outage {
  readonly requestsPerSecond: number;
  readonly healthyMs: number;
  readonly outageMs: number;
  /** Retries that each failed request asks for. */
  readonly retriesMax: number;
}

/** Requests and attempts within an outage in which everything fails at once. */
function suffer(outage: Outage): { requests: number; attempts: number } {
  const random = new Random(SEED);
  const budget = new RetryBudget(0);
  const endMs = outage.healthyMs + outage.outageMs;
  let requests = 0;
  let attempts = 0;
  for (let atMs = 0; ; ) {
    atMs += exponential(random, 1000 / outage.requestsPerSecond);
    if (atMs > endMs) return { requests, attempts };
    budget.deposit();
    if (atMs < outage.healthyMs) continue;
    requests++;
    attempts++;
    for (let n = 0; n < outage.retriesMax && budget.withdraw(atMs); n++) attempts++;
  }
}

describe('a total outage', () => {
  for (const requestsPerSecond of [1, 10, 100, 10_000]) {
    for (const retriesMax of [1, 5]) {
      for (const outageMs of [100, 1000, 30_000]) {
        const name = `${requestsPerSecond} requests/s, ${retriesMax} retries, ${outageMs} ms`;
        it(`brings the upstreams at most 1.1 times the requests, 3 a second and the reserve: ${name}`, (t) => {
          t.diagnostic(`seed ${SEED}`);
          const { requests, attempts } = suffer({ requestsPerSecond, healthyMs: 10_000, outageMs, retriesMax });
          const most = 1.1 * requests + 0.003 * outageMs + RESERVE;
          assert.ok(attempts <= most + 1e-6, `${attempts} attempts for ${requests} requests, at most ${most}`);
        });
      }
    }
  }

  it('after an hour without failures begins with no more than that reserve', () => {
    const { requests, attempts } = suffer({
      requestsPerSecond: 50,
      healthyMs: 3_600_000,
      outageMs: 1000,
      retriesMax: 5,
    });
    assert.ok(attempts <= 1.1 * requests + 3 + RESERVE, `${attempts} for ${requests}`);
    assert.ok(attempts >= requests + RESERVE, 'and with all of it');
  });
});

describe('a total outage of both versions', () => {
  for (const requestsPerSecond of [10, 1000]) {
    it(`brings besides that at most what rescues took in advance: ${requestsPerSecond} requests/s`, (t) => {
      t.diagnostic(`seed ${SEED}`);
      // Longer than a debt lasts that nobody adds to.
      const outageMs = 60_000;
      const random = new Random(SEED);
      const budget = new RetryBudget(-1000);
      for (let n = 0; n < requestsPerSecond; n++) budget.deposit();
      budget.turn(0);
      let [requests, attempts] = [0, 0];
      for (let atMs = 0; atMs < outageMs; atMs += exponential(random, 1000 / requestsPerSecond)) {
        budget.turn(atMs);
        budget.deposit();
        requests++;
        attempts++;
        const isCanary = random.nextFloat() < 0.5;
        if (isCanary && budget.withdrawInAdvance(atMs)) attempts++;
        for (let n = 0; n < 5 && budget.withdraw(atMs); n++) attempts++;
      }
      // The rate of a second of random arrivals is within four of its deviations.
      const advance = 0.1 * (requestsPerSecond + 4 * Math.sqrt(requestsPerSecond));
      const most = 1.1 * requests + 0.003 * outageMs + RESERVE + advance;
      assert.ok(attempts <= most, `${attempts} attempts for ${requests} requests, at most ${most}`);
      assert.ok(attempts > 1.1 * requests, 'and rescues are made');
    });
  }
});

/** A canary that begins to fail every request at once, each of which takes a token until stable has answered. */
interface Breakdown {
  readonly requestsPerSecond: number;
  readonly canaryShare: number;
  readonly stableMs: number;
}

/** Failures of the canary until its rollback that found no token. */
function seenByUsers({ requestsPerSecond, canaryShare, stableMs }: Breakdown, seed: number): number {
  const canaryPerSecond = requestsPerSecond * canaryShare;
  const stablePerSecond = requestsPerSecond - canaryPerSecond;
  const users = { canaryUsers: 2000, stableUsers: 2000 };
  const { afterMs } = detect({ ...FAILING, ...users, arrivals: 'poisson', canaryPerSecond, stablePerSecond }, seed);
  const random = new Random(seed);
  const budget = new RetryBudget(-1000);
  for (let n = 0; n < requestsPerSecond; n++) budget.deposit();
  budget.turn(0);
  const answeredAtMs: number[] = [];
  let seen = 0;
  for (let atMs = exponential(random, 1000 / requestsPerSecond); atMs < afterMs; ) {
    for (; (answeredAtMs[0] ?? atMs) < atMs; answeredAtMs.shift()) budget.giveBack();
    budget.deposit();
    if (random.nextFloat() < canaryShare) {
      if (budget.withdrawInAdvance(atMs)) answeredAtMs.push(atMs + stableMs);
      else seen += 1;
    }
    atMs += exponential(random, 1000 / requestsPerSecond);
  }
  return seen;
}

describe('a canary that fails altogether', () => {
  const RUNS = 100;
  for (const [requestsPerSecond, canaryShare, stableMs] of [
    [1000, 0.05, 50],
    [1000, 0.05, 200],
    [1000, 0.25, 20],
    [1000, 0.5, 5],
    [1000, 0.5, 50],
    [1000, 0.5, 150],
    [100, 0.5, 50],
    [100, 0.5, 150],
  ] as const) {
    const name = `${requestsPerSecond} requests/s, ${100 * canaryShare} %, stable takes ${stableMs} ms`;
    it(`shows its users 2 failures at most until it is rolled back: ${name}`, (t) => {
      const all = Array.from({ length: RUNS }, (_, n) =>
        seenByUsers({ requestsPerSecond, canaryShare, stableMs }, SEED + n),
      );
      t.diagnostic(`seeds ${SEED}..${SEED + RUNS - 1}: ${Math.max(...all)} at most`);
      assert.ok(Math.max(...all) <= 2, all.join(' '));
    });
  }
});
