/** The network between a gateway and its store is cut: who asks notices nothing, who looks is told, and afterwards all is as before. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  linked,
  logged,
  startGatewayProcess,
  startLoad,
  startService,
  until,
} from '../../support/gateway.ts';
import { type Cut, cannotCut, startNetworks } from '../../support/runner/places/networks.ts';
import { consulKeys, etcdKeys } from '../../support/stores/keys.ts';
import { ask, mainDocument, shop } from '../../support/stores/scenes/scenes.ts';
import { CONSUL, callOf, cannotRun, ETCD, freePorts, startStore, ZOOKEEPER } from '../../support/stores/server.ts';
import { zooKeys } from '../../support/stores/zookeeper/zookeeper.ts';

const STORES = [
  {
    kind: ETCD,
    entry: (url: string) => `etcd: {endpoints: ["${url}"], heartbeat: 500ms}`,
    keysOf: (url: string) => etcdKeys(url, '/sluice/v1/'),
  },
  {
    kind: CONSUL,
    entry: (url: string) => `consul: {address: "${url}", wait: 1s}`,
    keysOf: (url: string) => consulKeys(url, 'sluice'),
  },
  {
    kind: ZOOKEEPER,
    entry: (url: string) => `zookeeper: {servers: ["${new URL(url).host}"], sessionTimeout: 2s}`,
    keysOf: (url: string) => zooKeys(url, '/sluice'),
  },
];

/** What the source's last error says in the end: nothing comes back, or there is no way. */
const WORDS: Readonly<Record<Cut, RegExp>> = { silent: /no answer within|[Tt]imeout/, down: /ENETUNREACH/ };

async function staleSecondsOf({ adminUrl }: GatewayProcess): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^sluice_source_stale_seconds\{[^}]*\} (\S+)$/m.exec(text)?.[1]);
}

for (const { kind, entry, keysOf } of STORES) {
  const limits = { skip: cannotRun(kind) || cannotCut(), timeout: 540_000 };
  describe(`a gateway that is cut off from ${callOf(kind)}`, limits, () => {
    it('serves what it has, says how old that is, and takes up what it missed', async (t) => {
      const networks = await startNetworks();
      t.after(() => networks.end());
      const { near, far } = networks;
      const service = await startService('v1');
      t.after(() => service.close());
      const ports = await freePorts(kind.ports);
      const store = await startStore(kind, ports, far);
      t.after(() => store.end());
      const keys = keysOf(store.url);
      const route = (name: string): Promise<void> =>
        keys.put(`routes/${name}`, `hostnames: [${name}.test]\nbackendRefs: [{name: shop, version: v1}]\n`);
      await near.window(service.port);
      await keys.put('services/shop', shop([service]));
      await route('shop');
      const document = mainDocument(entry(`http://${far.address}:${ports[0]}`));
      const gateway = await startGatewayProcess(document, undefined, { place: near });
      t.after(() => gateway.end());
      const source = async (): Promise<SourceStatus> => (await gateway.status()).sources[0] as SourceStatus;
      const load = startLoad(gateway.proxyUrl, { connections: 2, users: 10, headers: { host: 'shop.test' } });
      for (const how of ['silent', 'down'] as const) {
        await t.test(`a cut that is ${how}`, async () => {
          const { revision } = (await gateway.status()).config;
          networks.cut(how);
          await route(how);
          await until('the cut is noticed', async () => WORDS[how].test((await source()).lastError));
          await logged(gateway, /"event":"source_failed"/);
          const { sent } = load.counts;
          await until('requests go on', () => load.counts.sent > sent + 100);
          await until('it is old', async () => (await staleSecondsOf(gateway)) > 1);
          const staleSeconds = await staleSecondsOf(gateway);
          await until('it gets older', async () => (await staleSecondsOf(gateway)) > staleSeconds);
          assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
          assert.equal((await gateway.status()).config.revision, revision, 'what was accepted stays');
          assert.equal(await ask(gateway.proxyUrl, `${how}.test`), '404 ');
          networks.mend();
          await until('what was missed is live', async () => (await ask(gateway.proxyUrl, `${how}.test`)) === '200 v1');
          await until('it is followed again', async () => {
            const { state, lastError } = await source();
            return state === 'watching' && lastError === '';
          });
          await until('it is confirmed again', async () => (await staleSecondsOf(gateway)) < staleSeconds);
          await logged(gateway, /"event":"source_recovered"/);
          await route(`after-${how}`);
          await until('a change is live', async () => (await ask(gateway.proxyUrl, `after-${how}.test`)) === '200 v1');
          await linked(gateway);
        });
      }
      const { answers } = await load.stop();
      assert.deepEqual([...answers.keys()], ['200 v1'], 'nobody noticed');
    });
  });
}
