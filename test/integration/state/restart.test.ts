/** A gateway that is killed after a rollback starts again with the canary held, its decisions and its budgets. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { audit } from '#src/cli/log/verify/audit.ts';
import { logTools } from '#src/compose/answers/log-tools.ts';
import { fromBytes } from '#src/slo/budget/ledger/saved.ts';
import { Ring } from '#src/slo/budget/ring.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';

let v1: TestService;
let v2: TestService;

before(async () => {
  v1 = await startService('v1');
  v2 = await startService('v2');
});

after(async () => {
  await v1.close();
  await v2.close();
});

function config(state: string, weight: number): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
state: {directory: "${state}"}
services:
  shop:
    outlierDetection: false
    versions:
      v1: {endpoints: ["127.0.0.1:${v1.port}"]}
      v2: {endpoints: ["127.0.0.1:${v2.port}"]}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: 80}
      - {name: shop, version: v2, weight: ${weight}}
    sticky: {header: x-user-id}
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2, rescue: false}
`;
}

async function canaryOf(gateway: GatewayProcess): Promise<{ weight: number; state: string; ids: number[] }> {
  const { routes } = await gateway.status();
  const weight = routes[0]?.versions.find(({ version }) => version === 'v2')?.weight ?? -1;
  const ids = (await gateway.decisions()).map(({ id }) => id);
  return { weight, state: routes[0]?.rollout?.state ?? 'none', ids };
}

/** Bad events of the one objective, as the file has them. */
function writtenBad(directory: string): number {
  const database = new DatabaseSync(join(directory, 'sluice.db'), { readOnly: true });
  const row = database.prepare("SELECT key, bytes FROM budgets WHERE key NOT LIKE 'config/%'").get();
  database.close();
  if (row === undefined) return 0;
  const { ring } = fromBytes(row['key'] as string, row['bytes'] as Uint8Array);
  return Ring.fromBytes(ring, 0, 0).counts('28d').bad;
}

describe('a gateway with a state directory', () => {
  it('that is killed after a rollback holds it from its next start on, until the split changes, and its log is verified and replayed', () =>
    inFolder(async (folder) => {
      const state = join(folder, 'state');
      const first = await startGatewayProcess(config(state, 20));
      v2.status = 500;
      const load = startLoad(first.proxyUrl, { connections: 8, users: 1000 });
      await until('the canary is out', async () => (await canaryOf(first)).state === 'rolled-back');
      await until('it is written', () => /"event":"decision_recorded"/.test(first.output()));
      await until('failures are counted', async () => ((await first.status()).slos[0]?.events.bad ?? 0) > 0);
      const spent = (await first.status()).slos[0]?.events.bad ?? 0;
      await load.stop();
      await until('they are written', () => writtenBad(state) >= spent);
      first.child.kill('SIGKILL');
      await first.exited;
      await first.end();

      const second = await startGatewayProcess(config(state, 20));
      try {
        await until('the loop has turned', async () => (await canaryOf(second)).state !== 'none');
        assert.deepEqual(await canaryOf(second), { weight: 0, state: 'rolled-back', ids: [1] });
        const bad = (await second.status()).slos[0]?.events.bad ?? 0;
        assert.ok(bad >= spent && spent > 0, `${bad} bad events of at least ${spent}`);
        second.save(config(state, 10));
        await until('the operator overrules it', async () => (await canaryOf(second)).state === 'progressing');
        assert.deepEqual(await canaryOf(second), { weight: 10, state: 'progressing', ids: [1, 2] });
        await until('that is written', () => /"event":"decision_recorded".*"id":2/.test(second.output()));
      } finally {
        await second.end();
      }

      const third = await startGatewayProcess(config(state, 10));
      try {
        await until('the loop has turned', async () => (await canaryOf(third)).state !== 'none');
        assert.deepEqual(await canaryOf(third), { weight: 10, state: 'progressing', ids: [1, 2] });
        // One that ends in peace hands on its tape; the one before was killed, and its second tape with it.
        third.child.kill('SIGTERM');
        await third.exited;
      } finally {
        await third.end();
      }

      const log = [...logTools.read(state)];
      const { ok, decisions } = audit(log);
      assert.deepEqual(
        decisions.map(({ id, result, faults }) => [id, result, faults]),
        [
          [1, 'verified', []],
          [2, 'verified', []],
        ],
      );
      assert.equal(ok, true);
      const { tapes } = logTools.replay(log, null);
      assert.equal(tapes.length, 3);
      assert.deepEqual(
        tapes.map(({ differsAt }) => differsAt),
        tapes.map(() => null),
      );
    }));
});
