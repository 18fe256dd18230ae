/**
 * The micro benches still run, each a few times; test/integration/bench runs the others.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

test('every subject of the micro bench runs', () => {
  const bench = [join('bench', 'micro/run.ts'), '--smoke'];
  const { status, stdout, stderr } = spawnSync(process.execPath, bench, {
    cwd: root,
    encoding: 'utf8',
    timeout: 540_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const rows = stdout.trim().split('\n').slice(2);
  assert.ok(rows.length > 0);
  for (const row of rows) assert.match(row, /\d+\.\d+\s+-?\d+\.\d+$/);
});
