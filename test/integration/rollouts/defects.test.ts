/** A defect of the gateway's own program under traffic: no request fails for it, and only what it came up in stands still. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RolloutStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';

const TOKEN = 'correct-horse-battery-staple';
const BROKEN = new URL('../../support/state/broken-judgement.ts', import.meta.url).href;

let stable: TestService;
let canary: TestService;
let gateway: GatewayProcess;
let folder: string;
let document: string;
let loads: ReturnType<typeof startLoad>[];

/** A route whose canary is to be promoted by time. */
function route(name: string, dwell: string): string {
  return `
  - name: ${name}
    matches: [{path: {value: /${name}}}]
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    retry: {attempts: 0}
    slo: {availability: 0.9, budgetPolicy: {freeze: false}}
    rollout: {stable: v1, canary: v2, steps: [{percent: 5, dwell: ${dwell}}, {percent: 50, dwell: 500ms}, 100], bake: 500ms,
      evidence: false, requestsMin: 0}
`;
}

before(async () => {
  stable = await startService('v1');
  canary = await startService('v2');
  folder = mkdtempSync(join(tmpdir(), 'sluice-defects-'));
  document = `
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
routes:${route('sick', '10m')}${route('sound', '500ms')}`;
  gateway = await startGatewayProcess(document, undefined, {
    env: { BROKEN_ROUTE_FILE: join(folder, 'route') },
    nodeArgs: ['--import', BROKEN],
  });
  loads = ['sick', 'sound'].map((name) => {
    return startLoad(`${gateway.proxyUrl}/${name}`, { connections: 2, users: 1000 });
  });
});

after(async () => {
  await Promise.all(loads.map((load) => load.stop()));
  await gateway.end();
  await Promise.all([stable.close(), canary.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function rollout(name: string): Promise<RolloutStatus> {
  const found = (await gateway.status()).routes.find((one) => one.name === name)?.rollout;
  return found ?? assert.fail(`no rollout of ${name}`);
}

async function ask(name: string, command: string): Promise<number> {
  const url = `${gateway.adminUrl}/api/v1/rollouts/${name}/${command}`;
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: '{}' })).status;
}

async function metric(line: string): Promise<number> {
  const page = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(
    page
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? Number.NaN,
  );
}

function assertServed(): void {
  for (const { counts } of loads) {
    const odd = [...counts.answers.keys()].filter((answer) => !/^200 v[12]$/.test(answer));
    assert.deepEqual(odd, [], 'no request failed');
  }
}

describe('a defect in the judgement of one rollout', () => {
  it('costs no request, pauses that rollout and no other, is told once and counted, and can be aborted', async () => {
    // A rollout is known from the first turn of the loop on, which comes after the line that the gateway serves.
    await until('it can be started', async () => (await ask('sick', 'start')) === 200);
    await until('the first is on its first step', async () => (await rollout('sick')).step?.number === 1);
    writeFileSync(join(folder, 'route'), 'sick');
    await until('it is paused', async () => (await rollout('sick')).state === 'paused');
    const { sentence, verdict, step } = await rollout('sick');
    assert.match(sentence, /by defect: a defect of the gateway \(SLU1925\): TypeError at broken-judgement\.ts:\d+:\d+/);
    const percent = step?.percent;
    assert.deepEqual([verdict?.state, verdict?.fault], ['sli-broken', 'defect']);

    assert.equal(await ask('sound', 'start'), 200);
    await until('the other one succeeds', async () => (await rollout('sound')).state === 'succeeded');
    assert.deepEqual([(await rollout('sick')).state, (await rollout('sick')).step?.percent], ['paused', percent]);
    await until('it came up again', async () => (await metric('sluice_defects_total{part="rollouts"}')) >= 2);
    await logged(gateway, /"event":"defect","code":"SLU1925","part":"rollouts","about":"sick"/);
    const told = gateway.output().match(/"event":"defect","code":"SLU1925","part":"rollouts"/g);
    assert.equal(told?.length, 1, 'it is told once');
    const { defects, ready } = await gateway.status();
    const ofRollouts = defects.kinds.filter(({ part }) => part === 'rollouts');
    assert.deepEqual([ofRollouts.map(({ about }) => about), ready], [['sick'], true]);
    assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);

    assert.equal(await ask('sick', 'abort'), 200);
    assert.equal((await rollout('sick')).state, 'rolled-back');
    assertServed();
  });

  it('in taking in a configuration keeps it from no worker, and what failed at it tries again', async () => {
    writeFileSync(join(folder, 'route'), 'endpoints');
    const more = document
      .replace(
        'routes:',
        `  odd: {healthCheck: {path: /}, versions: {v1: {endpoints: ["127.0.0.1:${stable.port}"]}}}\nroutes:`,
      )
      .concat('  - {name: more, matches: [{path: {value: /more}}], backendRefs: [{name: odd, version: v1}]}\n');
    gateway.save(more);
    await logged(gateway, /"event":"config_live"/);
    const ofPart = (part: string): Promise<number> => metric(`sluice_defects_total{part="${part}"}`);
    assert.ok((await ofPart('endpoints')) >= 1);
    assert.equal(await ofPart('configuration'), 1, 'what waits for the next start could not be told');
    assert.equal((await fetch(`${gateway.proxyUrl}/more`)).status, 200);
    const passed = async (): Promise<number> => (await gateway.status()).health.checks.passed;
    assert.equal(await passed(), 0, 'nobody looks after the new endpoint');
    writeFileSync(join(folder, 'route'), '');
    await until('somebody does', async () => (await passed()) > 0);
    assertServed();
  });

  it('of which nobody knows where it came from ends neither the process nor its traffic', async () => {
    gateway.child.kill('SIGWINCH');
    await until('it is counted', async () => (await metric('sluice_defects_total{part="elsewhere"}')) === 1);
    await logged(gateway, /"part":"elsewhere","about":"unhandledRejection"/);
    const before = stable.served + canary.served;
    await until('requests go on', () => stable.served + canary.served > before + 100);
    assertServed();
  });
});
