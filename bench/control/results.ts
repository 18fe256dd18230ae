/**
 * Results of the control bench on disk: what was counted so far, cell by cell, so that a long run can stop and go on.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const RESULTS = join(import.meta.dirname, '..', 'results', 'control');
/** Seed of a cell's first rollout; the n-th has the n-th after it. */
export const FIRST_SEED = 700_001;

/** Rollouts of one cell so far. */
export interface Count {
  readonly rollouts: number;
  readonly rolledBack: number;
  /** Seeds of those that were, the first few. */
  readonly seeds: readonly number[];
}

export interface FalseRollbacks {
  /** Of the judge (`watch.ts`) that was watched. */
  readonly fingerprint: string;
  readonly cells: Record<string, Count>;
}

export const NOTHING: Count = { rollouts: 0, rolledBack: 0, seeds: [] };

/** Reads `name`.json; null when there is none. */
export function readResult(name: string, folder = RESULTS): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Writes `name`.json as a whole: whoever is stopped in between leaves the old one. */
export function writeResult(name: string, result: unknown, folder = RESULTS): void {
  const path = join(folder, `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** What is known of this judge; nothing when the results are of another. */
export function falseRollbacks(fingerprint: string, folder = RESULTS): FalseRollbacks {
  const known = readResult('false-rollbacks', folder) as FalseRollbacks | null;
  return known?.fingerprint === fingerprint ? known : { fingerprint, cells: {} };
}
