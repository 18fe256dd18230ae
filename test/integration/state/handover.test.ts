/** What is counted is written to the last request when a gateway drains; one that waits for its directory adds to it. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type GatewayProcess,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';

let service: TestService;

before(async () => {
  service = await startService('v1');
});

after(() => service.close());

function documentOf(state: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
state: {directory: "${state}"}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes:
  - {name: shop, backendRefs: [{name: shop, version: v1}], slo: {availability: 0.9}}
`;
}

async function ask(gateway: GatewayProcess, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await (await fetch(gateway.proxyUrl)).text();
}

async function counted(gateway: GatewayProcess): Promise<number> {
  const [slo] = (await gateway.status()).slos;
  return (slo?.events.good ?? 0) + (slo?.events.bad ?? 0);
}

describe('a gateway', () => {
  it('that drains writes what was counted up to the last request', () =>
    inFolder(async (folder) => {
      const first = await startGatewayProcess(documentOf(folder));
      await ask(first, 37);
      // Less than a turn of the loop after the last answer.
      first.child.kill('SIGTERM');
      assert.equal(await first.exited, 0);
      await first.end();
      const second = await startGatewayProcess(documentOf(folder));
      try {
        assert.equal(await counted(second), 37);
      } finally {
        await second.end();
      }
    }));

  it('whose directory another one has adds what it counted to what that one leaves, and replaces nothing', () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'state');
      const first = await startGatewayProcess(documentOf(directory));
      const second = await startGatewayProcess(documentOf(directory));
      try {
        const { state } = await second.status();
        assert.deepEqual([state.kind, /locked/.test(state.because)], ['unavailable', true]);
        const ready = await (await fetch(`${second.adminUrl}/readyz?verbose`)).text();
        assert.match(ready, /^\[-\]state failed: in memory only.*\n\[\+\]ready ok/m);
        await ask(first, 20);
        await ask(second, 9);
        // Its own: what the first has written so far it may have read meanwhile, and shows as well.
        await until('the second has counted', async () => (await second.status()).routes[0]?.requests === 9);
        first.child.kill('SIGTERM');
        await first.exited;
        await until('the second took over', () => /"event":"state_recovered"/.test(second.output()));
        await until('both are counted', async () => (await counted(second)) === 29);
        await ask(second, 1);
        second.child.kill('SIGTERM');
        await second.exited;
      } finally {
        await first.end();
        await second.end();
      }
      const third = await startGatewayProcess(documentOf(directory));
      try {
        assert.equal(await counted(third), 30);
        const metrics = await (await fetch(`${third.adminUrl}/metrics`)).text();
        assert.match(metrics, /^sluice_state\{kind="durable"\} 1$/m);
        assert.match(metrics, /^sluice_state_file_bytes \d+$/m);
      } finally {
        await third.end();
      }
    }));
});
