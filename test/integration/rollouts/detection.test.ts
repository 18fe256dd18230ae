/** What simulations say about bad canaries holds through the real proxy, within one and a half times. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantileOf } from '../../support/simulate/detection.ts';
import { detectThroughProxy } from '../../support/simulate/watch/through-proxy.ts';

const SEED = 9001;

describe('a canary with 5 % of the traffic, through the proxy', () => {
  // Bad requests that simulations may take at the median; runs; requests after which it counts as never found.
  const cases = [
    [0.01, 10, 3, 100_000],
    [0.05, 6, 5, 20_000],
    [1, 12, 5, 5000],
  ] as const;
  for (const [canaryErrorRatio, simulated, runs, requestsMax] of cases) {
    it(`failing ${100 * canaryErrorRatio} % is out after ${1.5 * simulated} bad requests at the median`, async (t) => {
      const bad: number[] = [];
      for (let seed = SEED; seed < SEED + 10 * runs; seed += 10) {
        const { canaryBad, requests } = await detectThroughProxy(t, { canaryErrorRatio, seed, requestsMax });
        t.diagnostic(`seed ${seed}: ${canaryBad} bad answers of the canary in ${requests} requests`);
        bad.push(canaryBad);
      }
      const median = quantileOf(
        bad.toSorted((a, b) => a - b),
        0.5,
      );
      assert.ok(median <= 1.5 * simulated && median >= 3, bad.join());
    });
  }
});
