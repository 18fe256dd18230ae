/** Healthy rollouts keep their weight: a small sample of what `test/simulation` does 5,000 times. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { samples } from '../../support/runner/depth.ts';
import { countRollbacks } from '../../support/simulate/rollout.ts';
import { HEALTHY, type Scenario } from '../../support/simulate/traffic.ts';

const RUNS = samples(30, 3);
const SEED = 700_001;
const HOUR_MS = 3_600_000;

describe('a healthy rollout of an hour', () => {
  const scenarios: readonly [string, Scenario][] = [
    ['is never rolled back when failures are independent', HEALTHY],
    [
      'is never rolled back when they come in bursts of one user',
      { ...HEALTHY, bursts: { meanLength: 5, meanGapMs: 50 } },
    ],
  ];
  for (const [name, scenario] of scenarios) {
    it(name, (t) => {
      t.diagnostic(`${RUNS} runs, seeds ${SEED}..${SEED + RUNS - 1}`);
      assert.equal(countRollbacks(scenario, RUNS, SEED, { durationMs: HOUR_MS }), 0);
    });
  }

  it('would be rolled back over bursts that last for seconds if requests alone decided', (t) => {
    const scenario: Scenario = { ...HEALTHY, bursts: { meanLength: 10, meanGapMs: 1000 } };
    t.diagnostic(`10 runs, seeds ${SEED}..${SEED + 9}`);
    assert.ok(countRollbacks(scenario, 10, SEED, { durationMs: HOUR_MS, unit: 'requests' }) >= 3);
  });
});
