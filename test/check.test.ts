/**
 * Types, lint and format are clean: what `npm run check` says, as a test; and functions have the shape that `biome.json` says.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatFinding } from './support/tidy/files.ts';
import { functionShapeFindings } from './support/tidy/shape.ts';

const root = join(import.meta.dirname, '..');

/** The commands of the script `check`, each with what it checks. */
const CHECKS: readonly (readonly [what: string, command: readonly string[]])[] = [
  ['types', ['tsc']],
  ['types of the page', ['tsc', '-p', 'src/admin/page/browser']],
  ['lint', ['oxlint', '--type-aware']],
  ['format and shape', ['biome', 'ci', '--colors=off']],
];

describe('the whole tree', () => {
  for (const [what, [binary = '', ...args]] of CHECKS) {
    test(`${what}: ${binary} is content`, () => {
      const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules/.bin', binary), args, {
        cwd: root,
        encoding: 'utf8',
      });
      assert.equal(error, undefined, String(error));
      assert.equal(status, 0, `\n${stdout}${stderr}`);
    });
  }
});

/** Biome's report on a tree: its parser counts lines and parameters of functions. */
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

describe('functions', () => {
  test('are short and take at most four parameters', () => {
    assert.deepEqual(functionShapeFindings(lintShape(root)).map(formatFinding), []);
  });

  test('are counted by Biome with the limits of biome.json', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-tidy-'));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const name of ['biome.json', '.gitignore']) cpSync(join(root, name), join(folder, name));
    writeFileSync(join(folder, 'wide.ts'), 'export function wide(a: 1, b: 1, c: 1, d: 1, e: 1): void {}\n');
    writeFileSync(join(folder, 'long.ts'), `export function long(): void {\n${'  f();\n'.repeat(71)}}\n`);
    const said = functionShapeFindings(lintShape(folder)).map(({ path, rule }) => `${path} ${rule}`);
    assert.deepEqual(said.sort(), [
      'long.ts function-shape (noExcessiveLinesPerFunction)',
      'wide.ts function-shape (useMaxParams)',
    ]);
  });
});
