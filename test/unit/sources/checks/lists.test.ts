import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUnique } from '#src/sources/checks/lists.ts';
import { createReport } from '#src/sources/problems/report.ts';

const LOCATOR = { locate: () => ({ line: 1, column: 1 }), valueAt: () => 'a value' };

function repeats(list: readonly string[], keyOf = (entry: string): unknown => entry): string[] {
  const report = createReport('a.yaml', LOCATOR);
  checkUnique(list, ['list'], report, keyOf);
  return report.problems().map(({ code, path }) => `${code} ${path}`);
}

test('every entry but the first of its kind is reported', () => {
  assert.deepEqual(repeats([]), []);
  assert.deepEqual(repeats(['a', 'b', 'A']), []);
  assert.deepEqual(repeats(['a', 'b', 'a', 'a']), ['SLU1072 list[2]', 'SLU1072 list[3]']);
});

test('what is the same is for the caller to say', () => {
  assert.deepEqual(
    repeats(['a', 'A'], (entry) => entry.toLowerCase()),
    ['SLU1072 list[1]'],
  );
});
