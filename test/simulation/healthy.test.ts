/** A few rollouts of every cell of the grid of healthy canaries: next to none is rolled back, none over what both suffer. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELLS } from '../../bench/control/cells.ts';
import { watchRoutes } from '../../bench/control/routes.ts';
import { isRolledBack } from '../../bench/control/watch.ts';
import { HEALTHY } from '../support/simulate/traffic.ts';

const RUNS = 12;
const SEED = 41_001;
const DURATION_MS = 1_600_000;

const kinds = [...new Set(CELLS.map(({ kind }) => kind))];

describe(`healthy canaries of every cell, ${DURATION_MS / 60_000} minutes each`, () => {
  for (const kind of kinds) {
    it(`keep their weight: ${kind}`, (t) => {
      t.diagnostic(`seeds ${SEED}..${SEED + RUNS - 1}`);
      for (const cell of CELLS.filter((one) => one.kind === kind)) {
        for (let seed = SEED; seed < SEED + RUNS; seed++) {
          assert.equal(isRolledBack(cell, seed, { durationMs: DURATION_MS }), false, `seed ${seed}: ${cell.key}`);
        }
      }
    });
  }
});

it('healthy canaries of ten routes keep their weight, also where one route fails ten times as often by itself', () => {
  const parts = Array.from({ length: 10 }, () => 0.1);
  const none = parts.map(() => 0);
  for (const ownErrorRatios of [none, none.with(9, 0.1)]) {
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const scenario = { traffic: HEALTHY, parts, ownErrorRatios, fault: null };
      const [, each] = watchRoutes(scenario, seed, DURATION_MS / 4);
      assert.equal(each.atMs, null, `seed ${seed}`);
    }
  }
});
