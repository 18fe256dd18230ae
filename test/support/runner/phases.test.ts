import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { addClosingLine, closingLines, forgottenFiles, isGreen, noTotals, phasesOf } from './phases.ts';

/** A folder with empty files, removed after the test. */
function treeOf(t: TestContext, paths: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'sluice-phases-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const path of paths) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
  return root;
}

const TREE = [
  'test/tidy.test.ts',
  'test/check.test.ts',
  'test/bench.long.test.ts',
  'test/unit/lib/a.test.ts',
  'test/property/b.test.ts',
  'test/property/c.long.test.ts',
  'test/simulation/d.test.ts',
  'test/simulation/e.long.test.ts',
  'test/integration/f.test.ts',
  'test/integration/g.long.test.ts',
  'test/support/x.ts',
];

describe('phasesOf', () => {
  test('leaves long tests, simulations and real processes out of the quick run', (t) => {
    const files = phasesOf(treeOf(t, TREE), 'quick', 2).flatMap((phase) => phase.files);
    assert.deepEqual(files.sort(), ['test/property/b.test.ts', 'test/tidy.test.ts', 'test/unit/lib/a.test.ts']);
  });

  test('runs every test file exactly once in the full run', (t) => {
    const files = phasesOf(treeOf(t, TREE), 'full', 2).flatMap((phase) => phase.files);
    assert.deepEqual(files.sort(), TREE.filter((path) => path.endsWith('.test.ts')).sort());
  });

  test('runs real processes in two lanes beside the others, each file by itself', (t) => {
    const phases = phasesOf(treeOf(t, TREE), 'full', 4);
    assert.deepEqual(
      phases.map(({ name, concurrency, isShared, isBeside }) => [name, concurrency, isShared, isBeside]),
      [
        ['logic', 4, true, false],
        ['checks', 1, false, false],
        ['behavior', 4, true, false],
        ['real processes', 2, false, true],
      ],
    );
  });

  test('begins with what takes longest', (t) => {
    const files = phasesOf(treeOf(t, TREE), 'full', 2).find(({ name }) => name === 'real processes')?.files;
    assert.deepEqual(files, ['test/integration/g.long.test.ts', 'test/integration/f.test.ts']);
  });

  test('runs all at once where nothing runs beside them', (t) => {
    const phases = phasesOf(treeOf(t, TREE), 'quick', 2);
    assert.deepEqual(
      phases.map(({ name, concurrency }) => [name, concurrency]),
      [['logic', Number.POSITIVE_INFINITY]],
    );
  });

  test('names a test file that no phase would run', (t) => {
    assert.deepEqual(forgottenFiles(treeOf(t, [...TREE, 'test/other/h.test.ts'])), ['test/other/h.test.ts']);
  });
});

describe('the closing lines', () => {
  test('add up over phases', () => {
    const totals = noTotals();
    for (const line of ['tests 3', 'pass 2', 'skipped 1', 'tests 2', 'pass 2', 'duration_ms 1.5']) {
      assert.equal(addClosingLine(totals, line), true);
    }
    assert.deepEqual(closingLines(totals), [
      'tests 5',
      'suites 0',
      'pass 4',
      'fail 0',
      'cancelled 0',
      'skipped 1',
      'todo 0',
      'duration_ms 1.5',
    ]);
  });

  test('are not mistaken in other notes', () => {
    const totals = noTotals();
    for (const line of ['tests are slow', 'pass', 'seed 12', 'tests 3 of 4']) {
      assert.equal(addClosingLine(totals, line), false, line);
    }
    assert.deepEqual(totals, noTotals());
  });

  test('are green only when something ran and nothing failed', () => {
    assert.equal(isGreen(noTotals()), false);
    assert.equal(isGreen({ ...noTotals(), tests: 1, pass: 1 }), true);
    assert.equal(isGreen({ ...noTotals(), tests: 2, pass: 1, fail: 1 }), false);
    assert.equal(isGreen({ ...noTotals(), tests: 2, pass: 1, cancelled: 1 }), false);
  });
});
