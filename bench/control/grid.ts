/**
 * Works the grid of healthy canaries off, a few hundred rollouts of each cell at a time, and writes down what it has.
 */

import { CELLS, type Cell } from './cells.ts';
import { type Count, type FalseRollbacks, FIRST_SEED, falseRollbacks, NOTHING, writeResult } from './results.ts';
import { fingerprint, isRolledBack } from './watch.ts';

/** Rollouts of a cell before it is the next one's turn: every cell grows alike, whenever the run is stopped. */
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
  for (let upTo = Math.min(AT_ONCE, rollouts); ; upTo = Math.min(upTo + AT_ONCE, rollouts)) {
    for (const cell of cells) {
      const before = known.cells[cell.key] ?? NOTHING;
      if (before.rollouts >= upTo) continue;
      const startedMs = performance.now();
      const count = watchOn(cell, before, upTo, durationMs);
      known.cells[cell.key] = count;
      writeResult('false-rollbacks', known, folder);
      const eachMs = (performance.now() - startedMs) / (upTo - before.rollouts);
      log(`${cell.key}: ${count.rolledBack} of ${count.rollouts}, ${eachMs.toFixed(0)} ms each`);
    }
    if (upTo >= rollouts) return known;
  }
}

function watchOn(cell: Cell, before: Count, upTo: number, durationMs?: number): Count {
  const seeds = [...before.seeds];
  let { rolledBack } = before;
  for (let n = before.rollouts; n < upTo; n++) {
    if (!isRolledBack(cell, FIRST_SEED + n, durationMs)) continue;
    rolledBack += 1;
    if (seeds.length < SEEDS_MAX) seeds.push(FIRST_SEED + n);
  }
  return { rollouts: upTo, rolledBack, seeds };
}
