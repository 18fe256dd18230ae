/** A total outage with retries: what upstreams see beyond the requests stays within the budget, on virtual time. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { RetryBudget } from '#src/proxy/forward/retry/retry.ts';

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
    atMs -= (Math.log(1 - random.nextFloat()) * 1000) / outage.requestsPerSecond;
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
