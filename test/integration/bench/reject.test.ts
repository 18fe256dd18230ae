/** The bench of refused requests asks a real gateway, is refused for what it should be, and leaves nothing behind. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBinary } from '../../support/runner/servers.ts';

const root = join(import.meta.dirname, '../../..');
const missing = ['wrk', 'nginx'].filter((name) => findBinary(name) === null);

test('npm run bench:reject', { skip: missing.length > 0 && `not installed: ${missing.join(', ')}` }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reject-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const json = join(folder, 'out.json');
  const bench = [join(root, 'bench/overload/reject.ts'), '--rounds', '1', '--seconds', '1', '--json', json];
  const { status, stdout, stderr } = spawnSync(process.execPath, bench, {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
    timeout: 540_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: { name: string; us: number; ratio: number }[] };
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['proxied', '429', '503'],
  );
  for (const { name, us } of rows) assert.ok(us > 0, name);
  assert.equal(rows[0]?.ratio, 1);
  assert.deepEqual(readdirSync(folder), ['out.json']);
});
