/** A gateway that is started while its lookups are away serves the endpoints that it had, says so, and takes those of now. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import type { SourceStatus } from '#src/model/status.ts';
import { lookInto } from '#src/state/look.ts';
import { type GatewayProcess, logged, startGatewayProcess, startService, until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { inFolder } from '../../../support/state/folder.ts';
import { restarted, startMixedLoad, startRestarting } from '../../../support/state/restarting.ts';
import { askEtcd, consulKeys, etcdKeys } from '../../../support/stores/keys.ts';
import { catalogOf } from '../../../support/stores/lookups/catalog.ts';
import { startNameServer } from '../../../support/stores/lookups/name-server.ts';
import { ask } from '../../../support/stores/scenes/scenes.ts';
import { CONSUL, cannotRun, ETCD, startStore } from '../../../support/stores/server.ts';

const LIMITS = { timeout: 300_000 };
const ROUTE = 'hostnames: [shop.test]\nbackendRefs: [{name: shop}]\n';

/** Where the configuration and its endpoints are. */
interface Registry {
  /** Of the main document, what names it. */
  readonly document: string;
  /** Of the lookup's name, its beginning. */
  readonly name: string;
  /** Says that this is where the one instance is. */
  readonly place: (port: number) => Promise<void>;
  readonly leave: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
}

/** @param wait how long a start waits: long where everything is there, on any machine */
function documentOf(registry: Registry, state: string, wait = '60s', more = ''): string {
  const own = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\nsaturation: {response: observe}\n';
  const follow = `follow: {startTimeout: ${wait}, shrinkConfirm: 1h${more}}\n`;
  return `${own}state: {directory: "${state}"}\n${follow}${registry.document}`;
}

/** Ends it as a loss of power would, once what is needed is on the disk. */
async function kill({ child, exited }: GatewayProcess, state: string): Promise<void> {
  const rows = (prefix: string): number => {
    return [...lookInto(state, prefix).values()].filter(({ bytes }) => bytes.length > 0).length;
  };
  await until('everything is on the disk', () => rows('config/') > 0 && rows('endpoints/') > 1);
  child.kill('SIGKILL');
  await exited;
}

const answerOf = ({ proxyUrl }: GatewayProcess): Promise<string> => ask(proxyUrl, 'shop.test');

async function lookupOf(gateway: GatewayProcess, { name }: Registry): Promise<SourceStatus> {
  return (await gateway.status()).sources.findLast((source) => source.name.startsWith(name)) as SourceStatus;
}

async function ageOf({ adminUrl }: GatewayProcess, { name }: Registry): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => line.startsWith('sluice_source_stale_start_seconds{'));
  return Number(
    lines
      .find((line) => line.includes(`source="${name}`))
      ?.split(' ')
      .at(-1),
  );
}

async function start(t: TestContext, document: string, args: readonly string[] = []): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(document, undefined, { args });
  t.after(() => gateway.end());
  return gateway;
}

/** In every place that somebody could look at. */
async function saysSo(gateway: GatewayProcess, registry: Registry): Promise<void> {
  const { staleStart, confirmedAt, pieces, staleMs } = await lookupOf(gateway, registry);
  assert.deepEqual([confirmedAt, pieces], ['', 1]);
  assert.ok(staleStart !== null && staleMs >= staleStart.confirmedMs && staleStart.confirmedMs > 0);
  assert.ok((await ageOf(gateway, registry)) > 0);
  await logged(gateway, /"level":"error".*"event":"endpoints_stale","code":"SLU1929","lookups":\["\S+ .*"instances":1/);
  const verbose = await (await fetch(`${gateway.adminUrl}/readyz?verbose`)).text();
  assert.match(verbose, /1 documents, no answer since the start, confirmed \d+ s ago to the process before/);
  assert.doesNotMatch(gateway.output(), /"event":"source_fresh"/);
}

/** Kills a gateway, starts it while nobody answers, and has its instance come back at another place. */
async function play(t: TestContext, registry: Registry): Promise<void> {
  const services = [await startService('v1'), await startService('v2')];
  for (const service of services) t.after(() => service.close());
  const [one, two] = services.map(({ port }) => port) as [number, number];
  await registry.place(one);
  await inFolder(async (state) => {
    const first = await start(t, documentOf(registry, state));
    await until('it serves', async () => (await answerOf(first)) === '200 v1');
    await kill(first, state);
    await registry.leave();
    const fresh = await start(t, documentOf(registry, state, '500ms', ', staleStartMax: 1h'));
    assert.equal(await answerOf(fresh), '200 v1', 'from the first request on');
    await saysSo(fresh, registry);
    // A start that never heard of them hands them on all the same.
    await kill(fresh, state);
    const gateway = await start(t, documentOf(registry, state, '500ms'));
    assert.equal(await answerOf(gateway), '200 v1');
    await registry.comeBack();
    await registry.place(two);
    await until('it is where it is now', async () => (await answerOf(gateway)) === '200 v2');
    await until('that is all', async () => (await lookupOf(gateway, registry)).pieces === 1);
    assert.deepEqual([(await lookupOf(gateway, registry)).staleStart, await ageOf(gateway, registry)], [null, 0]);
    await logged(gateway, /"event":"source_fresh","source":"/);
  });
}

describe('Consul’s catalog, away together with the configuration', { ...LIMITS, skip: cannotRun(CONSUL) }, () => {
  it('is gone on with', async (t) => {
    const store = await startStore(CONSUL);
    t.after(() => store.end());
    const keys = consulKeys(store.url, 'sluice');
    await keys.put('services/shop', 'versions: {v1: {endpoints: {consul: {}}}}');
    await keys.put('routes/shop', ROUTE);
    const reach = `consul: {address: "${store.url}", wait: 1s}`;
    await play(t, {
      document: `sources: [{${reach}}]\ndiscovery: {${reach}}\n`,
      name: `consul ${new URL(store.url).host} service shop`,
      place: (port) => catalogOf(store.url).register({ id: 'shop-0', name: 'shop', port }),
      leave: () => store.kill(),
      comeBack: () => store.restart(),
    });
  });
});

describe('leases of etcd, away together with the configuration', { ...LIMITS, skip: cannotRun(ETCD) }, () => {
  it('are gone on with', async (t) => {
    const store = await startStore(ETCD);
    t.after(() => store.end());
    const keys = etcdKeys(store.url, '/sluice/v1/');
    await keys.put('services/shop', 'versions: {v1: {endpoints: {etcd: {}}}}');
    await keys.put('routes/shop', ROUTE);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const reach = `etcd: {endpoints: ["${store.url}"], heartbeat: 1s}`;
    await play(t, {
      document: `sources: [{${reach}}]\ndiscovery: {${reach}}\n`,
      name: `etcd ${new URL(store.url).host} /sluice/v1/endpoints/`,
      place: async (port) => {
        const { ID } = await askEtcd(store.url, 'lease/grant', { TTL: 3600 });
        const [key, value] = [base64('/sluice/v1/endpoints/shop/v1/web'), base64(`127.0.0.1:${port}`)];
        await askEtcd(store.url, 'kv/put', { key, value, lease: ID });
      },
      leave: () => store.kill(),
      comeBack: () => store.restart(),
    });
  });
});

describe('names that nobody answers for', LIMITS, () => {
  const SERVICE = 'versions: {v1: {endpoints: {srv: {name: _http._tcp.shop.test}}}}';

  async function startNames(t: TestContext) {
    const names = await startNameServer();
    t.after(() => names.close());
    names.addresses('here.test', '127.0.0.1');
    return {
      discovery: `discovery: {dns: {servers: ["${names.address}"], interval: 1s, timeout: 2s}}\n`,
      name: 'srv _http._tcp.shop.test',
      place: async (port: number) => {
        names.services('_http._tcp.shop.test', { target: 'here.test', port, weight: 1, priority: 0 });
      },
      leave: async () => {
        names.mode = 'failing';
      },
      comeBack: async () => {
        names.mode = 'well';
      },
    };
  }

  it('are gone on with where the configuration’s source is away too', async (t) => {
    const { discovery, ...names } = await startNames(t);
    let isAway = false;
    const remote = createServer((_request, response) => {
      if (isAway) response.socket?.destroy();
      else
        response.end(`services: {shop: {${SERVICE}}}\nroutes: [{name: shop, ${ROUTE.trim().replace('\n', ', ')}}]\n`);
    });
    const port = await listenLoopback(remote);
    t.after(() => {
      remote.closeAllConnections();
      remote.close();
    });
    await play(t, {
      ...names,
      document: `sources: [{http: {url: "http://127.0.0.1:${port}/c.yaml", interval: 100ms}}]\n${discovery}`,
      leave: async () => {
        isAway = true;
        await names.leave();
      },
      comeBack: async () => {
        isAway = false;
        await names.comeBack();
      },
    });
  });

  it('are gone on with over a restart by hand-over, which nobody notices', (t) =>
    inFolder(async (state) => {
      const { discovery, ...names } = await startNames(t);
      const registry = {
        ...names,
        document: `services: {shop: {${SERVICE}}}\nroutes: [{name: shop, backendRefs: [{name: shop}]}]\n${discovery}`,
      };
      const service = await startService('v1');
      t.after(() => service.close());
      await registry.place(service.port);
      const gateway = await startRestarting(t, documentOf(registry, state));
      const load = startMixedLoad(t, gateway.proxyUrl);
      await registry.leave();
      gateway.save(documentOf(registry, state, '500ms'));
      await restarted(gateway);
      await logged(gateway, /"event":"endpoints_stale"/);
      const sent = load.sent();
      await until('the new one serves', () => load.sent() > sent + 100);
      assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
    }));

  it('are gone on with where the file is everything, unless that may not be', async (t) => {
    const { discovery, ...names } = await startNames(t);
    const routes = `routes: [{name: shop, ${ROUTE.trim().replace('\n', ', ')}}]\n`;
    const registry = { ...names, document: `services: {shop: {${SERVICE}}}\n${routes}${discovery}` };
    await play(t, registry);
    const service = await startService('v1');
    t.after(() => service.close());
    await registry.place(service.port);
    await inFolder(async (state) => {
      const gateway = await start(t, documentOf(registry, state));
      await until('it serves', async () => (await answerOf(gateway)) === '200 v1');
      await kill(gateway, state);
      await registry.leave();
      const fresh = await start(t, documentOf(registry, state, '500ms'), ['--require-fresh']);
      assert.match(await answerOf(fresh), /^503/);
      await logged(fresh, /"event":"endpoints_not_recalled","lookups":\["srv [^\n]*"because":"--require-fresh"/);
      await fresh.end();
      const again = await start(t, documentOf(registry, state, '500ms'));
      assert.equal(await answerOf(again), '200 v1', 'they are kept on');
    });
  });
});
