/**
 * The repository keeps the house rules; `test/support/tidy/rules.test.ts` shows that each rule bites.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Finding, formatFinding, readRepository } from './support/tidy/files.ts';
import { RULES } from './support/tidy/rules.ts';
import { functionShapeFindings } from './support/tidy/shape.ts';

const root = join(import.meta.dirname, '..');

describe('the repository', () => {
  const files = readRepository(root);

  test('is read whole', () => {
    const paths = new Set(files.map(({ path }) => path));
    for (const path of ['package.json', 'test/tidy.test.ts', 'src/state/store.ts']) assert.ok(paths.has(path), path);
    assert.ok(![...paths].some((path) => path.startsWith('node_modules/')));
  });

  for (const [sentence, rule] of RULES) {
    test(sentence, () => {
      assertNone(rule(files));
    });
  }

  const isQuick = process.env['SLUICE_TEST_DEPTH'] === 'quick';
  const skip = isQuick && 'Biome reads all files again, in the full run';
  test('functions are short and take at most four parameters', { skip }, () => {
    assertNone(functionShapeFindings(lintShape(root)));
  });
});

function assertNone(findings: readonly Finding[]): void {
  if (findings.length > 0) assert.fail(`\n${findings.map(formatFinding).join('\n')}\n`);
}

/** Biome's report on the repository: its parser counts lines and parameters of functions. */
function lintShape(folder: string): string {
  const { stdout, stderr, error } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--reporter=json', '--max-diagnostics=none'],
    { cwd: folder, encoding: 'utf8' },
  );
  assert.equal(error, undefined, String(error));
  assert.notEqual(stdout, '', stderr);
  return stdout;
}
