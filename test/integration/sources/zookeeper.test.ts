import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
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
});
