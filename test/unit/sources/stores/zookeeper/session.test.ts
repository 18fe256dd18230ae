import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, type TestContext, test } from 'node:test';
import { JuteWriter } from '#src/sources/stores/zookeeper/jute.ts';
import { OPERATION, ZooSession } from '#src/sources/stores/zookeeper/session.ts';
import { until } from '../../../../support/gateway.ts';
import { listenLoopback } from '../../../../support/plane.ts';
import { startFakeZooKeeper, stat, type Turn } from '../../../../support/stores/zookeeper/fake-zookeeper.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

async function rig(
  t: TestContext,
  answer: (turn: Turn) => void,
  welcome?: (socket: Socket) => void,
  timeoutMs = 60_000,
) {
  const server = await startFakeZooKeeper(t, answer, welcome);
  const said: string[] = [];
  const open = async (): Promise<ZooSession> => {
    const session = await ZooSession.open(
      {
        ...{ host: '127.0.0.1', port: server.port, timeoutMs, login: null, tls: null },
        onEvent: (path) => void said.push(path),
        onAlive: () => void said.push('alive'),
        onOver: (_session, error) => void said.push(`over: ${error.message}`),
      },
      never,
    );
    t.after(() => session.close());
    return session;
  };
  return { server, said, open };
}

test('a node that is there is read with a watch; one that is not gets its watch by another question', async (t) => {
  const { server, open } = await rig(t, ({ operation, path, say }) => {
    if (path === '/gone') say(-101);
    else if (operation === OPERATION.getChildren) say(0, (writer) => writer.int(2).text('a').text('b'));
    else say(0, (writer) => stat(writer.text('ü')));
  });
  const session = await open();
  assert.deepEqual(await session.children('/here'), ['a', 'b']);
  const here = await session.data('/here');
  assert.deepEqual({ ...here, bytes: here?.bytes.toString() }, { bytes: 'ü', created: 1n, revision: 5n, version: 1 });
  assert.deepEqual([await session.data('/gone'), await session.children('/gone')], [null, null]);
  assert.equal(session.zxid, 7n);
  assert.deepEqual(server.asked, ['12 /here', '4 /here', '4 /gone', '3 /gone', '12 /gone', '3 /gone']);
});

test('a node that came between the two questions is read', async (t) => {
  let reads = 0;
  const { open } = await rig(t, ({ operation, say }) => {
    if (operation === OPERATION.exists) say(0);
    else if (++reads === 1) say(-101);
    else say(0, (writer) => stat(writer.text('x')));
  });
  assert.equal((await (await open()).data('/a'))?.bytes.toString(), 'x');
});

test('frames are told apart however they come, and events are told', async (t) => {
  const { said, open } = await rig(t, ({ path, say, tell, raw }) => {
    tell('/other');
    say(0, (writer) => stat(writer.text(path)));
    // The header of a frame that will never be whole.
    raw(Buffer.of(0, 0));
  });
  const session = await open();
  assert.equal((await session.data('/a'))?.bytes.toString(), '/a');
  assert.deepEqual(said, ['/other']);
});

test('what is no answer of ZooKeeper ends the session, and everything that waits for it', async (t) => {
  for (const [bytes, why] of [
    [Buffer.of(127, 255, 255, 255), /a frame of 2147483647 bytes: is this ZooKeeper\?/],
    [Buffer.of(255, 255, 255, 255), /a frame of -1 bytes/],
    [new JuteWriter().int(1).frame(), /a frame that ends too soon/],
  ] as const) {
    const { said, open } = await rig(t, ({ raw }) => raw(bytes));
    const session = await open();
    await assert.rejects(session.data('/a'), why);
    assert.match(said.at(-1) ?? '', why);
    assert.ok(session.isOver);
    await assert.rejects(session.data('/b'), why);
  }
});

test('no answer, no session and no right to read are failures in words', async (t) => {
  const silent = await rig(
    t,
    () => undefined,
    () => undefined,
    300,
  );
  await assert.rejects(silent.open(), /no answer within 300 ms/);
  const refusing = await rig(
    t,
    () => undefined,
    (socket) => socket.write(new JuteWriter().int(0).int(0).long(0n).bytes(Buffer.alloc(16)).frame()),
  );
  await assert.rejects(refusing.open(), /no session is given/);
  const ending = await rig(
    t,
    () => undefined,
    (socket) => socket.end(),
  );
  await assert.rejects(ending.open(), /^Error: the server gives no session: is its port one for TLS\?$/);
  const secret = await rig(t, ({ say }) => say(-102));
  await assert.rejects((await secret.open()).data('/a'), /\/a may not be read/);
  const broken = await rig(t, ({ say }) => say(-5));
  await assert.rejects((await broken.open()).data('/a'), /error -5 at \/a/);
});

test('who gives up waiting does not wait', async (t) => {
  const { port } = await startFakeZooKeeper(
    t,
    () => undefined,
    () => undefined,
  );
  const nothing = (): void => undefined;
  const asked = new AbortController();
  const options = { host: '127.0.0.1', port, timeoutMs: 60_000, login: null, tls: null };
  const opening = ZooSession.open({ ...options, onEvent: nothing, onAlive: nothing, onOver: nothing }, asked.signal);
  asked.abort();
  await assert.rejects(opening, /nobody waits/);
});

test('a handshake that never ends is given up, and so is its connection', async (t) => {
  const taken = Promise.withResolvers<Socket>();
  const server = createServer((socket) => taken.resolve(socket.resume()));
  const port = await listenLoopback(server);
  t.after(() => server.close());
  const nothing = (): void => undefined;
  const options = { host: '127.0.0.1', port, timeoutMs: 300, login: null, tls: {} };
  const opening = ZooSession.open({ ...options, onEvent: nothing, onAlive: nothing, onOver: nothing }, never);
  await assert.rejects(opening, /no answer within 300 ms/);
  const socket = await taken.promise;
  if (!socket.readableEnded) await once(socket, 'end');
});

describe('a process that stood still', () => {
  const GRANTED_MS = 600;
  const LOOK_MS = GRANTED_MS / 3;

  /** A session on a clock of its own, looked at once for all the time that goes by: timers that were due meanwhile are due once. */
  async function stoodStill(t: TestContext, isFrozen = false) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let byMs = 0;
    const startMs = performance.now();
    t.mock.method(performance, 'now', () => startMs + byMs);
    const greeted = Promise.withResolvers<Socket>();
    const { said, open } = await rig(
      t,
      () => undefined,
      (socket) => {
        socket.write(new JuteWriter().int(0).int(GRANTED_MS).long(1n).bytes(Buffer.alloc(16)).frame());
        if (isFrozen) socket.pause();
        greeted.resolve(socket);
      },
    );
    await open();
    const look = (afterMs: number): void => {
      byMs += afterMs;
      t.mock.timers.tick(LOOK_MS);
    };
    return { said, server: await greeted.promise, look };
  }

  const isOver = (said: readonly string[]): boolean => said.at(-1)?.startsWith('over') ?? false;

  test('reads what has come before it takes the server for silent, and asks it at once', async (t) => {
    const { said, server, look } = await stoodStill(t);
    // From here on, as from a timer, the loop polls before it comes to immediates.
    await turn();
    look(LOOK_MS);
    server.write(new JuteWriter().int(-1).long(-1n).int(0).int(3).int(3).text('/a').frame());
    // The kernel brings it meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    look(GRANTED_MS);
    await until('the server answers both', () => said.length === 3 || isOver(said));
    assert.deepEqual(said, ['/a', 'alive', 'alive']);
  });

  test('asks a server that has answered everything', async (t) => {
    const { said, look } = await stoodStill(t);
    for (let looks = 1; looks <= 3; looks++) {
      look(GRANTED_MS);
      await until('the server answers', () => said.length === looks || isOver(said));
    }
    assert.deepEqual(said, ['alive', 'alive', 'alive']);
  });

  test('ends the session of a server that does not answer until the next look', async (t) => {
    const { said, look } = await stoodStill(t, true);
    look(GRANTED_MS);
    for (let turns = 0; turns < 3; turns++) await turn();
    assert.deepEqual(said, []);
    look(LOOK_MS);
    await until('the session is over', () => isOver(said));
    assert.deepEqual(said, ['over: no answer within 800 ms']);
  });
});
