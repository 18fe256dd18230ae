/** Rollouts through a real gateway: ramped by gates to 100 %, rolled back while a person is waited for, steered by the CLI. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RolloutStatus, VersionStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const TOKEN = 'correct-horse-battery-staple';

let stable: TestService;
let canary: TestService;
let gateway: GatewayProcess;
let load: ReturnType<typeof startLoad>;

/** `rest`: fields of the rollout besides its versions. */
function documentOf(rest: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 1s}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    retry: {attempts: 0}
    slo: {availability: 0.9, budgetPolicy: {freeze: false}}
    rollout: {stable: v1, canary: v2, requestsMin: 20, ${rest}}
`;
}

async function begin(rest: string): Promise<void> {
  stable = await startService('v1');
  canary = await startService('v2');
  gateway = await startGatewayProcess(documentOf(rest));
  load = startLoad(gateway.proxyUrl, { connections: 4, users: 1000 });
  await until(
    'the rollout is known',
    async () => typeof (await gateway.status()).routes[0]?.rollout?.state === 'string',
  );
}

async function end(): Promise<void> {
  await load.stop();
  await gateway.end();
  await Promise.all([stable.close(), canary.close()]);
}

async function rollout(): Promise<RolloutStatus> {
  return (await gateway.status()).routes[0]?.rollout ?? assert.fail('no rollout');
}

async function version(name: string): Promise<VersionStatus> {
  const versions = (await gateway.status()).routes[0]?.versions ?? [];
  return versions.find((one) => one.version === name) ?? assert.fail(`no ${name}`);
}

async function decided(): Promise<string[]> {
  return (await gateway.decisions()).map(({ kind, trigger }) => `${kind} ${trigger}`);
}

/** `sluice rollout …` as a person runs it. */
function cli(...args: string[]): Promise<{ code: number | null; text: string }> {
  const env = { ...process.env, SLUICE_ADMIN: gateway.adminUrl, SLUICE_ADMIN_TOKEN: TOKEN };
  const child = spawn(process.execPath, [MAIN, 'rollout', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe('a healthy canary', () => {
  before(() => begin('steps: [5, {percent: 50, dwell: 300ms}, 100], dwell: 300ms, bake: 500ms'));
  after(end);

  it('goes through its steps to 100 %, bakes and succeeds, and can still be aborted', async () => {
    const { code, text } = await cli('start', 'shop', '--reason', 'release 7');
    assert.deepEqual([code, /v2 starts at 5 % \(step 1 of 3\) by api: release 7/.test(text)], [0, true], text);
    await until('it succeeds', async () => (await rollout()).state === 'succeeded');
    assert.deepEqual(await decided(), ['start person', 'step gates', 'bake gates', 'succeed gates']);
    const weights = (await gateway.decisions()).map(({ weightBefore, weightAfter }) => [weightBefore, weightAfter]);
    assert.deepEqual(weights, [
      [0, 5],
      [5, 50],
      [50, 100],
      [100, 100],
    ]);
    for (const { sentence } of (await gateway.decisions()).slice(1, 3)) {
      assert.match(
        sentence,
        /proven not to be worse; .*300 ms on this step; \d+ of 20 canary requests; no burn alert fires/,
      );
    }
    const v1 = await version('v1');
    assert.deepEqual([v1.weight, v1.weightConfigured], [0, 100]);
    assert.match(v1.weightBecause, /has succeeded at 100 %/);
    const servedBefore = stable.served;
    const canaryBefore = canary.served;
    await until('the canary serves', () => canary.served > canaryBefore + 50);
    assert.ok(stable.served - servedBefore < 10, 'stable still gets traffic');
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.ok(metrics.includes('sluice_rollout_state{route="shop",version="v2",state="succeeded"} 1'));
    assert.ok(metrics.includes('sluice_rollout_step{route="shop",version="v2"} 3'));
    assert.equal((await cli('abort', 'shop')).code, 0);
    assert.deepEqual([(await version('v1')).weight, (await version('v2')).weight], [100, 0]);
    assert.equal((await cli('status', 'shop')).code, 1);
    const refused = await cli('pause', 'shop');
    assert.deepEqual([refused.code, refused.text.includes('start it again')], [1, true], refused.text);
    const { answers } = await load.stop();
    assert.deepEqual([...answers.keys()].toSorted(), ['200 v1', '200 v2'], 'no request failed on the way');
  });
});

describe('a canary that fails while a person is waited for', () => {
  const rest = 'steps: [50, 100], dwell: 5m, autoStart: true';
  before(() => begin(rest));
  after(end);

  it('is rolled back from its pause, and stays so over a new configuration', async () => {
    await until('it starts by itself', async () => (await version('v2')).weight === 50);
    const paused = await cli('pause', 'shop', '--reason', 'lunch', '-o', 'json');
    assert.equal(paused.code, 0, paused.text);
    assert.equal((JSON.parse(paused.text) as { kind: string }).kind, 'pause');
    assert.match((await rollout()).sentence, /is paused at 50 % \(step 1 of 2\) by person: lunch/);
    canary.status = 500;
    await until('it is rolled back', async () => (await rollout()).state === 'rolled-back');
    assert.deepEqual([(await version('v1')).weight, (await version('v2')).weight], [100, 0]);
    assert.deepEqual(await decided(), ['start configuration', 'pause person', 'rollback evidence']);
    gateway.save(documentOf(rest).replace('workers: 2', 'accessLog: {sample: 0.5}\nworkers: 2'));
    await until('the new configuration is in force', async () => (await gateway.status()).config.revision === 2);
    assert.equal((await version('v2')).weight, 0);
    // Or it would be rolled back again before anybody has seen it progress.
    canary.status = 200;
    gateway.save(documentOf(rest).replace('weight: 0', 'weight: 3'));
    await until('another split is another rollout', async () => (await rollout()).state === 'progressing');
    assert.ok((await decided()).includes('resume configuration'));
  });
});
