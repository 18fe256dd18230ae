/** 5,000 healthy rollouts of an hour, failures independent of one another: at most 0.1 % are rolled back. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { countRollbacks } from '../support/simulate/rollout.ts';
import { HEALTHY } from '../support/simulate/traffic.ts';

const RUNS = 5000;
const SEED = 1;

it('a canary that fails as stable does keeps its weight', (t) => {
  const count = countRollbacks(HEALTHY, RUNS, SEED, { durationMs: 3_600_000 });
  t.diagnostic(`${count} of ${RUNS} rolled back, seeds ${SEED}..${SEED + RUNS - 1}`);
  assert.ok(count <= RUNS / 1000, `${count}`);
});
