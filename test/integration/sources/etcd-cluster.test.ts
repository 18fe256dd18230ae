/** Three members of etcd, of which one is lost: the one that leads, then the one that is being asked. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linked, startGatewayProcess, startLoad, startService, until } from '../../support/gateway.ts';
import { askEtcd, etcdKeys } from '../../support/stores/keys.ts';
import { ask, mainDocument, shop } from '../../support/stores/scenes/scenes.ts';
import { cannotRun, ETCD, type StoreServer, startEtcdCluster } from '../../support/stores/server.ts';

const PREFIX = '/sluice/v1/';

/** The member that leads. */
async function leaderOf(members: readonly StoreServer[]): Promise<StoreServer> {
  const idOf = (status: Record<string, unknown>): unknown => (status['header'] as { member_id: string }).member_id;
  let leader: StoreServer | undefined;
  await until('somebody leads', async () => {
    const told = await Promise.all(members.map(({ url }) => askEtcd(url, 'maintenance/status', {})));
    leader = members[told.findIndex((status) => idOf(status) === status['leader'])];
    return leader !== undefined;
  });
  return leader as StoreServer;
}

describe('a cluster of etcd', { skip: cannotRun(ETCD), timeout: 540_000 }, () => {
  test('that loses its leader is followed on, whatever it took before and takes afterwards; so is one whose majority was away', async (t) => {
    const members = await startEtcdCluster(3);
    t.after(() => Promise.all(members.map((member) => member.end())));
    const service = await startService('v1');
    t.after(() => service.close());
    const leader = await leaderOf(members);
    const [second, third] = members.filter((member) => member !== leader) as [StoreServer, StoreServer];
    const keys = etcdKeys(second.url, PREFIX);
    // Refused while nobody leads.
    const put = (key: string, text: string): Promise<void> =>
      until(`${key} is taken`, () =>
        keys.put(key, text).then(
          () => true,
          () => false,
        ),
      );
    const route = (name: string): Promise<void> =>
      put(`routes/${name}`, `hostnames: [${name}.test]\nbackendRefs: [{name: shop, version: v1}]\n`);
    await put('services/shop', shop([service]));
    await route('shop');
    // The leader first, so that it is the one that is asked.
    const endpoints = [leader, second, third].map(({ url }) => JSON.stringify(url)).join();
    const gateway = await startGatewayProcess(mainDocument(`etcd: {endpoints: [${endpoints}], heartbeat: 500ms}`));
    t.after(() => gateway.end());
    const load = startLoad(gateway.proxyUrl, { connections: 2, users: 10, headers: { host: 'shop.test' } });
    const isLive = async (name: string): Promise<void> => {
      await until(`${name} is live`, async () => (await ask(gateway.proxyUrl, `${name}.test`)) === '200 v1');
      await linked(gateway);
    };
    await route('before');
    await leader.kill();
    await isLive('before');
    await route('after');
    await isLive('after');
    await second.kill();
    await until('no majority is noticed', async () => (await gateway.status()).sources[0]?.lastError !== '');
    assert.equal(await ask(gateway.proxyUrl, 'after.test'), '200 v1', 'what was accepted stays');
    await Promise.all([second.restart(), leader.restart()]);
    await route('again');
    await isLive('again');
    for (const name of ['before', 'after']) await isLive(name);
    const { answers } = await load.stop();
    assert.deepEqual([...answers.keys()], ['200 v1'], 'nobody noticed');
  });
});
