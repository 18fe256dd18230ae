import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EndpointStatus, SourceStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../../support/gateway.ts';
import { type Catalog, catalogOf } from '../../../support/stores/lookups/catalog.ts';
import { CONSUL, cannotRun, type StoreServer, startStore } from '../../../support/stores/server.ts';

const LOAD = { connections: 4, users: 50 };

function document(url: string): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
discovery:
  consul: {address: "${url}", wait: 1s}
follow: {startTimeout: 30s, compare: 5s}
services:
  shop:
    outlierDetection: false
    versions:
      v1: {endpoints: {consul: {version: v1}}}
      v2: {endpoints: {consul: {version: v2}}}
      canary: {endpoints: {consul: {version: canary}}}
  crowd:
    versions:
      v1: {endpoints: {consul: {}}}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: 1}
      - {name: shop, version: v2, weight: 0}
      - {name: shop, version: canary, weight: 0}
  - name: crowd
    hostnames: [crowd.test]
    backendRefs: [{name: crowd}]
`;
}

describe('Consul’s catalog as where endpoints are', { skip: cannotRun(CONSUL) }, () => {
  let store: StoreServer;
  let catalog: Catalog;
  let gateway: GatewayProcess;
  let load: ReturnType<typeof startLoad>;
  const services: TestService[] = [];
  const scenes: (readonly [name: string, play: () => Promise<void>])[] = [];
  const scene = (name: string, play: () => Promise<void>): void => void scenes.push([name, play]);

  const portOf = (index: number): number => (services[index] as TestService).port;
  const register = (index: number, version: string, more: object = {}): Promise<void> =>
    catalog.register({
      id: `shop-${index}`,
      name: 'shop',
      port: portOf(index),
      meta: { version },
      isChecked: true,
      ...more,
    });

  before(async () => {
    store = await startStore(CONSUL);
    catalog = catalogOf(store.url);
    for (const name of ['v1', 'v1', 'v1', 'v2', 'canary']) services.push(await startService(name));
    for (const index of [0, 1, 2]) await register(index, 'v1');
    await register(3, 'v2');
    await catalog.register({ id: 'shop-4', name: 'shop', port: portOf(4), tags: ['canary'] });
    gateway = await startGatewayProcess(document(store.url));
    load = startLoad(gateway.proxyUrl, LOAD);
  });

  after(async () => {
    const { answers } = await load.stop();
    await gateway.end();
    await store.end();
    for (const service of services) await service.close();
    // Through all of it, nobody noticed.
    assert.deepEqual([...answers.keys()], ['200 v1']);
    assert.ok((answers.get('200 v1') ?? 0) > 1000);
  });

  const lookup = async (service = 'shop'): Promise<SourceStatus> => {
    const { sources } = await gateway.status();
    return sources.find(({ name }) => name.endsWith(` service ${service}`)) as SourceStatus;
  };
  const endpoints = async (version: string, route = 'shop'): Promise<readonly EndpointStatus[]> => {
    const { routes } = await gateway.status();
    const versions = routes.find(({ name }) => name === route)?.versions ?? [];
    return versions.find((one) => one.version === version)?.endpoints ?? [];
  };
  const addresses = async (version: string, route = 'shop'): Promise<string[]> =>
    (await endpoints(version, route)).map(({ address }) => address).toSorted();
  const has = (version: string, ...indexes: readonly number[]): Promise<void> => {
    const wanted = indexes.map((index) => `127.0.0.1:${portOf(index)}`).toSorted();
    return until(`${version} has ${wanted.join(' ')}`, async () => {
      return (await addresses(version)).join(' ') === wanted.join(' ');
    });
  };

  scene('instances are endpoints of the version that they say they are', async () => {
    await has('v1', 0, 1, 2);
    await has('v2', 3);
    await has('canary', 4);
    const { kind, pieces } = await lookup();
    assert.deepEqual([kind, pieces], ['consul-catalog', 5]);
    // Every few seconds it is asked although it tells of nothing.
    await until('they are watched', async () => (await lookup()).state === 'watching');
  });

  scene('one that fails its check, or is under maintenance, is out until it is well', async () => {
    await catalog.fail('shop-0');
    await has('v1', 1, 2);
    await catalog.maintain('shop-1', true);
    await has('v1', 2);
    await catalog.pass('shop-0');
    await catalog.maintain('shop-1', false);
    await has('v1', 0, 1, 2);
  });

  scene('one that is removed and comes back has the counts that it had', async () => {
    const requests = async (index: number): Promise<number> => {
      const found = (await endpoints('v1')).find(({ address }) => address === `127.0.0.1:${portOf(index)}`);
      return found?.requests ?? -1;
    };
    await until('it has requests', async () => (await requests(0)) > 10);
    const before = await requests(0);
    await catalog.remove('shop-0');
    await has('v1', 1, 2);
    await register(0, 'v1');
    await has('v1', 0, 1, 2);
    assert.ok((await requests(0)) >= before);
  });

  scene('another version in its registration makes it another version’s', async () => {
    await register(2, 'v3');
    await has('v1', 0, 1);
    await register(2, 'v1');
    await has('v1', 0, 1, 2);
  });

  scene('health that flaps is followed at a pace, and nobody notices', async () => {
    const { revision } = (await gateway.status()).config;
    for (let turn = 0; turn < 100; turn++) await (turn % 2 === 0 ? catalog.fail('shop-1') : catalog.pass('shop-1'));
    await has('v1', 0, 1, 2);
    const made = (await gateway.status()).config.revision - revision;
    assert.ok(made < 100, `${made} snapshots`);
    assert.equal((await gateway.status()).config.reloads.accepted, 1);
  });

  scene('a catalog that is frozen or killed changes nothing, and is followed again', async () => {
    store.freeze();
    await until('it is noticed', async () => (await lookup()).failures > 0);
    assert.match((await lookup()).lastError, /no answer within/);
    assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
    await has('v1', 0, 1, 2);
    store.thaw();
    await until('it is well again', async () => (await lookup()).lastError === '');
    await store.kill();
    await until('it is noticed', async () => (await lookup()).failures > 0);
    await has('v1', 0, 1, 2);
    await store.restart();
    await catalog.fail('shop-0');
    await has('v1', 1, 2);
    await catalog.pass('shop-0');
    await has('v1', 0, 1, 2);
  });

  scene('thousands of instances are as many endpoints', async () => {
    const many = Array.from({ length: 2000 }, (_, n) => `10.1.${n >> 8}.${n & 255}:80`);
    await catalog.registerMany('crowd', many, 'v1');
    await until('all are there', async () => (await addresses('v1', 'crowd')).length === many.length);
    await until('changes of endpoints are timed', async () => (await gateway.status()).apply.count > 0);
  });

  scene('a catalog that lost its data, and its index, is not believed until an operator says so', async () => {
    await store.kill();
    store.wipe();
    await store.restart();
    for (const service of ['shop', 'crowd']) {
      await until(`the loss of ${service} is seen`, async () => (await lookup(service)).shrink !== null);
    }
    await has('v1', 0, 1, 2);
    assert.equal((await addresses('v1', 'crowd')).length, 2000);
    for (const index of [0, 2]) await register(index, 'v1');
    gateway.child.kill('SIGHUP');
    await has('v1', 0, 2);
    await until('the crowd is gone', async () => (await addresses('v1', 'crowd')).length === 0);
  });

  scene('what tags say beyond that is told once, and not followed', async () => {
    const tags = ['urlprefix-shop.test/ strip=/shop weight=0.5', 'traefik.http.routers.shop.rule=Host(`shop.test`)'];
    await register(1, 'v1', { tags });
    await has('v1', 0, 1, 2);
    await logged(
      gateway,
      /"event":"discovery_ignored".*"ignored":\["fabio: host and path of urlprefix-","fabio: strip","traefik.http.routers"\]/,
    );
  });

  // One after the other, whatever the order of tests: a catalog that was wiped is wiped for those that follow.
  test('plays every scene', async (t) => {
    for (const [name, play] of scenes) await t.test(name, play);
  });
});
