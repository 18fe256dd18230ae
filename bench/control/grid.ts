/**
 * Works the grid of healthy canaries off, a few hundred rollouts of a cell at a time, and writes down what it has.
 */

import { upperBound } from './bound.ts';
import { CELLS, type Cell, GOAL } from './cells.ts';
import { type Count, type FalseRollbacks, FIRST_SEED, falseRollbacks, NOTHING, writeResult } from './results.ts';
import { fingerprint, isRolledBack } from './watch.ts';

/** Rollouts of a cell before it is the turn of the one that is furthest from its goal then. */
const AT_ONCE = 250;
const SEEDS_MAX = 10;

export interface GridRun {
  /** Rollouts wanted per cell. */
  readonly rollouts: number;
  /** Which cells, by their key. */
  readonly match: RegExp;
  readonly log: (line: string) => void;
  readonly folder?: string;
  readonly durationMs?: number;
}

/** Brings every cell that matches up to so many rollouts. */
export function runGrid({ rollouts, match, log, folder, durationMs }: GridRun): FalseRollbacks {
  const known = falseRollbacks(fingerprint(), folder);
  const cells = CELLS.filter(({ key }) => match.test(key));
  const countOf = ({ key }: Cell): Count => known.cells[key] ?? NOTHING;
  for (;;) {
    const open = cells.filter((cell) => countOf(cell).rollouts < rollouts);
    const [cell] = open.toSorted((a, b) => distance(b, countOf(b)) - distance(a, countOf(a)));
    if (cell === undefined) return known;
    const before = countOf(cell);
    const upTo = Math.min(before.rollouts + AT_ONCE, rollouts);
    const startedMs = performance.now();
    const count = watchOn(cell, before, upTo, durationMs);
    known.cells[cell.key] = count;
    writeResult('false-rollbacks', known, folder);
    const eachMs = (performance.now() - startedMs) / (upTo - before.rollouts);
    log(`${cell.key}: ${count.rolledBack} of ${count.rollouts}, ${eachMs.toFixed(1)} ms each`);
  }
}

/** How many times the bound of what was seen exceeds the goal. */
function distance({ goal }: Cell, { rolledBack, rollouts }: Count): number {
  return upperBound(rolledBack, rollouts) / Math.max(goal, GOAL);
}

function watchOn(cell: Cell, before: Count, upTo: number, durationMs?: number): Count {
  const options = durationMs === undefined ? {} : { durationMs };
  const seeds = [...before.seeds];
  let { rolledBack } = before;
  for (let n = before.rollouts; n < upTo; n++) {
    if (!isRolledBack(cell, FIRST_SEED + n, options)) continue;
    rolledBack += 1;
    if (seeds.length < SEEDS_MAX) seeds.push(FIRST_SEED + n);
  }
  return { rollouts: upTo, rolledBack, seeds };
}
