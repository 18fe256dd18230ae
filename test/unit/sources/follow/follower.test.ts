import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { type FollowEvent, Follower } from '#src/sources/follow/follower.ts';
import { ModelStore, TIMEOUT_MS, WAIT_MS } from '../../../support/stores/model.ts';
import { VirtualTime } from '../../../support/stores/virtual.ts';

const SETTINGS = { startTimeoutMs: 10_000, shrinkConfirmMs: 30_000, compareMs: 60_000, changesWarn: 50 };

/** A follower of a store with four pieces, just after its first answer. */
async function rig(isPolled = false) {
  const time = new VirtualTime();
  const store = Object.assign(new ModelStore(time, new Random(7)), { isPolled });
  for (const name of ['a', 'b', 'c', 'd']) store.put(name, '1');
  const events: FollowEvent[] = [];
  const follower = new Follower({
    store,
    settings: SETTINGS,
    timers: time,
    nowMs: () => time.nowMs,
    wallTime: () => `at ${time.nowMs}`,
    draw: () => 0.5,
    onEvent: (event) => events.push(event),
  });
  assert.equal(follower.status().state, 'idle');
  follower.start();
  assert.equal(follower.status().state, 'listing');
  await time.pass(200);
  await follower.first;
  assert.equal(follower.status().state, 'watching');
  assert.deepEqual(
    events.splice(0).map(({ kind }) => kind),
    ['changed'],
  );
  return { time, store, follower, events, kinds: () => events.map(({ kind }) => kind) };
}

describe('a change', () => {
  test('is told with what changed and when the first word of it came', async () => {
    const { time, store, follower, events } = await rig();
    const atMs = time.nowMs;
    store.put('b', '2');
    store.remove('c');
    store.put('e', '1');
    await time.pass(1000);
    const [event] = events;
    assert.ok(event?.kind === 'changed');
    assert.deepEqual(event.changes, { added: ['e'], removed: ['c'], changed: ['b'] });
    assert.ok(event.atMs >= atMs && event.atMs < atMs + 50);
    assert.equal(follower.status().revision, event.revision);
  });

  test('that changes nothing is not told', async () => {
    const { time, store, kinds } = await rig();
    store.put('a', '1');
    await time.pass(1000);
    assert.deepEqual(kinds(), []);
  });

  test('goes through debounced and reloading', async () => {
    const { time, store, follower } = await rig();
    const states = new Set<string>();
    store.put('a', '2');
    await time.pass(1000, () => states.add(follower.status().state));
    assert.deepEqual([...states], ['debounced', 'reloading', 'watching']);
  });

  test('has the store look ahead while the writer is waited for, unless others came just before', async (t) => {
    const { time, store } = await rig();
    const ahead = t.mock.method(store, 'lookAhead');
    const looks: number[] = [];
    for (const passMs of [1500, 300, 300, 3000, 1500]) {
      store.put('a', String(looks.length + 2));
      await time.pass(passMs);
      looks.push(ahead.mock.callCount());
    }
    assert.deepEqual(looks, [1, 2, 2, 2, 3]);
    assert.equal(store.ahead, 3);
  });

  test('that is found ahead is told when the wait is over, with what came in it', async () => {
    const { time, store, events } = await rig();
    store.put('b', '2');
    await time.pass(1000);
    assert.deepEqual([store.ahead, store.voids, events.length], [1, 0, 1]);
    for (let n = 0; n < 20; n++) {
      await time.pass(2000);
      store.put('b', `3 ${n}`);
      await time.pass(20);
      store.put('c', `3 ${n}`);
    }
    await time.pass(2000);
    assert.ok(store.voids > 0 && store.ahead > 1, `${store.voids} void, ${store.ahead} ahead`);
    const told = events.flatMap((event) => (event.kind === 'changed' ? event.changes.changed : []));
    assert.equal(told.length, 41);
  });

  test('among very many does not make a flood of questions', async () => {
    const { time, store } = await rig();
    const before = store.lists;
    for (let i = 0; i < 1000; i++) {
      store.put('a', String(i));
      await time.pass(10);
    }
    assert.ok(store.lists - before < 25, String(store.lists - before));
  });
});

describe('what an earlier process held', () => {
  /** A follower of a store that nobody has answered for, and that goes on with so many pieces. */
  function recalling(names: readonly string[], take: (kind: string) => void = () => undefined) {
    const time = new VirtualTime();
    const store = new ModelStore(time, new Random(7));
    const kinds: string[] = [];
    const follower = new Follower({
      ...{ store, settings: SETTINGS, timers: time, nowMs: () => time.nowMs, wallTime: () => `at ${time.nowMs}` },
      draw: () => 0.5,
      onEvent: ({ kind }) => {
        take(kind);
        kinds.push(kind);
      },
    });
    store.setMode('down');
    follower.start();
    const pieces = names.map((name) => ({ name, text: '1', mount: { kind: 'route', name } as const }));
    const recall = (): boolean => follower.recall({ pieces, confirmedAt: 'before', confirmedMs: 5000 });
    return { time, store, follower, kinds, recall };
  }

  test('is held until the source answers, and its age is told', async () => {
    const { time, store, follower, kinds, recall } = recalling(['a', 'b']);
    assert.deepEqual([follower.held, recall()], [null, true]);
    assert.equal(recall(), false, 'once');
    await time.pass(1000);
    const { staleStart, staleMs, pieces, confirmedAt, revision } = follower.status();
    assert.deepEqual([staleStart, staleMs], [{ confirmedAt: 'before', confirmedMs: 6000 }, 6000]);
    assert.deepEqual([pieces, confirmedAt, revision, follower.hasAnswered], [2, '', '', false]);
    assert.equal(follower.held?.confirmedAt, 'before');
    for (const name of ['a', 'c']) store.put(name, '1');
    store.setMode('up');
    await time.pass(20_000);
    assert.deepEqual(kinds, ['failed', 'changed', 'fresh', 'recovered']);
    assert.deepEqual(
      follower.pieces.map(({ name }) => name),
      ['a', 'c'],
    );
    assert.deepEqual([follower.status().staleStart, follower.hasAnswered], [null, true]);
    assert.equal(recall(), false);
  });

  test('is held on to while nobody can take what the source answers', async () => {
    let isBroken = true;
    const { time, store, follower, kinds, recall } = recalling(['a', 'b'], (kind) => {
      if (isBroken && kind === 'changed') throw new TypeError('cannot take it');
    });
    recall();
    for (const name of ['a', 'c']) store.put(name, '1');
    store.setMode('up');
    await time.pass(20_000);
    assert.deepEqual([follower.hasAnswered, follower.status().staleStart?.confirmedAt], [false, 'before']);
    isBroken = false;
    await time.pass(20_000);
    assert.deepEqual([follower.hasAnswered, follower.status().staleStart], [true, null]);
    assert.equal(kinds.filter((kind) => kind === 'fresh').length, 1);
  });

  test('is what a sudden loss is measured against', async () => {
    const { time, store, follower, kinds, recall } = recalling(['a', 'b', 'c', 'd']);
    recall();
    store.put('a', '1');
    store.setMode('up');
    await time.pass(20_000);
    assert.ok(kinds.includes('shrunk'));
    assert.deepEqual([follower.pieces.length, follower.status().staleStart === null], [4, false]);
    assert.ok(!kinds.includes('fresh'));
    await time.pass(SETTINGS.shrinkConfirmMs + 1000);
    assert.deepEqual([follower.pieces.length, follower.status().staleStart], [1, null]);
    assert.equal(kinds.at(-1), 'fresh');
  });
});

describe('a source that is away', () => {
  test('keeps what it held; the failure is said once, and its end', async () => {
    const { time, store, follower, events, kinds } = await rig();
    store.setMode('down');
    await time.pass(60_000);
    const { state, pieces, failures, lastError, staleMs } = follower.status();
    assert.equal(state, 'backing-off');
    assert.deepEqual([pieces, lastError], [4, 'connection refused']);
    assert.ok(failures > 8 && failures < 20, String(failures));
    assert.ok(staleMs >= 60_000);
    assert.deepEqual(kinds(), ['failed']);
    store.setMode('up');
    await time.pass(11_000);
    assert.deepEqual(
      [events.at(-1)?.kind, follower.status().failures, follower.status().errors],
      ['recovered', 0, failures],
    );
  });

  test('that throws at once, or answers what cannot be taken, is asked again as one that is away', async (t) => {
    const { time, store, follower, events } = await rig();
    const odd = t.mock.method(store, 'list', () => {
      throw new TypeError('odd');
    });
    store.put('a', '2');
    await time.pass(2000);
    assert.deepEqual([follower.status().state, follower.status().lastError], ['backing-off', 'odd']);
    odd.mock.mockImplementation(() => Promise.resolve({ revision: '9', pieces: null } as never));
    await time.pass(60_000);
    assert.match(follower.status().lastError, /null/);
    odd.mock.restore();
    t.mock.method(
      store,
      'watch',
      () => {
        throw new TypeError('odd watch');
      },
      { times: 1 },
    );
    await time.pass(60_000);
    assert.deepEqual([follower.status().state, follower.status().failures], ['watching', 0]);
    assert.equal(follower.pieces.find(({ name }) => name === 'a')?.text, '2');
    assert.deepEqual(
      events
        .filter(({ kind }) => kind === 'failed')
        .map((event) => event.kind === 'failed' && event.because.slice(0, 3)),
      ['odd', 'Can', 'odd'],
    );
  });

  test('whose watch fails at once is asked ever more rarely, and the failure is told once until a watch lasts', async (t) => {
    const { time, store, follower, kinds } = await rig();
    const listings = t.mock.method(store, 'list');
    const broken = t.mock.method(store, 'watch', () => {
      throw new TypeError('no streams here');
    });
    store.put('a', '2');
    await time.pass(1000);
    assert.ok(listings.mock.callCount() > 1);
    await time.pass(120_000);
    const { failures, lastError } = follower.status();
    assert.ok(failures < 30 && listings.mock.callCount() < 30, `${failures} ${listings.mock.callCount()}`);
    assert.equal(lastError, 'no streams here');
    assert.equal(follower.pieces.find(({ name }) => name === 'a')?.text, '2');
    assert.deepEqual(kinds(), ['changed', 'failed']);
    broken.mock.restore();
    await time.pass(20_000);
    assert.deepEqual([follower.status().state, follower.status().failures], ['watching', 0]);
    assert.deepEqual(kinds(), ['changed', 'failed', 'recovered']);
  });

  test('whose change nobody could take holds what it held, and is asked for it again', async () => {
    const { time, store, follower, events, kinds } = await rig();
    const { revision } = follower.status();
    events.push = (event) => {
      if (event.kind === 'changed') throw new TypeError('odd');
      return Array.prototype.push.call(events, event);
    };
    store.put('a', '2');
    await time.pass(2000);
    assert.deepEqual([follower.status().state, follower.status().lastError], ['backing-off', 'odd']);
    assert.equal(follower.status().revision, revision);
    assert.equal(follower.pieces.find(({ name }) => name === 'a')?.text, '1');
    Reflect.deleteProperty(events, 'push');
    await time.pass(60_000);
    assert.equal(follower.pieces.find(({ name }) => name === 'a')?.text, '2');
    assert.deepEqual(kinds(), ['failed', 'changed', 'recovered']);
  });

  test('is stale for no longer than a watch lasts while it is well', async () => {
    const { time, follower } = await rig();
    await time.pass(100_000, () => assert.ok(follower.status().staleMs < WAIT_MS + 200));
  });

  test('that never answered is stale since the start', async () => {
    const time = new VirtualTime();
    const store = new ModelStore(time, new Random(7));
    store.setMode('frozen');
    const onEvent = (): void => undefined;
    const options = {
      store,
      settings: SETTINGS,
      timers: time,
      nowMs: () => time.nowMs,
      wallTime: () => '',
      draw: () => 0,
    };
    const follower = new Follower({ ...options, onEvent });
    follower.start();
    await time.pass(9000);
    assert.deepEqual([follower.status().staleMs, follower.status().revision], [9000, '']);
    assert.ok(follower.status().errors >= Math.floor(9000 / (TIMEOUT_MS + 2000)));
  });
});

describe('a sudden loss', () => {
  test('is believed when it has lasted', async () => {
    const { time, store, follower, kinds } = await rig();
    store.wipe();
    await time.pass(29_000);
    assert.deepEqual([follower.status().pieces, follower.status().shrink?.pieces], [4, 0]);
    assert.ok(follower.status().staleMs > 28_000);
    await time.pass(2500);
    assert.deepEqual([follower.status().pieces, follower.status().shrink], [0, null]);
    assert.deepEqual(
      kinds().filter((kind) => kind !== 'failed' && kind !== 'recovered'),
      ['shrunk', 'changed'],
    );
  });

  test('is forgotten when everything is back', async () => {
    const { time, store, follower, kinds } = await rig();
    store.backUp();
    store.wipe();
    await time.pass(10_000);
    store.restore();
    await time.pass(60_000);
    assert.deepEqual([follower.status().pieces, follower.status().shrinksRefused], [4, 1]);
    assert.ok(!kinds().includes('changed'));
  });

  test('is believed at once when an operator reloads', async () => {
    const { time, store, follower } = await rig();
    store.wipe();
    await time.pass(5000);
    follower.reload();
    await time.pass(500);
    assert.equal(follower.status().pieces, 0);
  });

  test('that nobody had seen is not confirmed by a reload', async () => {
    const { time, store, follower } = await rig();
    store.wipe();
    follower.reload();
    await time.pass(500);
    assert.equal(follower.status().pieces, 4);
  });

  test('is no loss when pieces go one by one', async () => {
    const { time, store, follower } = await rig();
    for (const name of ['a', 'b', 'c']) {
      store.remove(name);
      await time.pass(2000);
    }
    assert.deepEqual([follower.status().pieces, follower.status().shrinksRefused], [1, 0]);
  });
});

test('a watch that went silent is found by comparison, and counted', async () => {
  const { time, store, follower, kinds } = await rig();
  store.isSilent = true;
  store.put('a', '2');
  await time.pass(50_000);
  assert.deepEqual(kinds(), []);
  await time.pass(20_000);
  assert.deepEqual([kinds(), follower.status().drifts], [['drifted', 'changed'], 1]);
});

test('a source that is polled is asked in its own interval alone', async (t) => {
  const { time, store, follower, kinds } = await rig(true);
  const list = t.mock.method(store, 'list');
  await time.pass(200_000);
  assert.equal(list.mock.callCount(), 0);
  store.put('a', '2');
  await time.pass(1000);
  assert.deepEqual([kinds(), follower.status().drifts], [['changed'], 0]);
});

test('after the end nothing is said, nothing waits and the store is closed', async () => {
  const { time, store, follower, kinds } = await rig();
  store.put('a', '2');
  follower.close();
  follower.close();
  await time.pass(100_000);
  assert.deepEqual([kinds(), follower.status().state, store.isClosed], [[], 'idle', true]);
});
