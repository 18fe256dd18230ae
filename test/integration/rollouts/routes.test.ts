/** One rollout for three routes of a service, through the gateway: bad on one of them, out on all, also after a kill. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { audit } from '#src/cli/log/verify/audit.ts';
import { logTools } from '#src/compose/answers/log-tools.ts';
import { recordedDeps } from '../../support/cli.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { inFolder } from '../../support/state/folder.ts';

const LIMIT = { timeout: 540_000 };
const TOKEN = 'sixteen-visible-characters';
const ROUTES = ['checkout', 'cart', 'pay'];

/** Fails below one path once it is told to. */
const canary = { port: 0, badPath: '', served: new Set<string>() };
const server = createServer((request, response) => {
  const [, path = ''] = (request.url ?? '').split('/');
  canary.served.add(path);
  response.statusCode = path === canary.badPath ? 500 : 200;
  response.end('v2');
});
let stable: TestService;

before(async () => {
  stable = await startService('v1');
  canary.port = await listenLoopback(server);
});

after(async () => {
  await stable.close();
  server.closeAllConnections();
  server.close();
});

function config(directory: string): string {
  const route = (name: string, weight: number, more = ''): string => `
  - name: ${name}
    matches: [{path: {value: /${name}}}]
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: ${weight}}, {name: shop, version: v2, weight: 0}]${more}`;
  const rollout = '{stable: v1, canary: v2, steps: [20, 100], dwell: 5m, autoStart: true, routes: [cart, pay]}';
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
state: {directory: "${directory}"}
services:
  shop:
    outlierDetection: false
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:${route('checkout', 100, `\n    slo: {availability: 0.999, budgetPolicy: {freeze: false}}\n    rollout: ${rollout}`)}${route('cart', 100)}${route('pay', 10)}
`;
}

/** The canary's weight on each route. */
async function weightsOf(gateway: GatewayProcess): Promise<number[]> {
  const { routes } = await gateway.status();
  return routes.map(({ versions }) => versions.find(({ version }) => version === 'v2')?.weight ?? -1);
}

async function stateOf(gateway: GatewayProcess): Promise<string> {
  return (await gateway.status()).routes[0]?.rollout?.state ?? 'none';
}

describe('a rollout of three routes', LIMIT, () => {
  it('is taken out on all of them when it fails on one, and stays so after the gateway was killed', () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'state');
      const first = await startGatewayProcess(config(directory));
      try {
        await until('it has begun', async () => (await stateOf(first)) === 'progressing');
        assert.deepEqual(await weightsOf(first), [20, 20, 2]);
        const loads = ROUTES.map((route) => startLoad(`${first.proxyUrl}/${route}`, { connections: 2, users: 500 }));
        await until('the canary serves all of them', () => canary.served.size === 3);
        canary.badPath = 'pay';
        await until('it is out', async () => (await stateOf(first)) === 'rolled-back');
        await Promise.all(loads.map((load) => load.stop()));
        assert.deepEqual(await weightsOf(first), [0, 0, 0]);
        const [decision] = (await first.decisions()).filter(({ kind }) => kind === 'rollback');
        const failed = decision?.verdict.routes?.map(({ route, requests }) => [route, requests.canary.bad > 0]);
        assert.deepEqual(failed, [
          ['checkout', false],
          ['cart', false],
          ['pay', true],
        ]);
        assert.match(decision?.sentence ?? '', /^checkout: v2 rolled back: /);
        assert.deepEqual(
          (await first.status()).routes.map(({ versions }) => versions[1]?.weightBecause),
          Array(3).fill(decision?.sentence),
        );
        await until('it is written', () => /"event":"decision_recorded".*"id":2/.test(first.output()));
        first.child.kill('SIGKILL');
        await first.exited;
      } finally {
        await first.end();
      }

      const second = await startGatewayProcess(config(directory));
      try {
        await until('the loop has turned', async () => (await stateOf(second)) !== 'none');
        assert.deepEqual([await stateOf(second), await weightsOf(second)], ['rolled-back', [0, 0, 0]]);
        const { deps, err } = recordedDeps({ env: { SLUICE_ADMIN: second.adminUrl, SLUICE_ADMIN_TOKEN: TOKEN } });
        assert.equal(await runCli(['rollout', 'start', 'pay'], deps), 1);
        assert.match(err(), /route pay moves with the rollout of checkout: send start checkout/);
      } finally {
        await second.end();
      }
      const { damages, decisions } = audit([...logTools.read(directory)]);
      assert.deepEqual(
        [damages, decisions.map(({ id, result, faults }) => [id, result, faults])],
        [
          [],
          [
            [1, 'verified', []],
            [2, 'verified', []],
          ],
        ],
      );
    }));
});
