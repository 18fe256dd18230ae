/**
 * The benches still run: each micro bench a few times, and the macro bench up to its first answer.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '..');

function runBench(script: string, ...args: readonly string[]): string {
  const options = { cwd: root, encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join('bench', script), ...args], options);
  assert.equal(error, undefined, String(error));
  assert.equal(status, 0, stderr);
  return stdout;
}

describe('the benches', () => {
  test('micro: every subject runs', () => {
    const rows = runBench('micro/run.ts', '--smoke').trim().split('\n').slice(2);
    assert.ok(rows.length > 0);
    for (const row of rows) assert.match(row, /\d+\.\d+\s+-?\d+\.\d+$/);
  });

  test('macro: says how it is used', () => {
    assert.match(runBench('macro/run.ts', '--help'), /--rounds N/);
  });
});
