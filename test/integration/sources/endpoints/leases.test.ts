import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startGatewayProcess, startLoad, startService, until } from '../../../support/gateway.ts';
import { askEtcd } from '../../../support/stores/keys.ts';
import { cannotRun, ETCD, startStore } from '../../../support/stores/server.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function document(url: string): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
sources:
  - etcd: {endpoints: ["${url}"], heartbeat: 1s}
discovery:
  etcd: {endpoints: ["${url}"], heartbeat: 1s}
`;
}

describe('endpoints in etcd under leases', { skip: cannotRun(ETCD) }, () => {
  test('come with their keys and go with their leases, beside a configuration that stays as it is', async (t) => {
    const store = await startStore(ETCD);
    t.after(() => store.end());
    const services = [await startService('v1'), await startService('v1')];
    for (const service of services) t.after(() => service.close());
    const ports = services.map(({ port }) => port);
    const put = async (key: string, value: string, lease = '0'): Promise<void> => {
      await askEtcd(store.url, 'kv/put', { key: base64(`/sluice/v1/${key}`), value: base64(value), lease });
    };
    const grant = async (): Promise<string> => (await askEtcd(store.url, 'lease/grant', { TTL: 3600 }))['ID'] as string;
    const leases = [await grant(), await grant()];
    const announce = (index: number): Promise<void> =>
      put(`endpoints/shop/v1/web-${index}`, `127.0.0.1:${ports[index]}`, leases[index]);
    await put('services/shop', 'versions: {v1: {endpoints: {etcd: {}}}}');
    await put('routes/shop', 'backendRefs: [{name: shop}]');
    for (const index of [0, 1]) await announce(index);
    const gateway = await startGatewayProcess(document(store.url));
    t.after(() => gateway.end());
    const load = startLoad(gateway.proxyUrl, { connections: 4, users: 50 });
    t.after(() => load.stop());
    const addresses = async (): Promise<string> => {
      const [version] = (await gateway.status()).routes[0]?.versions ?? [];
      return (version?.endpoints ?? [])
        .map(({ address }) => address)
        .toSorted()
        .join(' ');
    };
    const here = (...some: readonly number[]): string =>
      some
        .map((index) => `127.0.0.1:${ports[index]}`)
        .toSorted()
        .join(' ');
    const lookup = async () => (await gateway.status()).sources[1];
    assert.equal(await addresses(), here(0, 1));
    assert.deepEqual([(await lookup())?.kind, (await lookup())?.pieces], ['etcd-endpoints', 2]);

    await askEtcd(store.url, 'lease/revoke', { ID: leases[1] });
    await until('the endpoint goes with its lease', async () => (await addresses()) === here(0));
    leases[1] = await grant();
    await announce(1);
    await until('it is back', async () => (await addresses()) === here(0, 1));
    // The configuration's own source was told of none of it.
    const { config, sources } = await gateway.status();
    assert.deepEqual([config.reloads, sources[0]?.pieces], [{ accepted: 1, refused: 0 }, 2]);

    await store.kill();
    await until('it is noticed', async () => ((await lookup())?.failures ?? 0) > 0);
    assert.equal(await addresses(), here(0, 1));
    store.wipe();
    await store.restart();
    await until('the loss is seen', async () => (await lookup())?.shrink?.pieces === 0);
    assert.equal(await addresses(), here(0, 1));
    leases[0] = await grant();
    leases[1] = await grant();
    for (const index of [0, 1]) await announce(index);
    await until('it is made good', async () => (await lookup())?.shrink === null);
    const { answers } = await load.stop();
    assert.deepEqual([...answers.keys()], ['200 v1']);
  });
});
