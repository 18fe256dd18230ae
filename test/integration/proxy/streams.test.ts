/** What becomes of a gateway whose output has no place to go, and of one without descriptors. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/gateway.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const CONFIG = `
listen: "127.0.0.1:0"
admin: "127.0.0.1:0"
workers: 1
services: {web: {versions: {v1: {endpoints: ["127.0.0.1:9"]}}}}
routes:
  - name: all
    matches: [{path: {type: PathPrefix, value: /nowhere}}]
    backendRefs: [{name: web, version: v1, weight: 1}]
drain: {delay: 0s, timeout: 1s}
`;
const onLinux = { skip: existsSync('/dev/full') ? false : 'needs /dev/full' };

interface Running {
  readonly log: () => string;
  readonly proxyUrl: () => string;
  readonly adminUrl: () => string;
  readonly stop: () => Promise<number | null>;
}

/** `sluice run` behind a line of shell, which ends in `exec "$@"` and whatever redirections are to be tried. */
async function startBehind(t: TestContext, shell: string, more = ''): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-streams-'));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `${CONFIG}${more}`);
  const command = [process.execPath, MAIN, 'run', '--config', file];
  const child = spawn('sh', ['-c', shell, 'sh', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true });
  });
  const field = (name: string): string => new RegExp(`"${name}":"([^"]+)"`).exec(log)?.[1] ?? '';
  await until('it serves', () => /"serving".*\n/.test(log) || child.exitCode !== null);
  return {
    log: () => log,
    proxyUrl: () => field('proxy'),
    adminUrl: () => field('admin'),
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

describe('a gateway whose standard output is full', () => {
  it('serves, says so, and drains with exit code 0', onLinux, async (t) => {
    const gateway = await startBehind(t, 'exec "$@" > /dev/full', 'saturation: {response: observe}\n');
    assert.equal((await fetch(`${gateway.proxyUrl()}/`)).status, 404);
    assert.equal(await gateway.stop(), 0);
    assert.match(gateway.log(), /cannot write to standard output: ENOSPC/);
    assert.match(gateway.log(), /"drained"/);
  });

  it('is told apart from a command whose result is lost: that exits with 1', onLinux, async (t) => {
    const gateway = await startBehind(t, 'exec "$@"');
    const command = [process.execPath, MAIN, 'status', '--admin', gateway.adminUrl()];
    const child = spawn('sh', ['-c', 'exec "$@" > /dev/full', 'sh', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 1);
    assert.match(said, /^sluice: cannot write to standard output: ENOSPC/);
  });
});

/** More connections than descriptors. */
function crowd(t: TestContext, { proxyUrl }: Running): Socket[] {
  const { hostname, port } = new URL(proxyUrl());
  const clients = Array.from({ length: 150 }, () => connect(Number(port), hostname).on('error', () => undefined));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  return clients;
}

async function isServed({ proxyUrl }: Running): Promise<boolean> {
  return fetch(`${proxyUrl()}/`, { headers: { connection: 'close' } }).then(
    ({ status }) => status === 404,
    () => false,
  );
}

describe('a gateway without descriptors', () => {
  it('says so once, and serves again when there are some', onLinux, async (t) => {
    const gateway = await startBehind(t, 'ulimit -n 100; exec "$@"', 'saturation: {response: observe}\n');
    const clients = crowd(t, gateway);
    await until('it is said', () => gateway.log().includes('"descriptors_exhausted"'));
    for (const client of clients) client.destroy();
    await until('it serves again', () => isServed(gateway));
    assert.equal(gateway.log().split('"descriptors_exhausted"').length, 2);
    assert.match(gateway.log(), /"event":"descriptors_exhausted","code":"EMFILE"/);
    assert.equal(await gateway.stop(), 0);
  });

  it('closes connections that do nothing, says why, and serves again beside them', onLinux, async (t) => {
    const gateway = await startBehind(t, 'ulimit -n 100; exec "$@"');
    crowd(t, gateway);
    await until('it is said', () => /"event":"saturation".*"signal":"descriptors"/.test(gateway.log()));
    await until('it serves again', () => isServed(gateway));
    assert.equal(await gateway.stop(), 0);
  });
});
