import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { instanceOf } from '#src/sources/follow/discover/instance.ts';
import { type NameQuestion, openName } from '#src/sources/follow/discover/names.ts';
import { WAITS } from '../../../../support/runner/depth.ts';
import { startNameServer } from '../../../../support/stores/lookups/name-server.ts';

const never = new AbortController().signal;

async function rig(t: TestContext, question: NameQuestion, timeoutMs = 60_000) {
  const server = await startNameServer();
  const settings = { servers: [server.address], intervalMs: 20, timeoutMs };
  const store = openName(question, settings, () => 0.5);
  t.after(() => server.close());
  const read = async (): Promise<string[]> => {
    const { pieces } = await store.list(never);
    return pieces.map(instanceOf).map(({ host, port, weight }) => `${host} ${port} ${weight}`);
  };
  return { server, store, read };
}

const SHOP = { kind: 'dns', name: 'shop.test', port: 80 } as const;
const SERVICE = { kind: 'srv', name: '_http._tcp.shop.test' } as const;

test('every address of a name is an instance, in one order, whatever the server’s', async (t) => {
  const { server, store, read } = await rig(t, SHOP);
  server.addresses('shop.test', '10.0.0.2', '10.0.0.1', 'fd00::1');
  assert.deepEqual(await read(), ['10.0.0.1 80 1', '10.0.0.2 80 1', 'fd00::1 80 1']);
  const { revision } = await store.list(never);
  server.addresses('shop.test', 'fd00::1', '10.0.0.1', '10.0.0.2');
  assert.equal((await store.list(never)).revision, revision);
  assert.deepEqual([store.name, store.kind], ['dns shop.test:80', 'dns']);
});

test('a change is found at the next question, although the last answer was to be believed for an hour', async (t) => {
  const { server, store } = await rig(t, SHOP);
  server.addresses('shop.test', '10.0.0.1');
  const { revision } = await store.list(never);
  assert.deepEqual(await store.watch(revision, never, () => undefined), { kind: 'same' });
  server.addresses('shop.test', '10.0.0.2');
  const word = await store.watch(revision, never, () => undefined);
  assert.ok(word.kind === 'listing' && word.listing.pieces[0]?.name === '10.0.0.2 80');
});

test('a name that does not exist, or has no address, is an answer with nothing in it', async (t) => {
  const { server, read } = await rig(t, SHOP);
  assert.deepEqual(await read(), []);
  server.services('shop.test', { target: 'a.test', port: 1, weight: 1, priority: 1 });
  assert.deepEqual(await read(), []);
});

test('a server that fails, or says nothing, has not answered', WAITS, async (t) => {
  const failing = await rig(t, SHOP);
  failing.server.mode = 'failing';
  await assert.rejects(failing.store.list(never), /dns shop\.test:80: .*ESERVFAIL/);
  const silent = await rig(t, SHOP, 100);
  silent.server.mode = 'silent';
  await assert.rejects(silent.store.list(never), /ETIMEOUT/);
});

test('who gives up waiting does not wait', async (t) => {
  const { server, store } = await rig(t, SHOP);
  server.mode = 'silent';
  const asked = new AbortController();
  const failed = assert.rejects(store.list(asked.signal), /ECANCELLED/);
  asked.abort();
  await failed;
});

test('SRV records give port and weight, and those of the lowest priority count', async (t) => {
  const { server, read } = await rig(t, SERVICE);
  server.addresses('a.test', '10.0.0.1', 'fd00::1');
  server.addresses('b.test', '10.0.0.2');
  server.services(
    '_http._tcp.shop.test',
    { target: 'a.test', port: 81, weight: 10, priority: 1 },
    { target: 'b.test', port: 82, weight: 0, priority: 1 },
    { target: 'gone.test', port: 83, weight: 1, priority: 1 },
    { target: 'b.test', port: 84, weight: 1, priority: 2 },
  );
  assert.deepEqual(await read(), ['10.0.0.1 81 10', '10.0.0.2 82 0', 'fd00::1 81 10']);
});

test('the root as a target says that there is no such service', async (t) => {
  const { server, read } = await rig(t, SERVICE);
  server.services('_http._tcp.shop.test', { target: '', port: 0, weight: 0, priority: 0 });
  assert.deepEqual(await read(), []);
});
