/**
 * The macro bench measures real gateways in every scenario, ends by itself or when it is told to, and leaves nothing behind.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { childPids } from '../../../bench/macro/accounts/processes.ts';
import { SCENARIOS } from '../../../bench/macro/scenarios/scenario.ts';
import { until } from '../../support/gateway.ts';
import { findBinary } from '../../support/runner/servers.ts';

const root = join(import.meta.dirname, '../../..');
const missing = ['nginx', 'wrk', 'taskset'].filter((name) => findBinary(name) === null);
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`;

interface Report {
  readonly setting: { readonly headBytes: number; readonly upstreamRequestsPerSecond: number };
  readonly verdicts: readonly { readonly what: string; readonly isMet: boolean | null }[];
  readonly outcomes: readonly {
    readonly kind: string;
    readonly scenario: { readonly name: string };
    readonly series: readonly {
      readonly name: string;
      readonly refused: string | null;
      readonly samples: readonly { readonly cpuUs?: number; readonly p99Ms?: number }[];
    }[];
  }[];
}

/** A temporary folder of its own shows what the bench leaves in it. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** What it prints, once it has ended well. */
function output(...flags: readonly string[]): string {
  const bench = [join(root, 'bench/macro/run.ts'), ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, bench, { encoding: 'utf8', timeout: 540_000 });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  return stdout;
}

test('npm run bench says how it is used', () => {
  assert.match(output('--help'), /--rounds N/);
});

describe('npm run bench', { skip }, () => {
  test('measures Sluice at saturation, at an open loop and idle, and judges it', () => {
    const report = output('--smoke');
    assert.doesNotMatch(report, /refused/);
    assert.equal(report.match(/^sluice \d/gm)?.length, 3, report);
    assert.match(report, /^direct /m);
    assert.match(report, /^(?:PASS|FAIL) {2}RSS per idle keep-alive connection/m);
    assert.match(report, /an indication only: 1 rounds/);
  });

  test('measures nginx and Sluice in every scenario', (t) => {
    const folder = folderOf(t);
    const json = join(folder, 'out.json');
    const flags = ['--smoke', '--scenario', 'all', '--only', 'nginx,sluice', '--json', json];
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bench/macro/run.ts'), ...flags], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
      timeout: 600_000,
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { setting, outcomes, verdicts } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    assert.equal(setting.headBytes, 600);
    assert.ok(setting.upstreamRequestsPerSecond > 0);
    assert.deepEqual(
      outcomes.map(({ scenario }) => scenario.name),
      SCENARIOS.map(({ name }) => name),
    );
    // What the kernel counts in hundredths of a second may be nothing in one of them.
    const cpuUsOf = new Map<string, number>();
    for (const { scenario, series } of outcomes) {
      for (const { name, refused, samples } of series) {
        assert.equal(refused, null, `${scenario.name}, ${name}: ${refused}`);
        for (const { cpuUs = 0, p99Ms = 1 } of name === 'direct' ? [] : samples) {
          assert.ok(cpuUs >= 0, `${scenario.name}, ${name}: ${cpuUs} us`);
          assert.ok(p99Ms > 0, `${scenario.name}, ${name}: ${p99Ms} ms`);
          cpuUsOf.set(name, (cpuUsOf.get(name) ?? 0) + cpuUs);
        }
      }
    }
    assert.ok([...cpuUsOf.values()].every((cpuUs) => cpuUs > 0) && cpuUsOf.size === 2, JSON.stringify([...cpuUsOf]));
    assert.deepEqual(
      verdicts.filter(({ isMet }) => isMet === null).map(({ what }) => what.split(' against ')[1]),
      ['node:http + undici', 'http-proxy-3', 'HAProxy', 'HAProxy'],
      'only what was left out is open',
    );
    assert.deepEqual(readdirSync(folder), ['out.json']);
  });

  test('ends every child when it is interrupted, in the middle of a measurement too', async (t) => {
    const folder = folderOf(t);
    const flags = ['--scenario', 'latency', '--only', 'nginx', '--rate', '500', '--rounds', '3', '--seconds', '60'];
    const bench = spawn(process.execPath, [join(root, 'bench/macro/run.ts'), ...flags], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => bench.kill('SIGKILL'));
    const ended = once(bench, 'exit');
    for await (const line of createInterface({ input: bench.stdout })) if (line.startsWith('latency:')) break;
    const children = new Set<number>();
    // nginx twice, then the warm-up, then the open loop; whichever runs, it has to end.
    await until('it has children', () => {
      for (const child of childPids(bench.pid ?? 0)) for (const pid of [child, ...childPids(child)]) children.add(pid);
      return children.size >= 4;
    });
    bench.kill('SIGINT');
    bench.stdout.resume();
    assert.deepEqual(await ended, [130, null]);
    // Those of a child that had to be killed are waited for by nobody of the bench.
    for (const pid of children) await until(`${pid} is gone`, () => !existsSync(`/proc/${pid}`));
    assert.deepEqual(readdirSync(folder), []);
  });
});
