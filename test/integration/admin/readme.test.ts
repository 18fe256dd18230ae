/** Every command that README shows, run as it stands there against a gateway; its words in capitals stand for something. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startReceiver } from '../../support/clients/receiver.ts';
import { type GatewayProcess, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TOKEN = 'correct-horse-battery-staple';

/** Commands that say no here, by exit code 1: weights are with their route, the plan warns, no version has drifted, no fault is on. */
const REFUSED = ['weights set', 'plan', 'restore', 'faults stop'];

/** Arguments of every `npx node src/main.ts …`, those that end the gateway last. */
function commands(): string[][] {
  const lines = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^npx node src\/main\.ts ([^#\n]+)/gm);
  const all = [...lines].map(([, args = '']) => args.trim().split(/\s+/));
  return all.toSorted((a, b) => Number(a[0] === 'restart') - Number(b[0] === 'restart'));
}

function documentOf(port: number, state: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 1
saturation: {response: observe}
color: {acceptFrom: anyone}
drain: {delay: 0s, timeout: 1s}
state: {directory: "${state}"}
alerts: {channels: {hook: {type: webhook, url: {variable: HOOK}}}}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
      v2: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    slo: {availability: 0.99}
    rollout: {stable: v1, canary: v2, autoStart: false, steps: [{percent: 5, dwell: 1h}, 100]}
`;
}

/** Runs a command as a process of its own. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...args], { env: { ...process.env, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

/** Ends the process that serves after a restart: it is nobody's child. */
async function endSuccessor(gateway: GatewayProcess): Promise<void> {
  const { pid } = await gateway.status();
  if (pid === gateway.child.pid) return;
  process.kill(pid, 'SIGTERM');
  await until('the successor is gone', async () => (await fetch(gateway.adminUrl).catch(() => null)) === null);
}

describe('the commands of README', { timeout: 540_000 }, () => {
  it('do what they say', (t: TestContext) =>
    inFolder(async (folder) => {
      const service = await startService('v1');
      t.after(() => service.close());
      const hook = await startReceiver(t, { status: 204 });
      const state = join(folder, 'state');
      const document = documentOf(service.port, state);
      const gateway = await startGatewayProcess(document, undefined, { env: { HOOK: hook.url } });
      t.after(() => gateway.end());
      for (let n = 0; n < 20; n++) await (await fetch(gateway.proxyUrl)).arrayBuffer();
      const placed: Readonly<Record<string, string>> = {
        FILE: join(folder, 'gateway.yaml'),
        TRAFFIC: join(folder, 'traffic.csv'),
        LOG: join(folder, 'log.jsonl'),
        DIR: state,
        PATH: 'routes.shop.slo',
        METHOD: 'GET',
        URL: 'http://shop.example/',
        ROUTE: 'shop',
        CHANNEL: 'hook',
        N: '100',
        RATIO: '0.01',
      };
      writeFileSync(placed['FILE'] as string, document);
      writeFileSync(placed['TRAFFIC'] as string, 'time,route,status\n2026-11-01T00:00:00Z,shop,200\n');
      const env = { SLUICE_ADMIN: gateway.adminUrl, SLUICE_ADMIN_TOKEN: TOKEN };
      // Where there are keys, other commands take signed documents only.
      const signing = { ...env, SLUICE_CONFIG_KEYS: `ops:${'0123456789abcdef'.repeat(4)}` };
      try {
        for (const args of commands()) {
          const words = args.map((word) => (/^[A-Z]+$/.test(word) ? (placed[word] ?? assert.fail(word)) : word));
          const { code, out, err } = await run(words, args[1] === 'sign' ? signing : env);
          const isRefused = REFUSED.some((name) => args.join(' ').startsWith(name));
          assert.equal(code, isRefused ? 1 : 0, `${args.join(' ')}: ${out}${err}`);
          if (args[1] === 'export') writeFileSync(placed['LOG'] as string, out);
        }
      } finally {
        await endSuccessor(gateway);
      }
    }));
});
