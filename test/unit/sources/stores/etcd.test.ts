import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openEtcd } from '#src/sources/stores/etcd.ts';
import { startFake } from '../../../support/stores/fake.ts';

const PREFIX = '/sluice/v1/';
const never = new AbortController().signal;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A member whose watch says nothing at all, and which answers questions for the newest change as it is told to. */
async function rig(
  t: TestContext,
  newest: { count: string; revision: string },
  keys = ['routes/a', 'routes/', 'config'],
) {
  const { url, asked } = await startFake(t, ({ url: path, body }, response) => {
    if (path === '/v3/watch') {
      response.write('{"result":{"header":{"revision":"5"},"created":true}}\n');
      return;
    }
    const isBeside = (JSON.parse(body) as { keys_only?: boolean }).keys_only === true;
    const kvs = keys.map((key) => ({ key: base64(PREFIX + key), value: base64(`# ${key}`), mod_revision: '4' }));
    const beside = {
      header: { revision: '9' },
      kvs: [{ key: '', mod_revision: newest.revision }],
      count: newest.count,
    };
    response.end(JSON.stringify(isBeside ? beside : { header: { revision: '5' }, kvs, count: '3' }));
  });
  const store = openEtcd({ kind: 'etcd', endpoints: [url], prefix: PREFIX, login: null, heartbeatMs: 10, tls: null });
  t.after(() => store.close());
  return { store, asked };
}

test('a listing is everything below the prefix, by name, folders left out', async (t) => {
  const { store, asked } = await rig(t, { count: '3', revision: '4' });
  const { pieces, revision } = await store.list(never);
  assert.equal(revision, '5');
  assert.deepEqual(
    pieces.map(({ name, mount, text }) => [name, mount.kind, text]),
    [
      ['etcd /sluice/v1/config', 'root', '# config'],
      ['etcd /sluice/v1/routes/a', 'route', '# routes/a'],
    ],
  );
  const question = { key: base64(PREFIX), range_end: base64('/sluice/v10'), limit: 1000 };
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), question);
});

test('a watch begins behind the listing, and is confirmed by the questions beside it', async (t) => {
  const { store, asked } = await rig(t, { count: '3', revision: '4' });
  const { revision } = await store.list(never);
  const controller = new AbortController();
  await assert.rejects(
    new Promise((_resolve, reject) => {
      store.watch(revision, controller.signal, () => controller.abort()).catch(reject);
    }),
  );
  const watch = asked.find(({ url }) => url === '/v3/watch');
  const range = { key: base64(PREFIX), range_end: base64('/sluice/v10') };
  assert.deepEqual(JSON.parse(watch?.body ?? ''), {
    create_request: { ...range, start_revision: '6', progress_notify: true },
  });
});

test('a watch that says nothing of a change, or of a removal, is found out', async (t) => {
  for (const newest of [
    { count: '3', revision: '6' },
    { count: '2', revision: '4' },
  ]) {
    const { store } = await rig(t, newest);
    const { revision } = await store.list(never);
    assert.deepEqual(await store.watch(revision, never, () => undefined), { kind: 'changed' });
  }
});

test('a value that is not UTF-8 is named', async (t) => {
  const { url } = await startFake(t, (_asked, response) => {
    const kvs = [{ key: base64(`${PREFIX}routes/a`), value: '/w==', mod_revision: '1' }];
    response.end(JSON.stringify({ header: { revision: '5' }, kvs }));
  });
  const store = openEtcd({ kind: 'etcd', endpoints: [url], prefix: PREFIX, login: null, heartbeatMs: 10, tls: null });
  t.after(() => store.close());
  await assert.rejects(store.list(never), /the value of \/sluice\/v1\/routes\/a is not UTF-8/);
});

test("a value that is not UTF-8 is nobody's business where its key is no document", async (t) => {
  const { url } = await startFake(t, (_asked, response) => {
    const kvs = [
      { key: base64(`${PREFIX}endpoints/shop/v1/a`), value: '/w==', mod_revision: '1' },
      { key: base64(`${PREFIX}routes/a`), value: base64('# a'), mod_revision: '1' },
    ];
    response.end(JSON.stringify({ header: { revision: '5' }, kvs }));
  });
  const store = openEtcd({ kind: 'etcd', endpoints: [url], prefix: PREFIX, login: null, heartbeatMs: 10, tls: null });
  t.after(() => store.close());
  const { pieces } = await store.list(never);
  assert.deepEqual(
    pieces.map(({ text }) => text),
    ['# a'],
  );
});

/** A member with two routes, whose watch tells at revision 6 that the first is another; it is at `revision` when it is asked. */
async function changedRig(t: TestContext, revision: string) {
  const kvOf = (key: string, text: string, changed: string) => ({
    key: base64(PREFIX + key),
    value: base64(text),
    mod_revision: changed,
  });
  const { url, asked } = await startFake(t, ({ url: path, body }, response) => {
    const header = { revision, raft_term: '2' };
    if (path === '/v3/watch') {
      const events = [{ kv: { key: base64(`${PREFIX}routes/a`), mod_revision: '6' } }];
      response.write(`${JSON.stringify({ result: { header: { revision: '6' }, events } })}\n`);
    } else if (path === '/v3/kv/txn') {
      const named = kvOf('routes/a', '# named', '6');
      const responses = [{ response_range: { count: '2' } }, { response_range: { kvs: [named], count: '1' } }];
      response.end(JSON.stringify({ header, responses }));
    } else if (body.includes('min_mod_revision')) {
      response.end(JSON.stringify({ header, kvs: [kvOf('routes/b', '# since', '7')], count: '2' }));
    } else {
      const kvs = [kvOf('routes/a', '# a', '4'), kvOf('routes/b', '# b', '4')];
      response.end(JSON.stringify({ header: { revision: '5', raft_term: '2' }, kvs, count: '2' }));
    }
  });
  const reach = {
    kind: 'etcd',
    endpoints: [url],
    prefix: PREFIX,
    login: null,
    heartbeatMs: 60_000,
    tls: null,
  } as const;
  const store = openEtcd(reach);
  t.after(() => store.close());
  const before = await store.list(never);
  assert.deepEqual(await store.watch(before.revision, never, () => undefined), { kind: 'changed' });
  const { pieces, revision: at } = await store.list(never, before);
  const bodies = asked.map(({ body }) => body);
  return { texts: pieces.map(({ text }) => text), at, paths: asked.map(({ url: path }) => path), bodies };
}

test('keys that the watch has named are read alone while the store is at the revision of that word', async (t) => {
  const { texts, at, paths, bodies } = await changedRig(t, '6');
  assert.deepEqual([texts, at], [['# named', '# b'], '6']);
  assert.deepEqual(paths, ['/v3/kv/range', '/v3/watch', '/v3/kv/txn']);
  // The revision says that the member is up to date: it need not find that out from the others.
  const { success } = JSON.parse(bodies[2] ?? '') as { success: { request_range: { serializable?: boolean } }[] };
  assert.deepEqual(
    success.map(({ request_range: { serializable } }) => serializable),
    [true, true],
  );
});

test('a store that has moved on is asked for everything since then', async (t) => {
  const { texts, at, paths } = await changedRig(t, '7');
  assert.deepEqual([texts, at], [['# a', '# since'], '7']);
  assert.deepEqual(paths, ['/v3/kv/range', '/v3/watch', '/v3/kv/txn', '/v3/kv/range']);
});
