/** What both versions suffer alike rolls nothing back: outages long and short, full and partial, much and little traffic. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countRollbacks } from '../support/simulate/rollout.ts';
import { HEALTHY, type Period, type Scenario } from '../support/simulate/traffic.ts';

const RUNS = 100;
const SEED = 31_001;
const RUN = { durationMs: 600_000 };

function every(periodMs: number, lengthMs: number): Period[] {
  return Array.from({ length: Math.floor(480_000 / periodMs) }, (_, n) => {
    const fromMs = 60_000 + n * periodMs;
    return { fromMs, toMs: fromMs + lengthMs, errorRatio: 1 };
  });
}

const OUTAGES: readonly [string, readonly Period[]][] = [
  ['a full outage of a minute', [{ fromMs: 120_000, toMs: 180_000, errorRatio: 1 }]],
  ['a minute of 20 % failures', [{ fromMs: 120_000, toMs: 180_000, errorRatio: 0.2 }]],
  ['an outage of 5 s every 10 s', every(10_000, 5000)],
  ['an outage of half a second every 2 s', every(2000, 500)],
];
const SERVICES: readonly [string, Scenario][] = [
  ['100 requests per second', HEALTHY],
  ['500 users of very different weight', { ...HEALTHY, users: 500, paretoShape: 1.2 }],
  ['a canary with 0.1 requests per second', { ...HEALTHY, requestsPerSecond: 2 }],
];

describe('a shared outage', () => {
  for (const [service, scenario] of SERVICES) {
    for (const [outage, outages] of OUTAGES) {
      it(`rolls nothing back: ${service}, ${outage}`, (t) => {
        t.diagnostic(`${RUNS} runs, seeds ${SEED}..${SEED + RUNS - 1}`);
        assert.equal(countRollbacks({ ...scenario, outages }, RUNS, SEED, RUN), 0);
      });
    }
  }
});

describe('an outage of the canary alone', () => {
  it('is told apart from a shared one', (t) => {
    t.diagnostic(`${RUNS} runs, seeds ${SEED}..${SEED + RUNS - 1}`);
    const canaryFaults = [{ fromMs: 120_000, toMs: 180_000, errorRatio: 0.5 }];
    assert.equal(countRollbacks({ ...HEALTHY, canaryFaults }, RUNS, SEED, RUN), RUNS);
  });
});
