/** 5,000 healthy rollouts of an hour, failures independent of one another: at most 0.1 % are rolled back. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CELLS, type Cell } from '../../bench/control/cells.ts';
import { isRolledBack } from '../../bench/control/watch.ts';

const RUNS = 5000;
const SEED = 1;

it('a canary that fails as stable does keeps its weight', (t) => {
  const cell = CELLS.find(({ key }) => key === 'independent, 1 % of 100 rps, 5 %') as Cell;
  let count = 0;
  for (let seed = SEED; seed < SEED + RUNS; seed++) if (isRolledBack(cell, seed)) count += 1;
  t.diagnostic(`${count} of ${RUNS} rolled back, seeds ${SEED}..${SEED + RUNS - 1}`);
  assert.ok(count <= RUNS / 1000, `${count}`);
});
