import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { openZooKeeperWeights } from '#src/sources/stores/write/zookeeper.ts';
import { openZooKeeper } from '#src/sources/stores/zookeeper/zookeeper.ts';
import { describeStore } from '../../support/stores/scenes/scenes.ts';
import { cannotRun, startStore, ZOOKEEPER } from '../../support/stores/server.ts';
import { putFor, zooKeys } from '../../support/stores/zookeeper/zookeeper.ts';

describeStore({
  kind: ZOOKEEPER,
  nameOf: (key) => `zookeeper /sluice/${key}`,
  entry: (url) => `zookeeper: {servers: ["${new URL(url).host}"], sessionTimeout: 2s}`,
  keys: (url) => zooKeys(url, '/sluice'),
});

describe('what ZooKeeper itself says', { skip: cannotRun(ZOOKEEPER) }, () => {
  test('a node for one user is read by that one, and named to others without a password in it', async (t) => {
    const server = await startStore(ZOOKEEPER);
    t.after(() => server.end());
    const digest = createHash('sha1').update('gateway:geheim').digest('base64');
    await putFor(server.url, '/team/routes/a', 'ä: 1', { scheme: 'digest', id: `gateway:${digest}` });
    const { hostname: host, port } = new URL(server.url);
    const open = (password: string) => {
      const login = { username: 'gateway', password };
      const servers = [{ host, port: Number(port) }];
      const store = openZooKeeper({ kind: 'zookeeper', servers, path: '/team', login, timeoutMs: 15_000, tls: null });
      t.after(() => store.close());
      return store;
    };
    const never = new AbortController().signal;
    const store = open('geheim');
    const { pieces } = await store.list(never);
    assert.deepEqual(pieces, [{ name: 'zookeeper /team/routes/a', mount: { kind: 'route', name: 'a' }, text: 'ä: 1' }]);
    await assert.rejects(open('falsch').list(never), (error: Error) => {
      assert.match(error.message, /^zookeeper 127\.0\.0\.1:\d+ \/team: \/team\/routes\/a may not be read/);
      assert.doesNotMatch(error.message, /falsch/);
      return true;
    });
    // A watch of nothing that changes is confirmed by the session itself.
    const confirmed = Promise.withResolvers<void>();
    const word = store.watch('', never, confirmed.resolve);
    await confirmed.promise;
    await zooKeys(server.url, '/team').put('services/s', 'x');
    assert.deepEqual(await word, { kind: 'changed' });
    assert.equal((await store.list(never)).pieces.length, 2);
  });

  test('weights are made with the rights of the node above them, and written by those who may', async (t) => {
    const server = await startStore(ZOOKEEPER);
    t.after(() => server.end());
    const digest = createHash('sha1').update('gateway:geheim').digest('base64');
    const gateway = { scheme: 'digest', id: `gateway:${digest}` };
    await putFor(server.url, '/team/weights', '', gateway);
    await putFor(server.url, '/shut/weights', '', { ...gateway, permissions: 5 });
    await putFor(server.url, '/shown/weights/shop', 'text', { scheme: 'world', id: 'anyone', permissions: 1 });
    const { hostname: host, port } = new URL(server.url);
    const open = (path: string, password: string) => {
      const login = { username: 'gateway', password };
      const servers = [{ host, port: Number(port) }];
      const store = openZooKeeperWeights({ kind: 'zookeeper', servers, path, login, timeoutMs: 15_000, tls: null });
      t.after(() => store.close());
      return store;
    };
    const never = new AbortController().signal;
    const refused = async (store: ReturnType<typeof open>, revision: string): Promise<string> => {
      const written = await store.write('shop', 'other', revision, never);
      return written.kind === 'refused' ? written.because : JSON.stringify(written);
    };
    const own = open('/team', 'geheim');
    const first = await own.write('shop', 'text', '0', never);
    assert.ok(first.kind === 'written', JSON.stringify(first));
    assert.deepEqual(await own.read('shop', never), { text: 'text', revision: first.revision });
    assert.match(
      await refused(open('/team', 'falsch'), first.revision),
      /: \/team\/weights\/shop may not be read: give/,
    );
    assert.match(await refused(open('/shut', 'geheim'), '0'), /: the rights of \/shut\/weights, .* are not shown/);
    const shown = open('/shown', 'geheim');
    const { revision } = await shown.read('shop', never);
    assert.match(await refused(shown, revision), /: \/shown\/weights\/shop may not be written: give/);
    const anew = await open('/anew/below', 'geheim').write('shop', 'text', '0', never);
    assert.equal(anew.kind, 'written', 'the nodes above were made');
  });

  test('a node that was deleted and made anew is no longer the one that was seen', async (t) => {
    const server = await startStore(ZOOKEEPER);
    t.after(() => server.end());
    const { hostname: host, port } = new URL(server.url);
    const servers = [{ host, port: Number(port) }];
    const settings = {
      kind: 'zookeeper',
      servers,
      path: '/sluice',
      login: null,
      timeoutMs: 15_000,
      tls: null,
    } as const;
    const store = openZooKeeperWeights(settings);
    t.after(() => store.close());
    const never = new AbortController().signal;
    const first = await store.write('shop', 'first', '0', never);
    assert.ok(first.kind === 'written');
    const keys = zooKeys(server.url, '/sluice');
    await keys.remove('weights/shop');
    const gone = await store.write('shop', 'late', first.revision, never);
    assert.deepEqual(gone, { kind: 'conflict', present: { text: null, revision: '0' } });
    // Its version is 0 again, as that of the first.
    await keys.put('weights/shop', 'second');
    const late = await store.write('shop', 'late', first.revision, never);
    const present = await store.read('shop', never);
    assert.deepEqual([late, present.text], [{ kind: 'conflict', present }, 'second']);
  });
});
