import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { EndpointsFrom } from '#src/model/health.ts';
import { Discovery } from '#src/sources/follow/discover/discovery.ts';
import { type Instance, itemOf, plainInstance } from '#src/sources/follow/discover/instance.ts';
import { lookupKey } from '#src/sources/follow/discover/lookup.ts';
import { ModelStore } from '../../../../support/stores/model.ts';
import { VirtualTime } from '../../../../support/stores/virtual.ts';

const SETTINGS = { startTimeoutMs: 1000, shrinkConfirmMs: 30_000, compareMs: 60_000, changesWarn: 50 };
const REGISTRIES = { consul: null, etcd: null, dns: { servers: [], intervalMs: 1000, timeoutMs: 1000 } };

function consul(changes: Partial<EndpointsFrom & { kind: 'consul' }> = {}): EndpointsFrom {
  return { kind: 'consul', service: 'shop', version: null, except: [], color: null, tags: [], ...changes };
}

function etcd(service: string, version: string): EndpointsFrom {
  return { kind: 'etcd', service, version };
}

function rig() {
  const time = new VirtualTime();
  const stores = new Map<string, ModelStore>();
  const said: string[] = [];
  const storeOf = (key: string): ModelStore => {
    const store = stores.get(key) ?? new ModelStore(time, new Random(1), key);
    stores.set(key, store);
    return store;
  };
  const discovery = new Discovery({
    registries: REGISTRIES,
    settings: SETTINGS,
    timers: time,
    nowMs: () => time.nowMs,
    wallTime: () => 'now',
    draw: () => 0.5,
    onEvent: (source, { kind }) => said.push(`${source}: ${kind}`),
    open: (from) => storeOf(lookupKey(from)),
  });
  const put = (key: string, port: number, more: Partial<Instance> = {}): void => {
    const { name, text } = itemOf(`i${port}`, { ...plainInstance('10.0.0.1', port), ...more });
    storeOf(key).put(name, text);
  };
  const ports = (from: EndpointsFrom): number[] => discovery.find(from, {}).map(({ port }) => port);
  return { time, said, discovery, put, ports, storeOf };
}

test('a version has the instances that it asks for, and those that ask alike share a lookup', async () => {
  const { time, discovery, put, ports } = rig();
  put('consul shop', 1, { version: 'v1' });
  put('consul shop', 2, { version: 'v2', color: 'green', tags: ['a', 'b'] });
  put('consul shop', 3, { tags: ['a'] });
  put('consul shop', 4, { version: 'v1', out: 'critical' });
  const wanted = [
    consul(),
    consul({ version: 'v1' }),
    consul({ except: ['v2'] }),
    consul({ color: 'green' }),
    consul({ tags: ['a'] }),
    consul({ tags: ['b', 'a'] }),
  ];
  const opened = discovery.open(wanted);
  assert.ok(opened !== null);
  assert.deepEqual(ports(consul()), []);
  await time.pass(200);
  assert.deepEqual(await opened, []);
  assert.deepEqual(wanted.map(ports), [[1, 2, 3], [1], [1, 3], [2], [2, 3], [2]]);
  assert.deepEqual(
    discovery.status().map(({ name, pieces }) => [name, pieces]),
    [['consul shop', 4]],
  );
  assert.equal(discovery.open(wanted), null);
});

test('keys belong to the service and version that they name', async () => {
  const { time, discovery, put, ports } = rig();
  put('etcd', 1, { service: 'a', version: 'v1' });
  put('etcd', 2, { service: 'a', version: 'v2' });
  put('etcd', 3, { service: 'b', version: 'v1' });
  void discovery.open([etcd('a', 'v1'), etcd('b', 'v1')]);
  await time.pass(200);
  assert.deepEqual([ports(etcd('a', 'v1')), ports(etcd('a', 'v2')), ports(etcd('b', 'v2'))], [[1], [2], []]);
});

test('what nobody answers is waited for once, named, and taken when it comes', async () => {
  const { time, said, discovery, put, ports, storeOf } = rig();
  storeOf('consul shop').setMode('down');
  const opened = discovery.open([consul()]);
  await time.pass(1000);
  assert.deepEqual(await opened, ['consul shop']);
  assert.equal(discovery.open([consul()]), null);
  put('consul shop', 1);
  storeOf('consul shop').setMode('up');
  await time.pass(20_000);
  assert.deepEqual(ports(consul()), [1]);
  assert.ok(said.includes('consul shop: changed'));
});

test('a lookup that nobody answers goes on with what was known before, picked among by those that are asked for', async () => {
  const { time, discovery, put, ports, storeOf } = rig();
  storeOf('consul shop').setMode('down');
  void discovery.open([consul(), consul({ version: 'v2' })]);
  const pieces = [1, 2].map((port) => itemOf(`i${port}`, { ...plainInstance('10.0.0.1', port), version: `v${port}` }));
  const known = { pieces, confirmedAt: 'before', confirmedMs: 1 };
  assert.deepEqual([discovery.recall('consul shop', known), discovery.recall('consul other', known)], [true, false]);
  assert.deepEqual([ports(consul()), ports(consul({ version: 'v2' }))], [[1, 2], [2]]);
  assert.deepEqual(discovery.holdings(), [
    {
      ...{ key: 'consul shop', name: 'consul shop', registry: 'null', isSettled: false },
      held: { pieces, confirmedAt: 'before' },
    },
  ]);
  put('consul shop', 3);
  put('consul shop', 4);
  storeOf('consul shop').setMode('up');
  await time.pass(20_000);
  assert.deepEqual(ports(consul()), [3, 4]);
  assert.equal(discovery.holdings()[0]?.isSettled, true);
  assert.equal(discovery.recall('consul shop', known), false);
});

test('a sudden loss is not believed, unless it is reloaded; a replacement of all is no loss', async () => {
  const { time, said, discovery, put, ports, storeOf } = rig();
  for (const port of [1, 2, 3, 4]) put('consul shop', port);
  void discovery.open([consul()]);
  await time.pass(200);
  for (const port of [1, 2, 3, 4]) {
    storeOf('consul shop').remove(`i${port}`);
    put('consul shop', port + 10);
  }
  await time.pass(2000);
  assert.deepEqual(ports(consul()), [11, 12, 13, 14]);
  for (const port of [11, 12, 13]) storeOf('consul shop').remove(`i${port}`);
  await time.pass(2000);
  assert.deepEqual(ports(consul()), [11, 12, 13, 14]);
  assert.ok(said.includes('consul shop: shrunk'));
  discovery.reload();
  await time.pass(2000);
  assert.deepEqual(ports(consul()), [14]);
});

test('instances that fail their checks are gone at once, all of them', async () => {
  const { time, discovery, put, ports } = rig();
  for (const port of [1, 2, 3, 4]) put('consul shop', port);
  void discovery.open([consul()]);
  await time.pass(200);
  for (const port of [1, 2, 3, 4]) put('consul shop', port, { out: 'critical' });
  await time.pass(2000);
  assert.deepEqual(ports(consul()), []);
});

test('a lookup ends with the last version that asks for it', async () => {
  const { time, discovery, put, ports, storeOf } = rig();
  put('consul shop', 1);
  put('consul mail', 2);
  void discovery.open([consul(), consul({ service: 'mail' })]);
  await time.pass(200);
  discovery.retain([consul({ service: 'mail', version: 'v1' })]);
  assert.deepEqual([storeOf('consul shop').isClosed, storeOf('consul mail').isClosed], [true, false]);
  assert.deepEqual([ports(consul()), ports(consul({ service: 'mail' }))], [[], [2]]);
  discovery.close();
  discovery.close();
  assert.ok(storeOf('consul mail').isClosed);
  await time.pass(100_000);
  assert.equal(time.pending, 0);
});

test('what registrations say that is not followed is told once for each lookup', async () => {
  const { time, discovery, put } = rig();
  put('consul shop', 1, { ignored: ['b', 'a'] });
  put('consul shop', 2, { ignored: ['a'] });
  void discovery.open([consul()]);
  await time.pass(200);
  assert.deepEqual(discovery.ignored('consul shop'), ['a', 'b']);
  assert.deepEqual(discovery.ignored('nobody'), []);
});

test('a registry that was not named at the start is a failure that says so', async () => {
  const time = new VirtualTime();
  const clocks = { timers: time, nowMs: () => time.nowMs, wallTime: () => 'now', draw: () => 0.5 };
  const discovery = new Discovery({ registries: REGISTRIES, settings: SETTINGS, ...clocks, onEvent: () => undefined });
  void discovery.open([consul(), etcd('a', 'b')]);
  await time.pass(1000);
  const because = discovery.status().map(({ lastError }) => lastError);
  assert.deepEqual(
    because,
    ['consul', 'etcd'].map((kind) => `discovery.${kind} was not there at the start; restart the gateway`),
  );
  discovery.close();
});

test('nobody waits for a lookup that somebody else asked for', async () => {
  const { time, discovery, put, storeOf } = rig();
  put('consul shop', 1);
  storeOf('consul typo').setMode('down');
  const abandoned = discovery.open([consul({ service: 'typo' })]);
  assert.equal(discovery.open([]), null);
  const opened = discovery.open([consul()]);
  await time.pass(200);
  assert.deepEqual(await opened, []);
  await time.pass(1000);
  assert.deepEqual(await abandoned, ['consul typo']);
});
