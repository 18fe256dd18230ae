/**
 * Checks the fleet against the rest of the document: its locks are in a store that is there.
 */

import type { Report } from '../problems/report.ts';
import type { Draft } from './draft.ts';

/** Reports a lock in a kind of store that no source names. */
export function checkFleet({ whole }: Pick<Draft, 'whole'>, report: Report): void {
  const lock = whole?.fleet?.lock ?? 'redis';
  if (lock === 'redis' || whole?.sources?.some((source) => source[lock] !== undefined) === true) return;
  const hint = 'the first source of that kind holds the locks; its prefix may be empty of documents';
  report.add(['fleet', 'lock'], { kind: 'lockStore', expected: `a source of kind ${lock}`, got: 'none', hint });
}
