/** The overload bench loads real gateways, judges what came out, and leaves nothing behind. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from '../../../bench/overload/report.ts';
import { findBinary } from '../../support/runner/servers.ts';

const root = join(import.meta.dirname, '../../..');
const skip = findBinary('haproxy') === null && 'not installed: haproxy';

test('npm run bench:overload', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-overload-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const json = join(folder, 'out.json');
  const bench = [join(root, 'bench/overload/run.ts'), '--smoke', '--only', 'fixed,haproxy,sluice', '--json', json];
  const { status, stdout, stderr } = spawnSync(process.execPath, bench, {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
    timeout: 540_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const { outcomes } = JSON.parse(readFileSync(json, 'utf8')) as { readonly outcomes: readonly Outcome[] };
  const samples = outcomes[0]?.samples ?? {};
  for (const name of ['fixed', 'haproxy', 'sluice'] as const) {
    const sample = samples[name]?.[0];
    assert.ok(sample !== undefined, name);
    assert.equal(sample.good.length, 4, name);
    assert.ok(sample.presentMax > 0, `${name}: nothing came to the upstream`);
    assert.ok(sample.amplification > 0 && sample.amplification <= 1, `${name}: ${sample.amplification}`);
  }
  assert.ok((samples.haproxy?.[0]?.presentMax ?? 41) <= 40, 'HAProxy keeps its limit');
  assert.match(stdout, /^(?:PASS|FAIL) {2}20 servers of 50 ms at 2: goodput/m);
  assert.deepEqual(readdirSync(folder), ['out.json']);
});
