import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openEtcd } from '#src/sources/stores/etcd.ts';
import type { EtcdSettings } from '#src/sources/stores/settings.ts';
import { askEtcd, etcdKeys } from '../../support/stores/keys.ts';
import { describeStore } from '../../support/stores/scenes/scenes.ts';
import { assertSince } from '../../support/stores/scenes/since.ts';
import { cannotRun, ETCD, startStore } from '../../support/stores/server.ts';

const PREFIX = '/sluice/v1/';

describeStore({
  kind: ETCD,
  nameOf: (key) => `etcd ${PREFIX}${key}`,
  entry: (url) => `etcd: {endpoints: ["${url}"], heartbeat: 500ms}`,
  keys: (url) => etcdKeys(url, PREFIX),
});

describe('what etcd itself says', { skip: cannotRun(ETCD) }, () => {
  const settings = (...endpoints: string[]): EtcdSettings => ({
    kind: 'etcd',
    endpoints,
    prefix: PREFIX,
    login: null,
    heartbeatMs: 500,
    tls: null,
  });
  const never = new AbortController().signal;

  test('pages are of one revision, a compacted revision is a change, and a dead member is passed over', async (t) => {
    const server = await startStore(ETCD);
    t.after(() => server.end());
    const keys = etcdKeys(server.url, PREFIX);
    for (let from = 0; from < 2100; from += 100) {
      const names = Array.from({ length: 100 }, (_, i) => `routes/r${String(from + i).padStart(5, '0')}`);
      const success = names.map((name) => ({
        request_put: { key: btoa(PREFIX + name), value: btoa(`# ${name}`) },
      }));
      await askEtcd(server.url, 'kv/txn', { success });
    }
    const store = openEtcd(settings('http://127.0.0.1:9', server.url));
    t.after(() => store.close());
    await assert.rejects(store.list(never), /ECONNREFUSED|127\.0\.0\.1:9/);
    const { pieces, revision } = await store.list(never);
    assert.equal(pieces.length, 2100);
    assert.deepEqual(pieces.at(-1), {
      name: `etcd ${PREFIX}routes/r02099`,
      mount: { kind: 'route', name: 'r02099' },
      text: '# routes/r02099',
    });
    assert.equal(revision, '22');
    let confirmations = 0;
    const quiet = new AbortController();
    const word = store.watch(revision, quiet.signal, () => {
      confirmations += 1;
      if (confirmations === 2) quiet.abort();
    });
    await assert.rejects(word);
    for (let i = 0; i < 3; i++) await keys.put('routes/a', `# ${i}`);
    assert.deepEqual(await store.watch(revision, never, () => undefined), { kind: 'changed' });
    await askEtcd(server.url, 'kv/compaction', { revision: '25' });
    assert.deepEqual(await store.watch(revision, never, () => undefined), { kind: 'changed' });
    await keys.remove('routes/a');
    assert.equal((await store.list(never)).pieces.length, 2100);
  });

  test('a login is made and made again, and a refused one shows no password', async (t) => {
    const server = await startStore(ETCD);
    t.after(() => server.end());
    await etcdKeys(server.url, PREFIX).put('routes/a', 'x');
    await askEtcd(server.url, 'auth/user/add', { name: 'root', password: 'the-password-of-root' });
    await askEtcd(server.url, 'auth/role/add', { name: 'root' });
    await askEtcd(server.url, 'auth/user/grant', { user: 'root', role: 'root' });
    await askEtcd(server.url, 'auth/enable', {});
    const anonymous = openEtcd(settings(server.url));
    t.after(() => anonymous.close());
    await assert.rejects(anonymous.list(never), /user name is empty/);
    const login = { username: 'root', password: 'the-password-of-root' };
    const store = openEtcd({ ...settings(server.url), login });
    t.after(() => store.close());
    const { revision } = await store.list(never);
    const word = store.watch(revision, never, () => undefined);
    const { token } = await askEtcd(server.url, 'auth/authenticate', { name: 'root', password: login.password });
    await etcdKeys(server.url, PREFIX, { authorization: String(token) }).put('routes/b', 'y');
    assert.deepEqual(await word, { kind: 'changed' });
    await server.kill();
    await server.restart();
    // The member has forgotten the token.
    assert.equal((await store.list(never)).pieces.length, 2);
    const wrong = openEtcd({ ...settings(server.url), login: { ...login, password: 'another-password' } });
    t.after(() => wrong.close());
    await assert.rejects(wrong.list(never), (error: Error) => {
      assert.match(error.message, /cannot log in: etcdserver: authentication failed/);
      assert.doesNotMatch(error.message, /another-password/);
      return true;
    });
  });

  test('what changed since a listing makes the listing of now', async (t) => {
    const server = await startStore(ETCD);
    t.after(() => server.end());
    await assertSince(t, etcdKeys(server.url, PREFIX), () => openEtcd(settings(server.url)));
  });
});
