import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Config } from '#src/model/config.ts';
import { REVISIONS_MAX } from '#src/model/threads/revision.ts';
import { History, type Kept } from '#src/snapshot/revisions/history.ts';
import { configOf, manyRoutes, SOUND, withRoute } from '../../../support/config.ts';

const MIB = 1024 * 1024;

/** Accepts a configuration whose hash is `name`, repeated. */
function accept(history: History, name: string, contentOf: Kept | null = null): Kept {
  const config = configOf(SOUND.replace('weight: 5}', `weight: ${5 + name.charCodeAt(0)}}`));
  return history.add({ config, revision: 1, hash: name.repeat(64), at: 'now', origin: ['f'], contentOf });
}

async function filled(names: string, release = '1'): Promise<History> {
  const history = new History(release);
  for (const name of names) accept(history, name);
  await history.pack();
  return history;
}

const told = (history: History): string =>
  history
    .list()
    .map(({ number, hash }) => `${number}${hash[0]}`)
    .join(' ');

/** Another process that finds what this one saved. */
function next(history: History, first: string, release = '1'): History {
  const other = new History(release);
  accept(other, first);
  for (const [key, row] of history.rows()) if (row.length > 0) other.recall(key, row);
  return other;
}

suite('the history of configurations', () => {
  test('keeps the newest, bounded in count, and forgets the others for good', async () => {
    const history = await filled('abcdef');
    history.limit({ keep: 3, bytesMax: MIB });
    assert.equal(told(history), '6f 5e 4d');
    const free = [...history.rows()].filter(([, row]) => row.length === 0).map(([slot]) => slot);
    assert.deepEqual(free, []);
    assert.equal(history.find('1'), null);
    assert.equal(history.find('dddd') !== null, true);
    assert.equal(history.find('ddd'), null, 'fewer digits could be a number');
  });

  test('frees the rows of what it forgets', async () => {
    const history = await filled('abc');
    assert.equal(history.rows().size, 3);
    history.limit({ keep: 1, bytesMax: MIB });
    const lengths = [...history.rows()].map(([slot, row]) => [slot, row.length > 0]);
    assert.deepEqual(lengths, [
      ['1', false],
      ['2', false],
      ['3', true],
    ]);
  });

  test('bounded in bytes, the oldest lose their content and stay listed', async () => {
    const history = await filled('abc');
    const [newest] = history.list();
    history.limit({ keep: 20, bytesMax: (newest?.bytes ?? 0) + 1 });
    assert.deepEqual(
      history.list().map(({ number, isKept }) => [number, isKept]),
      [
        [3, true],
        [2, false],
        [1, false],
      ],
    );
    const first = history.find('1') as Kept;
    assert.throws(() => history.configOf(first), /content of revision 1 was let go/);
    assert.equal(next(history, 'c').list().at(-1)?.isKept, false);
  });

  test('is read before it is packed, and written only then', async () => {
    const history = new History('1');
    const entry = accept(history, 'a');
    assert.equal(history.configOf(entry).routes.length, 1);
    assert.equal(history.rows().size, 0);
    assert.equal(await history.pack(), true);
    assert.equal(history.rows().size, 1);
    assert.deepEqual(history.configOf(entry), configOf(SOUND.replace('weight: 5}', 'weight: 102}')));
    assert.equal(history.rows().get('1'), history.rows().get('1'), 'a row is made once');
  });

  test('goes on over a restart: the same configuration is no news, another one is', async () => {
    const before = await filled('ab');
    const same = next(before, 'b');
    same.settle();
    assert.equal(told(same), '2b 1a');
    accept(same, 'c');
    assert.equal(told(same), '3c 2b 1a');
    const other = next(before, 'c');
    other.settle();
    assert.equal(told(other), '3c 2b 1a');
    const late = next(before, 'b');
    accept(late, 'd');
    late.settle();
    assert.equal(told(late), '3d 2b 1a', 'also where it was recalled late');
  });

  test('how content was verified is noted of all that have it, and outlives the process', async () => {
    const history = await filled('aba');
    const rows = history.rows();
    const hash = 'a'.repeat(64);
    assert.deepEqual([history.verified(hash, ['k:1']), history.verified(hash, ['k:1'])], [true, false]);
    const verified = (one: History): unknown => one.list().map(({ verifiedWith }) => verifiedWith?.join() ?? '');
    assert.deepEqual(verified(history), ['k:1', '', 'k:1']);
    assert.notEqual(history.rows().get('3'), rows.get('3'), 'it is saved');
    assert.equal(history.rows().get('2'), rows.get('2'));
    assert.deepEqual(verified(next(history, 'c')), ['', 'k:1', '', 'k:1']);
    history.verified(hash, ['k:2', 'l:3']);
    assert.deepEqual(verified(history), ['k:2,l:3', '', 'k:2,l:3']);
    history.verified(hash, null);
    assert.deepEqual(verified(history), ['', '', '']);
  });

  test('the newest that was verified is one of before, and who goes on with it says how it was verified now', async () => {
    const history = await filled('ab');
    assert.equal(history.newestVerified, null);
    history.verified('a'.repeat(64), ['k:1']);
    const other = next(history, 'b');
    other.verified('b'.repeat(64), ['k:2']);
    assert.equal(other.newestVerified?.number, 2, 'what it accepted itself is not of before');
    const late = new History('1');
    const own = accept(late, 'b');
    late.verified('b'.repeat(64), ['k:2']);
    for (const [key, row] of history.rows()) late.recall(key, row);
    assert.equal(late.newestVerified?.number, 1);
    late.settle();
    assert.deepEqual([told(late), late.newestVerified?.number, own.verifiedWith], ['2b 1a', 2, ['k:2']]);
    assert.deepEqual(late.list()[0]?.verifiedWith, ['k:2']);
  });

  test('what is gone on with against what the sources hold was not verified as that was', async () => {
    const before = await filled('ab');
    const pinned = next(before, 'c');
    pinned.verified('c'.repeat(64), ['k:1']);
    pinned.settle('b'.repeat(64));
    assert.equal(told(pinned), '2b 1a');
    assert.equal(pinned.list()[0]?.verifiedWith, null);
  });

  test('what is rolled back to was verified as it was then, and what has the same content by chance was not', async () => {
    const history = await filled('ab');
    history.verified('a'.repeat(64), ['k:1']);
    assert.deepEqual(accept(history, 'a', history.find('1')).verifiedWith, ['k:1']);
    assert.equal(accept(history, 'a').verifiedWith, null);
  });

  test('another release lists what it finds, and reads only its own', async () => {
    const history = next(await filled('ab'), 'b', '2');
    history.settle();
    assert.equal(told(history), '3b 2b 1a');
    assert.equal(history.configOf(history.find('3') as Kept).routes.length, 1);
    assert.throws(() => history.configOf(history.find('2') as Kept), /accepted by release 1, and this is 2/);
  });

  test('what comes before is older than the content in force, and different', async () => {
    const history = await filled('abc');
    const [c, b] = [history.find('3') as Kept, history.find('2') as Kept];
    assert.equal(history.before(c), b);
    const again = accept(history, 'b', b);
    assert.equal(history.list()[0]?.contentOf, 2);
    assert.equal(history.before(again), history.find('1'), 'back once more, and not forth');
    assert.equal(history.before(history.find('1') as Kept), null);
  });

  test('has a row for each of as many as can be kept, and reuses the oldest', async () => {
    const history = await filled('ab'.repeat(REVISIONS_MAX / 2 + 3));
    const rows = history.rows();
    assert.equal(rows.size, REVISIONS_MAX);
    const recalled = new History('1');
    for (const [key, row] of rows) recalled.recall(key, row);
    assert.equal(recalled.list()[0]?.number, REVISIONS_MAX + 6);
    assert.equal(recalled.count, REVISIONS_MAX);
  });

  test('kept as differences, every one is read and compared as it was, after a restart too, and whichever went', async () => {
    const history = new History('1');
    const configs = await changed(history, 6);
    assert.deepEqual(keysIn(history), ['1', '2', '3', '4', '5', '6']);
    const [{ bytes: whole } = { bytes: 0 }, ...others] = history.list().toReversed();
    assert.ok(others.every(({ bytes }) => bytes < whole));
    for (const keep of [6, 4, 2, 1]) {
      history.limit({ keep, bytesMax: MIB });
      const recalled = new History('1');
      for (const [key, row] of backwards(history.rows())) if (row.length > 0) recalled.recall(key, row);
      for (const one of [history, recalled]) {
        const read = one.list().map(({ number }) => one.configOf(one.find(String(number)) as Kept));
        assert.deepEqual(read, configs.toReversed().slice(0, keep), `${keep} are kept`);
      }
      recalled.settle();
      assert.deepEqual(keysIn(recalled), keysIn(history));
      assert.equal(recalled.bytes, history.bytes);
    }
    assert.deepEqual(keysIn(history), ['6', 'base/0'], 'what the last one differs from has a row of its own');
    assert.ok(history.bytes > whole);
  });

  test('what nothing is a difference to any more goes, its row too', async () => {
    const history = new History('1');
    await changed(history, 3);
    history.limit({ keep: 1, bytesMax: MIB });
    assert.deepEqual(keysIn(history), ['3', 'base/0']);
    const rows = history.rows();
    assert.equal(history.rows().get('base/0'), rows.get('base/0'), 'a row is made once');
    // As much has changed as makes a whole one.
    await changed(history, 1, manyRoutes(200));
    assert.deepEqual(keysIn(history), ['4']);
    assert.equal(history.rows().get('base/0')?.length, 0);
    history.limit({ keep: 1, bytesMax: 1 });
    assert.equal(history.bytes, 0);
  });

  test('bounded in bytes, what frees nothing is not let go: a whole one that others differ from', async () => {
    const history = new History('1');
    await changed(history, 4);
    history.limit({ keep: 20, bytesMax: history.bytes - 1 });
    assert.deepEqual(
      history.list().map(({ number, isKept }) => [number, isKept]),
      [
        [4, true],
        [3, true],
        [2, false],
        [1, true],
      ],
    );
  });

  test('with room for one whole configuration the newest is kept, whole', async () => {
    const history = new History('1');
    const first = manyRoutes(200);
    const second = withRoute(first, 3);
    const [whole, both] = [new History('1'), new History('1')];
    for (const one of [history, whole, both]) {
      add(one, first);
      await one.pack();
    }
    add(both, second);
    await both.pack();
    // How the engine holds a number, and so what it takes, changes while this process runs: neither fits by a few bytes.
    history.limit({ keep: 20, bytesMax: Math.ceil((whole.bytes + both.bytes) / 2) });
    add(history, second);
    await history.pack();
    assert.deepEqual(
      history.list().map(({ number, isKept }) => [number, isKept]),
      [
        [2, true],
        [1, false],
      ],
    );
  });

  test('a difference whose whole one is damaged or lost is listed, and is no content', async () => {
    const history = new History('1');
    await changed(history, 2);
    history.limit({ keep: 1, bytesMax: MIB });
    const rows = history.rows();
    const recalled = new History('1');
    recalled.recall('2', rows.get('2') as Uint8Array);
    assert.throws(() => recalled.recall('base/0', (rows.get('base/0') as Uint8Array).subarray(1)));
    recalled.settle();
    assert.deepEqual(
      recalled.list().map(({ number, isKept }) => [number, isKept]),
      [[2, false]],
    );
    assert.throws(() => recalled.configOf(recalled.find('2') as Kept), /what it is a difference to is not kept/);
    recalled.recall('base/0', rows.get('base/0') as Uint8Array);
    recalled.settle();
    assert.equal(recalled.list()[0]?.isKept, true, 'the file was read as a whole only later');
  });

  test('is packed by one at a time, whoever asks', async () => {
    const history = new History('1');
    const first = manyRoutes(100);
    add(history, first);
    add(history, withRoute(first, 3));
    const isPacked = await Promise.all([history.pack(), history.pack()]);
    assert.deepEqual(isPacked, [true, false]);
    const [newest, oldest] = history.list();
    assert.ok((newest?.bytes ?? 0) < (oldest?.bytes ?? 0), 'the older one is the whole one');
  });
});

/** Adds configurations that follow one another with one other route each, and packs each. */
async function changed(history: History, count: number, from = manyRoutes(100)): Promise<Config[]> {
  const configs: Config[] = [];
  for (let n = 0; n < count; n++) {
    const config = n === 0 ? from : withRoute(configs[n - 1] as Config, n);
    configs.push(config);
    add(history, config);
    await history.pack();
  }
  return configs;
}

function add(history: History, config: Config): void {
  history.add({ config, revision: 1, hash: 'ab'.repeat(32), at: 'now', origin: ['f'], contentOf: null });
}

/** Keys of the rows that hold something. */
function keysIn(history: History): string[] {
  return [...history.rows()]
    .filter(([, row]) => row.length > 0)
    .map(([key]) => key)
    .toSorted();
}

/** Differences before what they are differences to. */
function backwards<T>(rows: ReadonlyMap<string, T>): [string, T][] {
  return [...rows].toReversed();
}
