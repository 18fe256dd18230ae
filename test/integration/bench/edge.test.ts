/** The edge bench starts real gateways with TLS, loads each in its own way, and leaves nothing behind. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBinary } from '../../support/runner/servers.ts';

const root = join(import.meta.dirname, '../../..');
const missing = ['wrk', 'nginx', 'h2load', 'openssl'].filter((name) => findBinary(name) === null);
const SCENARIOS = ['handshake-resumed', 'grpc'];

test('npm run bench:edge', { skip: missing.length > 0 && `not installed: ${missing.join(', ')}` }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-edge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const json = join(folder, 'out.json');
  const choice = ['--smoke', '--only', 'sluice', '--scenario', SCENARIOS.join()];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bench/edge/run.ts'), ...choice, '--json', json],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: folder }, timeout: 540_000 },
  );
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const { outcomes } = JSON.parse(readFileSync(json, 'utf8')) as {
    outcomes: {
      scenario: { name: string };
      series: { name: string; refused: string | null; samples: { cpuUs: number }[] }[];
    }[];
  };
  assert.deepEqual(outcomes.map(({ scenario }) => scenario.name).sort(), [...SCENARIOS].sort());
  for (const { scenario, series } of outcomes) {
    assert.deepEqual(
      series.map(({ name, refused }) => [name, refused]),
      [['sluice', null]],
      scenario.name,
    );
    for (const { cpuUs } of series[0]?.samples ?? []) assert.ok(cpuUs > 0, scenario.name);
  }
  assert.deepEqual(readdirSync(folder), ['out.json']);
});
