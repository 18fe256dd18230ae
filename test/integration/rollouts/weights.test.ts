/** Weights that an operator changes under a rollout: shares stay, a rollback stays, and the rest follows at once. */

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RouteStatus } from '#src/model/status.ts';
import { startGatewayProcess, startService, until } from '../../support/gateway.ts';

const TOKEN = 'correct-horse-battery-staple';

test('weights apart from the route move what a rollout shares out, and end nothing', async (t) => {
  const service = await startService('any');
  t.after(() => service.close());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-weights-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const weigh = (text: string): void => {
    writeFileSync(join(folder, '.new'), `weights: {${text}}\n`);
    renameSync(join(folder, '.new'), join(folder, 'shop.weights.yaml'));
  };
  const documentOf = (own: number): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 1
saturation: {response: observe}
drain: {delay: 0s, timeout: 1s}
sources: [{directory: {path: "${folder}"}}]
services:
  shop: {versions: {${['v1', 'v2', 'v3'].map((name) => `${name}: {endpoints: ["127.0.0.1:${service.port}"]}`).join(', ')}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: ${own}}, {name: shop, version: v2, weight: 0}, {name: shop, version: v3, weight: 0}]
    slo: {availability: 0.9}
    rollout: {stable: v1, canary: v2, steps: [{percent: 10, dwell: 1h}, 100], stepMax: 2h}
`;
  weigh('v1: 60, v2: 40');
  const gateway = await startGatewayProcess(documentOf(1));
  t.after(() => gateway.end());
  const route = async (): Promise<RouteStatus> => (await gateway.status()).routes[0] as RouteStatus;
  const inForce = async (): Promise<string> => (await route()).versions.map(({ weight }) => weight).join(' ');
  const set = async (): Promise<string> => (await route()).versions.map((one) => one.weightConfigured).join(' ');
  const state = async (): Promise<string> => (await route()).rollout?.state ?? 'none';
  const kinds = async (): Promise<string[]> => (await gateway.decisions()).map(({ kind }) => kind);
  const command = async (name: string): Promise<void> => {
    const url = `${gateway.adminUrl}/api/v1/rollouts/shop/${name}`;
    await until(`${name} is taken`, async () => {
      const answer = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
      const text = await answer.text();
      // For a tick after a change nobody is obeyed.
      assert.ok(answer.status === 200 || text.includes('has just changed'), text);
      return answer.status === 200;
    });
  };
  await until('the rollout is known', async () => (await state()) === 'idle');
  assert.deepEqual([await inForce(), await set()], ['60 40 0', '60 40 0']);

  await command('start');
  assert.equal(await inForce(), '90 10 0');
  weigh('v1: 30, v2: 20, v3: 50');
  await until('the others follow', async () => (await inForce()) === '45 5 50');
  assert.deepEqual([await set(), await state(), await kinds()], ['30 20 50', 'progressing', ['start']]);
  const [, canary] = (await route()).versions;
  assert.deepEqual([canary?.weightFrom, canary?.weightOfRoute], ['weights', 0]);
  assert.match(canary?.weightBecause ?? '', /10 %/);

  await command('abort');
  assert.equal(await inForce(), '30 0 50');
  weigh('v1: 10, v2: 90, v3: 5');
  await until('the others follow', async () => (await inForce()) === '10 0 5');
  assert.deepEqual([await set(), await state(), await kinds()], ['10 90 5', 'rolled-back', ['start', 'rollback']]);

  // Another split of the route itself is another rollout, and the operator's weights count.
  gateway.save(documentOf(2));
  await until('it begins anew', async () => (await state()) === 'idle');
  assert.deepEqual([await inForce(), await kinds()], ['10 90 5', ['start', 'rollback', 'resume']]);

  writeFileSync(join(folder, 'other.yaml'), 'limits: {headerCountMax: 77}\n');
  rmSync(join(folder, 'shop.weights.yaml'));
  await until('the route’s own count again', async () => (await inForce()) === '2 0 0');
  assert.equal((await route()).weights, null);
});
