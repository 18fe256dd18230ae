/** What ZooKeeper may answer to a write, and what each answer means. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { ZooKeeperSettings } from '#src/sources/stores/settings.ts';
import { STORE_MS, type WeightsStore, type Written } from '#src/sources/stores/write/writer.ts';
import { openZooKeeperWeights } from '#src/sources/stores/write/zookeeper.ts';
import { OPERATION } from '#src/sources/stores/zookeeper/session.ts';
import { countOf, countUp } from '../../../../support/stores/writers.ts';
import { greet, startFakeZooKeeper, stat, type Turn } from '../../../../support/stores/zookeeper/fake-zookeeper.ts';

const never = new AbortController().signal;
const PATH = '/sluice/weights/shop';
const NO_NODE = -101;
const AWAY = { host: '127.0.0.1', port: 1 };
const SETTINGS: ZooKeeperSettings = {
  ...{ kind: 'zookeeper', servers: [AWAY, AWAY], path: '/sluice', login: null, timeoutMs: 60_000, tls: null },
};

/** Answers as one that holds `now` at revision 5. */
function sayTrue({ operation, path, say }: Turn): void {
  if (operation === OPERATION.sync) say(0, (writer) => writer.text(path));
  else if (operation === OPERATION.getData) say(0, (writer) => stat(writer.text('now')));
  else say(0, (writer) => stat(writer, { revision: 9n, version: 2 }));
}

/** A store on such a server; `meddle` answers instead where it says true. */
async function rig(
  t: TestContext,
  meddle: (turn: Turn) => boolean = () => false,
  changes: Partial<ZooKeeperSettings> = {},
) {
  const { port, asked } = await startFakeZooKeeper(t, (turn) => {
    if (!meddle(turn)) sayTrue(turn);
  });
  const servers = [...(changes.servers ?? []), { host: '127.0.0.1', port }];
  return { store: opened(t, { ...SETTINGS, ...changes, servers }), asked };
}

function opened(t: TestContext, settings: ZooKeeperSettings): WeightsStore {
  const store = openZooKeeperWeights(settings);
  t.after(() => store.close());
  return store;
}

/** Answers one kind of request. */
function answering(wanted: number, act: (turn: Turn) => void): (turn: Turn) => boolean {
  return (turn) => {
    if (turn.operation !== wanted) return false;
    act(turn);
    return true;
  };
}

/** Nodes that are there, by what is asked of them, and the rights they have; what is made is there from then on. */
function tree(nodes: Map<string, string>, made: string[]): (turn: Turn) => boolean {
  return ({ operation, path, rest, say }) => {
    if (operation === OPERATION.getData) say(NO_NODE);
    else if (operation === OPERATION.getAcl) {
      const id = nodes.get(path);
      if (id === undefined) say(NO_NODE);
      else say(0, (writer) => stat(writer.int(1).int(31).text('digest').text(id)));
    } else if (operation === OPERATION.create2) {
      const text = rest.text();
      const rights = Array.from({ length: rest.int() }, () => [rest.int(), rest.text(), rest.text()].join(' '));
      made.push(`${path} ${text} ${rights.join()} ${rest.int()}`);
      nodes.set(path, 'of itself:hash');
      say(0, (writer) => stat(writer.text(path), { revision: 8n, version: 0 }));
    } else return false;
    return true;
  };
}

/** Takes connections, and gives no session while it `isSilent`; `asking` emits `asked` for each that is asked for. */
async function startMoody(t: TestContext) {
  const mood = { isSilent: true, asking: new EventEmitter() };
  const { port } = await startFakeZooKeeper(t, sayTrue, (socket) => {
    if (!mood.isSilent) greet(socket);
    mood.asking.emit('asked');
  });
  return Object.assign(mood, { host: '127.0.0.1', port });
}

describe('weights in ZooKeeper', () => {
  test('are read by a server that has caught up, past one that is away', async (t) => {
    const { store, asked } = await rig(t, undefined, { servers: [AWAY] });
    assert.equal(store.documentOf('shop'), `zookeeper ${PATH}`);
    assert.deepEqual(await store.read('shop', never), { text: 'now', revision: '5' });
    assert.deepEqual(asked, [`${OPERATION.sync} ${PATH}`, `${OPERATION.getData} ${PATH}`]);
  });

  test('are written although two of five servers take connections and say nothing', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const silent = await Promise.all([startMoody(t), startMoody(t)]);
    const asked = silent.map(({ asking }) => once(asking, 'asked'));
    const { store } = await rig(t, undefined, { servers: [...silent, AWAY, AWAY] });
    const writing = store.write('shop', 'text', '5', never);
    for (const one of asked) {
      await one;
      t.mock.timers.tick(STORE_MS / 5);
    }
    assert.deepEqual(await writing, { kind: 'written', revision: '9' });
  });

  test('are written by the server that gave the last session, and by another one when that is silent', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const [one, other] = await Promise.all([startMoody(t), startMoody(t)]);
    const settings = { ...SETTINGS, servers: [one, other] };
    // As the gateway does: a store for each write.
    const write = (): Promise<Written> => opened(t, settings).write('shop', 'text', '5', never);
    const written = { kind: 'written', revision: '9' };
    for (const [silent, speaking] of [
      [one, other],
      [other, one],
    ] as const) {
      [silent.isSilent, speaking.isSilent] = [true, false];
      const asked = once(silent.asking, 'asked');
      const writing = write();
      await asked;
      t.mock.timers.tick(STORE_MS / 2);
      assert.deepEqual(await writing, written);
      const again = once(silent.asking, 'asked').then(() => 'waits for the silent one anew');
      assert.deepEqual(await Promise.race([write(), again]), written);
    }
  });

  test('that nobody wrote have no revision, and too many bytes are told', async (t) => {
    const none = await rig(
      t,
      answering(OPERATION.getData, ({ say }) => say(NO_NODE)),
    );
    assert.deepEqual(await none.store.read('shop', never), { text: null, revision: '0' });
    const large = answering(OPERATION.getData, ({ say }) => say(0, (writer) => stat(writer.text('x'.repeat(65_537)))));
    await assert.rejects((await rig(t, large)).store.read('shop', never), {
      code: 'SLU_SOURCE_UNAVAILABLE',
      message: /^zookeeper 127\.0\.0\.1:\d+ \/sluice: \/sluice\/weights\/shop has 65537 bytes, more than 65536$/,
    });
  });

  test('are set at the version of the revision that was seen', async (t) => {
    const set: unknown[] = [];
    const { store, asked } = await rig(
      t,
      answering(OPERATION.setData, ({ path, rest, say }) => {
        set.push(path, rest.text(), rest.int());
        say(0, (writer) => stat(writer, { revision: 9n, version: 2 }));
      }),
    );
    assert.deepEqual(await store.write('shop', 'text', '5', never), { kind: 'written', revision: '9' });
    assert.deepEqual(set, [PATH, 'text', 1]);
    assert.equal(asked.length, 3);
  });

  test('of another revision are a conflict, with what is there, and nothing is sent', async (t) => {
    const { store, asked } = await rig(t);
    const conflict = { kind: 'conflict', present: { text: 'now', revision: '5' } };
    for (const revision of ['4', '0', 'abc', '05']) {
      assert.deepEqual(await store.write('shop', 'text', revision, never), conflict);
    }
    assert.ok(!asked.some((one) => one.startsWith(`${OPERATION.setData} `)));
  });

  for (const [name, fault] of [
    ['changed', -103],
    ['deleted', NO_NODE],
  ] as const) {
    test(`that were ${name} since the look are a conflict, with what is there then`, async (t) => {
      let isLater = false;
      const { store } = await rig(t, ({ operation, say }) => {
        if (operation === OPERATION.setData) {
          isLater = true;
          say(fault);
        } else if (isLater && operation === OPERATION.getData) {
          if (fault === NO_NODE) say(NO_NODE);
          else say(0, (writer) => stat(writer.text('newer'), { revision: 7n }));
        } else return false;
        return true;
      });
      const present = fault === NO_NODE ? { text: null, revision: '0' } : { text: 'newer', revision: '7' };
      assert.deepEqual(await store.write('shop', 'text', '5', never), { kind: 'conflict', present });
    });
  }

  test('that are the first are made, with the rights of the node above', async (t) => {
    const made: string[] = [];
    const { store } = await rig(t, tree(new Map([['/sluice/weights', 'a:hash']]), made));
    assert.deepEqual(await store.write('shop', 'text', '0', never), { kind: 'written', revision: '8' });
    assert.deepEqual(made, [`${PATH} text 31 digest a:hash 0`]);
  });

  test('are made with the nodes above them, which have the rights of the one that was there', async (t) => {
    const made: string[] = [];
    const { store } = await rig(t, tree(new Map([['/', 'root:hash']]), made));
    assert.equal((await store.write('shop', 'text', '0', never)).kind, 'written');
    const rights = '31 digest root:hash 0';
    assert.deepEqual(made, [`/sluice  ${rights}`, `/sluice/weights  ${rights}`, `${PATH} text ${rights}`]);
  });

  test('that somebody else was first to make are a conflict', async (t) => {
    const nodes = tree(new Map([['/sluice/weights', 'a:hash']]), []);
    let isLater = false;
    const { store } = await rig(t, (turn) => {
      if (turn.operation === OPERATION.create2) {
        isLater = true;
        turn.say(-110);
        return true;
      }
      return !(isLater && turn.operation === OPERATION.getData) && nodes(turn);
    });
    const present = { text: 'now', revision: '5' };
    assert.deepEqual(await store.write('shop', 'text', '0', never), { kind: 'conflict', present });
  });

  test('are not made with rights that are not told: nobody could read them', async (t) => {
    const made: string[] = [];
    const { store } = await rig(t, tree(new Map([['/sluice/weights', 'somebody:x']]), made));
    const written = await store.write('shop', 'text', '0', never);
    assert.match(
      written.kind === 'refused' ? written.because : '',
      /the rights of \/sluice\/weights, .* are not shown/,
    );
    assert.deepEqual(made, []);
  });

  test('whose node was deleted and made anew between look and write are not said to be written', async (t) => {
    const other = answering(OPERATION.setData, ({ say }) => say(0, (writer) => stat(writer, { created: 6n })));
    const written = await (await rig(t, other)).store.write('shop', 'text', '5', never);
    assert.match(written.kind === 'unconfirmed' ? written.because : '', /^zookeeper .*deleted and made anew/);
  });

  test('are refused when no server gives a session, or it ends before they are sent', async (t) => {
    const away = opened(t, SETTINGS);
    const refused = await away.write('shop', 'text', '5', never);
    assert.match(refused.kind === 'refused' ? refused.because : '', /connect ECONNREFUSED/);
    await assert.rejects(away.read('shop', never), { code: 'SLU_SOURCE_UNAVAILABLE', message: /connect ECONNREFUSED/ });
    const { store } = await rig(
      t,
      answering(OPERATION.getData, ({ hangUp }) => hangUp()),
    );
    assert.equal((await store.write('shop', 'text', '5', never)).kind, 'refused');
  });

  const answers: readonly [string, (turn: Turn) => void, 'refused' | 'unconfirmed', RegExp][] = [
    ['without permission', ({ say }) => say(-102), 'refused', /\/sluice\/weights\/shop may not be written/],
    ['to a server that is read-only', ({ say }) => say(-119), 'refused', /read-only while it is cut off/],
    ['beyond a quota', ({ say }) => say(-125), 'refused', /quota/],
    ['that the server has no word for', ({ say }) => say(-127), 'refused', /error -127/],
    ['that fail in the server', ({ say }) => say(-1), 'unconfirmed', /error -1 /],
    ['answered with nothing that ZooKeeper says', ({ say }) => say(0), 'unconfirmed', /is this ZooKeeper\?/],
    ['whose connection breaks', ({ hangUp }) => hangUp(), 'unconfirmed', /the connection ended|ECONNRESET/],
  ];
  for (const [name, answer, kind, because] of answers) {
    test(`${name} are ${kind}, and sent once`, async (t) => {
      const login = { username: 'u', password: 'a-secret-password' };
      const { store, asked } = await rig(t, answering(OPERATION.setData, answer), { login });
      const result = await store.write('shop', 'text', '5', never);
      assert.equal(result.kind, kind, JSON.stringify(result));
      assert.match(JSON.stringify(result), /"zookeeper 127\.0\.0\.1:\d+ \/sluice: /);
      assert.match(JSON.stringify(result), because);
      assert.doesNotMatch(JSON.stringify(result), /a-secret-password/);
      assert.equal(asked.filter((one) => one.startsWith(`${OPERATION.setData} `)).length, 1);
    });
  }

  test('that nobody waits for any more are unconfirmed once they are sent, and never sent after that', async (t) => {
    const waiting = new AbortController();
    const sent = await rig(
      t,
      answering(OPERATION.setData, () => waiting.abort()),
    );
    assert.equal((await sent.store.write('shop', 'text', '5', waiting.signal)).kind, 'unconfirmed');

    const giving = new AbortController();
    let answerNow: () => void = () => undefined;
    const late = await rig(t, ({ operation, say }) => {
      if (operation !== OPERATION.getData || giving.signal.aborted) return false;
      answerNow = () => say(0, (writer) => stat(writer.text('now')));
      giving.abort();
      return true;
    });
    assert.equal((await late.store.write('shop', 'text', '5', giving.signal)).kind, 'refused');
    answerNow();
    // Requests and answers keep their order: behind the first the look was answered, behind the second a write would have come.
    for (let n = 0; n < 2; n++) await late.store.read('shop', never);
    assert.ok(!late.asked.some((one) => one.startsWith(`${OPERATION.setData} `)));
    assert.equal((await late.store.write('shop', 'text', '5', AbortSignal.abort())).kind, 'refused');
  });

  test('share a session, and have a new one when it is over', async (t) => {
    let isOver = false;
    const { store, asked } = await rig(t, ({ operation, hangUp }) => {
      if (!isOver || operation !== OPERATION.sync) return false;
      isOver = false;
      hangUp();
      return true;
    });
    await Promise.all([store.read('shop', never), store.read('other', never)]);
    isOver = true;
    await assert.rejects(store.read('shop', never), /the connection ended|ECONNRESET/);
    assert.deepEqual(await store.read('shop', never), { text: 'now', revision: '5' });
    assert.equal(asked.filter((one) => one.startsWith(`${OPERATION.sync} `)).length, 4);
    store.close();
    await assert.rejects(store.read('shop', never));
  });

  test('are counted up by many without one of them being lost, wherever connections break', async (t) => {
    const all = { written: 0, conflict: 0, refused: 0, unconfirmed: 0, unreadable: 0 };
    for (let seed = 1; seed <= 10; seed++) {
      const { port } = await startFakeZooKeeper(t, breaking(new Random(seed)));
      const settings = { ...SETTINGS, servers: [{ host: '127.0.0.1', port }] };
      const outcomes = await countUp(() => openZooKeeperWeights(settings), {
        route: 'shop',
        writers: 4,
        attempts: 15,
        seed,
      });
      const store = openZooKeeperWeights(settings);
      t.after(() => store.close());
      let final: number | null = null;
      while (final === null) final = await store.read('shop', never).then(countOf, () => null);
      const { written, unconfirmed } = outcomes;
      const told = `seed ${seed}: ${final} after ${JSON.stringify(outcomes)}`;
      assert.ok(final >= written && final <= written + unconfirmed, told);
      for (const kind of Object.keys(all) as (keyof typeof all)[]) all[kind] += outcomes[kind];
    }
    // The histories are worth something only if everything happens in them.
    assert.ok(
      Object.values(all).every((count) => count >= 10),
      JSON.stringify(all),
    );
  });
});

/** A node that is compared and set, on a server that ends one connection in eight, before it does what it was asked for or after. */
function breaking(random: Random): (turn: Turn) => void {
  let node = { text: '', revision: 0n, version: -1 };
  return ({ operation, path, rest, say, hangUp }) => {
    const chance = random.nextFloat();
    if (chance < 1 / 16) return hangUp();
    const isMade = operation === OPERATION.create2;
    if (operation === OPERATION.sync) say(0, (writer) => writer.text(path));
    else if (operation === OPERATION.getAcl) say(0, (writer) => writer.int(1).int(31).text('world').text('anyone'));
    else if (operation === OPERATION.getData && node.version < 0) say(NO_NODE);
    else if (operation === OPERATION.getData) say(0, (writer) => stat(writer.text(node.text), node));
    else if (isMade && node.version >= 0) say(-110);
    else {
      const text = rest.text();
      // No version at all is any.
      const version = isMade ? -1 : rest.int();
      if (version !== -1 && version !== node.version) return say(-103);
      node = { text, revision: node.revision + 5n, version: node.version + 1 };
      if (chance > 15 / 16) return hangUp();
      say(0, (writer) => stat(isMade ? writer.text(path) : writer, node));
    }
  };
}
