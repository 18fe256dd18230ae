import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CatalogSettings, openCatalog } from '#src/sources/follow/discover/consul-catalog.ts';
import { type Instance, instanceOf, plainInstance } from '#src/sources/follow/discover/instance.ts';
import { startFake } from '../../../../support/stores/fake.ts';

const never = new AbortController().signal;

interface Given {
  readonly status?: number;
  readonly index?: string | null;
  readonly body?: unknown;
}

async function rig(t: TestContext, given: Given, changes: Partial<CatalogSettings> = {}) {
  const { url, asked } = await startFake(t, (_asked, response) => {
    const { status = 200, index = '7', body = [] } = given;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, index === null ? {} : { 'x-consul-index': index }).end(text);
  });
  const reach = {
    address: url,
    token: null,
    datacenter: null,
    consistency: 'default',
    waitMs: 60_000,
    tls: null,
  } as const;
  const store = openCatalog({ ...reach, service: 'shop', canaryTags: ['canary'], ...changes });
  t.after(() => store.close());
  return { store, asked, host: new URL(url).host };
}

/** One instance as Consul shows it. */
function shown(id: string, service: object = {}, checks: unknown = []) {
  const Service = { ID: id, Service: 'shop', Address: '10.0.0.1', Port: 80, Tags: [], Meta: {}, ...service };
  return { Node: { Node: 'n', Address: '10.0.0.9' }, Service, Checks: checks };
}

async function read(t: TestContext, ...body: readonly unknown[]): Promise<Instance[]> {
  const { store } = await rig(t, { body });
  return (await store.list(never)).pieces.map(instanceOf);
}

const PLAIN = plainInstance('10.0.0.1', 80);

test('a listing is every instance by node and id, with what it says of itself', async (t) => {
  const green = { Meta: { version: 'v2', color: 'green' }, Tags: ['a'], Weights: { Passing: 5 } };
  const { store, asked, host } = await rig(t, { body: [shown('b', green), shown('a')] });
  const { pieces, revision } = await store.list(never);
  assert.deepEqual([store.name, revision], [`consul ${host} service shop`, '7']);
  assert.deepEqual(
    pieces.map(({ name }) => name),
    ['n/a', 'n/b'],
  );
  assert.deepEqual(pieces.map(instanceOf), [
    PLAIN,
    { ...PLAIN, weight: 5, version: 'v2', color: 'green', tags: ['a'] },
  ]);
  assert.equal(asked[0]?.url, '/v1/health/service/shop');
});

test('metadata goes before a version tag, a canary tag before both', async (t) => {
  const Meta = { version: 'v2' };
  const list = await read(t, shown('a', { Meta, Tags: ['version=v1'] }), shown('b', { Meta, Tags: ['canary'] }));
  assert.deepEqual(
    list.map(({ version }) => version),
    ['v2', 'canary'],
  );
});

test('without an address of its own it is at its node’s, at the port that Traefik’s tags give', async (t) => {
  const Tags = ['traefik.http.services.shop.loadbalancer.server.port=8081'];
  const [instance] = await read(t, shown('a', { Address: '', Tags }));
  assert.deepEqual([instance?.host, instance?.port], ['10.0.0.9', 8081]);
});

test('it takes part when every check passes, and says why when not', async (t) => {
  const passing = { CheckID: 'serfHealth', Status: 'passing' };
  const check = (Status: string, CheckID = 'own') => [passing, { CheckID, Status }];
  const list = await read(
    t,
    shown('a', {}, check('passing')),
    shown('b', {}, check('warning')),
    shown('c', {}, check('critical')),
    shown('d', {}, check('critical', '_service_maintenance:d')),
    shown('e', {}, check('critical', '_node_maintenance')),
    shown('f', {}, [{ CheckID: 'x' }]),
    shown('g', {}, null),
    shown('h', { Port: 0 }),
    shown('i', { Address: 'not a host' }),
    shown('j', { Tags: ['traefik.enable=false'] }),
  );
  assert.deepEqual(
    list.map(({ out }) => out),
    [
      ...['', 'warning', 'critical', 'maintenance', 'maintenance', 'critical', 'no checks'],
      ...['no address and port', 'no address and port', 'traefik.enable=false'],
    ],
  );
});

test('what was asked for is in the question, the token in its field', async (t) => {
  const changes = { token: 'geheim', datacenter: 'dc2', consistency: 'stale', service: 'my shop/1' } as const;
  const { store, asked } = await rig(t, {}, changes);
  await store.watch('6', never, () => undefined);
  assert.equal(asked[0]?.url, '/v1/health/service/my%20shop%2F1?index=6&wait=60000ms&stale&dc=dc2');
  assert.equal(asked[0]?.headers['x-consul-token'], 'geheim');
});

test('the same index is no change; a higher one is, and one that went backwards too', async (t) => {
  const { store } = await rig(t, { index: '7' });
  const words = await Promise.all(['7', '6', '8'].map((revision) => store.watch(revision, never, () => undefined)));
  assert.deepEqual(
    words.map(({ kind }) => kind),
    ['same', 'changed', 'changed'],
  );
});

test('an index that would not block, another status and another answer are failures in words', async (t) => {
  for (const index of ['0', '-1', 'x', null]) {
    const { store } = await rig(t, { index });
    await assert.rejects(store.list(never), /no X-Consul-Index above 0/);
  }
  const cases: readonly (readonly [Given, RegExp])[] = [
    [{ status: 403, body: 'ACL not found for geheim' }, /status 403: ACL not found for \[redacted\]$/],
    [{ body: '{' }, /is this Consul\?/],
    [{ body: {} }, /is this Consul\?/],
    [{ body: [null] }, /is this Consul\?/],
    [{ body: [{}] }, /is this Consul\?/],
    [{ body: Array.from({ length: 10_001 }, (_, n) => shown(`${n}`)) }, /more than 10000 instances/],
  ];
  for (const [given, message] of cases) {
    const { store } = await rig(t, given, { token: 'geheim' });
    await assert.rejects(store.list(never), message);
  }
});

test('a server that knows no leader is believed once, where nothing else is known, and confirms nothing', async (t) => {
  const { url } = await startFake(t, (_asked, response) => {
    response.writeHead(200, { 'x-consul-index': '7', 'x-consul-knownleader': 'false' }).end('[]');
  });
  const reach = { address: url, token: null, datacenter: null, waitMs: 60_000, tls: null };
  const store = openCatalog({ ...reach, consistency: 'stale', service: 'shop', canaryTags: [] });
  t.after(() => store.close());
  const { revision } = await store.list(never);
  await assert.rejects(
    store.watch(revision, never, () => undefined),
    /knows no leader/,
  );
  await assert.rejects(store.list(never), /knows no leader/);
});
