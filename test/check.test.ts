/**
 * Types, lint and format are clean: what `npm run check` says, as a test.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';

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
