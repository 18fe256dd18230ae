/**
 * The benches still run: each micro bench a few times, the macro bench once through each of its ways of measuring.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findBinary } from './support/runner/servers.ts';

const root = join(import.meta.dirname, '..');

function runBench(script: string, ...args: readonly string[]): string {
  const options = { cwd: root, encoding: 'utf8', timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join('bench', script), ...args], options);
  assert.equal(error, undefined, String(error));
  assert.equal(status, 0, `${stdout}\n${stderr}`);
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

  test('macro: measures Sluice at saturation, at an open loop and idle, and judges it', (t) => {
    const missing = ['nginx', 'wrk'].filter((name) => findBinary(name) === null);
    if (missing.length > 0) return t.skip(`not installed: ${missing.join(', ')}`);
    const output = runBench('macro/run.ts', '--smoke');
    assert.doesNotMatch(output, /refused/);
    assert.equal(output.match(/^sluice \d/gm)?.length, 3, output);
    assert.match(output, /^direct /m);
    assert.match(output, /^(?:PASS|FAIL) {2}RSS per idle keep-alive connection/m);
    assert.match(output, /an indication only: 1 rounds/);
  });
});
