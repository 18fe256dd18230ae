/**
 * Checks that a list of plain values has none of them twice.
 */

import type { Path, Report } from '../problems/report.ts';

/** Reports every entry of the list at `path` that an earlier one repeats; `keyOf` tells what counts as the same. */
export function checkUnique<T>(list: readonly T[], path: Path, report: Report, keyOf: (entry: T) => unknown): void {
  const seen = new Set<unknown>();
  for (const [index, entry] of list.entries()) {
    const key = keyOf(entry);
    if (seen.has(key)) report.add([...path, index], { kind: 'listedTwice', expected: 'every entry once' });
    seen.add(key);
  }
}
