import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OPERATION } from '#src/sources/stores/zookeeper/session.ts';
import { openZooKeeper } from '#src/sources/stores/zookeeper/zookeeper.ts';
import { startFakeZooKeeper, stat, type Turn } from '../../../../support/stores/zookeeper/fake-zookeeper.ts';

const never = new AbortController().signal;
const SETTINGS = { kind: 'zookeeper', path: '/sluice', login: null, timeoutMs: 60_000, tls: null } as const;

/** Nodes by path; a node's children are those below it. */
async function rig(t: TestContext, nodes: Map<string, string>, meddle: (turn: Turn) => void = () => undefined) {
  const answer = (turn: Turn): void => {
    const { operation, path, say } = turn;
    const names = [...nodes.keys()]
      .filter((node) => node.startsWith(`${path}/`))
      .map((node) => node.slice(path.length + 1));
    const children = [...new Set(names.map((name) => name.split('/')[0] as string))];
    const value = nodes.get(path);
    if (value === undefined && children.length === 0) say(-101);
    else if (operation === OPERATION.getChildren) {
      say(0, (writer) => {
        writer.int(children.length);
        for (const name of children) writer.text(name);
      });
    } else say(0, (writer) => stat(writer.text(value ?? '')));
    meddle(turn);
  };
  const { port, asked } = await startFakeZooKeeper(t, answer);
  const servers = [{ host: '127.0.0.1', port }];
  const store = openZooKeeper({ ...SETTINGS, servers });
  t.after(() => store.close());
  const texts = async (): Promise<string[]> =>
    (await store.list(never)).pieces.map(({ name, text }) => `${name}=${text}`);
  return { store, asked, texts };
}

const NODES = { '/sluice/routes/b': 'ü', '/sluice/routes/a': '1', '/sluice/services/s': '2', '/sluice/config': '3' };

test('a listing is every document below the node, by name; strays are named, endpoints are none', async (t) => {
  const more = [
    ['/sluice/stray', 'x'],
    ['/sluice/endpoints/a', 'x'],
    ['/sluice/weights/a', 'w'],
    ['/sluice/signatures/config', 'c'],
    ['/sluice/signatures/routes/a', 'r'],
  ] as const;
  const nodes = new Map([...Object.entries(NODES), ...more]);
  const { store } = await rig(t, nodes);
  const { pieces, revision } = await store.list(never);
  assert.deepEqual(pieces, [
    { name: 'zookeeper /sluice/config', mount: { kind: 'root' }, text: '3' },
    { name: 'zookeeper /sluice/routes/a', mount: { kind: 'route', name: 'a' }, text: '1' },
    { name: 'zookeeper /sluice/routes/b', mount: { kind: 'route', name: 'b' }, text: 'ü' },
    { name: 'zookeeper /sluice/services/s', mount: { kind: 'service', name: 's' }, text: '2' },
    { name: 'zookeeper /sluice/signatures/config', mount: { kind: 'signature', of: 'config' }, text: 'c' },
    { name: 'zookeeper /sluice/signatures/routes/a', mount: { kind: 'signature', of: 'routes/a' }, text: 'r' },
    { name: 'zookeeper /sluice/stray', mount: { kind: 'ignored' }, text: '' },
    { name: 'zookeeper /sluice/weights/a', mount: { kind: 'weights', name: 'a', revision: '5' }, text: 'w' },
  ]);
  assert.equal(revision, '7');
});

test('a server is asked to catch up before anything is read of it, and once for each session', async (t) => {
  const { asked, texts } = await rig(t, new Map(Object.entries(NODES)));
  await texts();
  await texts();
  assert.equal(asked.indexOf(`${OPERATION.sync} /sluice`), 0);
  assert.equal(asked.lastIndexOf(`${OPERATION.sync} /sluice`), 0);
});

test('a node that is not there is an empty listing', async (t) => {
  assert.deepEqual(await (await rig(t, new Map())).texts(), []);
});

test('after an event only what it is about is read again; without one, everything', async (t) => {
  const nodes = new Map(Object.entries(NODES));
  let tellNow: Turn['tell'] = () => undefined;
  const { store, asked, texts } = await rig(t, nodes, ({ tell }) => {
    tellNow = tell;
  });
  await texts();
  // The session's first question is to catch up.
  const whole = asked.length - 1;
  await texts();
  assert.equal(asked.length, 1 + 2 * whole);
  tellNow('/sluice/routes/a');
  assert.deepEqual(await store.watch('7', never, () => undefined), { kind: 'changed' });
  nodes.set('/sluice/routes/a', 'new');
  assert.ok((await texts()).includes('zookeeper /sluice/routes/a=new'));
  assert.deepEqual(asked.slice(1 + 2 * whole), ['4 /sluice/routes/a']);
});

test('what changed while it was read is read again, though the event came right behind the answer', async (t) => {
  const nodes = new Map(Object.entries(NODES));
  let isFirst = true;
  const { texts } = await rig(t, nodes, ({ operation, path, tell }) => {
    if (!isFirst || operation !== OPERATION.getData || path !== '/sluice/routes/a') return;
    isFirst = false;
    nodes.set(path, 'newer');
    tell(path);
  });
  assert.ok((await texts()).includes('zookeeper /sluice/routes/a=newer'));
});

test('a tree that never rests is a failure, not a mixture', async (t) => {
  const { texts } = await rig(t, new Map(Object.entries(NODES)), ({ path, tell }) => tell(path));
  await assert.rejects(texts(), /it changed during each of 20 readings/);
});

test('what is not UTF-8 is refused by its path, and the next listing begins anew', async (t) => {
  const nodes = new Map(Object.entries(NODES));
  let isBroken = true;
  const { port } = await startFakeZooKeeper(t, ({ operation, path, say }) => {
    if (operation === OPERATION.getChildren)
      say(0, (writer) => (path === '/sluice' ? writer.int(1).text('config') : writer.int(0)));
    else if (operation === OPERATION.sync) say(0);
    else {
      const bytes = isBroken ? Buffer.of(0xff) : Buffer.from(nodes.get(path) as string);
      say(0, (writer) => stat(writer.bytes(bytes)));
    }
  });
  const servers = [{ host: '127.0.0.1', port }];
  const store = openZooKeeper({ ...SETTINGS, servers });
  t.after(() => store.close());
  await assert.rejects(
    store.list(never),
    /zookeeper 127\.0\.0\.1:\d+ \/sluice: what \/sluice\/config holds is not UTF-8/,
  );
  await assert.rejects(
    store.watch('7', never, () => undefined),
    /the session is over/,
  );
  isBroken = false;
  assert.equal((await store.list(never)).pieces[0]?.text, '3');
});

test('of several servers the next is asked after a failure', async (t) => {
  const { port } = await startFakeZooKeeper(t, ({ say }) => say(-101));
  const servers = [
    { host: '127.0.0.1', port: 1 },
    { host: '127.0.0.1', port },
  ];
  const store = openZooKeeper({ ...SETTINGS, servers });
  t.after(() => store.close());
  await assert.rejects(store.list(never), /connect ECONNREFUSED/);
  assert.deepEqual((await store.list(never)).pieces, []);
});

test('a certificate that cannot be read is named', () => {
  const tls = { ca: '/nowhere/ca.pem', cert: null, key: null, serverName: null };
  assert.throws(() => openZooKeeper({ ...SETTINGS, servers: [{ host: '127.0.0.1', port: 1 }], tls }), {
    code: 'SLU_SOURCE_UNAVAILABLE',
    message: 'zookeeper 127.0.0.1:1 /sluice: cannot read /nowhere/ca.pem: open ENOENT',
  });
});
