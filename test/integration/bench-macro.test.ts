/**
 * The macro bench measures a real gateway and leaves nothing behind.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findBinary } from '../support/runner/servers.ts';

const root = join(import.meta.dirname, '../..');

interface Report {
  readonly setting: { readonly headBytes: number; readonly upstreamRequestsPerSecond: number };
  readonly rows: readonly { readonly name: string; readonly cpuUs: number; readonly cpuRatio: number }[];
}

describe('npm run bench', () => {
  test('gives CPU per request of Sluice and nginx, as a ratio', (t) => {
    const missing = ['nginx', 'wrk', 'taskset'].filter((name) => findBinary(name) === null);
    if (missing.length > 0) return t.skip(`not installed: ${missing.join(', ')}`);
    // A temporary folder of its own shows what the bench leaves in it.
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const json = join(folder, 'out.json');
    const flags = ['--only', 'nginx,sluice', '--rounds', '1', '--seconds', '1', '--rate', '0', '--json', json];
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bench/macro/run.ts'), ...flags], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
      timeout: 120_000,
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { setting, rows } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    assert.equal(setting.headBytes, 600);
    assert.ok(setting.upstreamRequestsPerSecond > 1_000);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['nginx', 'sluice'],
    );
    for (const { name, cpuUs } of rows) assert.ok(cpuUs > 1 && cpuUs < 10_000, `${name}: ${cpuUs} us`);
    assert.match(stdout, /^sluice \S+ +\d+\.\d us +\d+\.\d\d /m);
    assert.deepEqual(readdirSync(folder), ['out.json']);
  });
});
