import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Feeds } from '#src/sources/follow/feeds.ts';
import { ModelStore } from '../../../support/stores/model.ts';
import { VirtualTime } from '../../../support/stores/virtual.ts';

const SETTINGS = { startTimeoutMs: 1000, shrinkConfirmMs: 30_000, compareMs: 60_000, changesWarn: 50 };

function rig() {
  const time = new VirtualTime();
  const stores = [1, 2].map((seed) => new ModelStore(time, new Random(seed)));
  const said: string[] = [];
  const feeds = new Feeds({
    stores,
    settings: SETTINGS,
    timers: time,
    nowMs: () => time.nowMs,
    wallTime: () => 'now',
    draw: () => 0.5,
    onEvent: (source, { kind }) => said.push(`${source}: ${kind}`),
  });
  return { time, stores, said, feeds };
}

test('documents are numbered by the precedence of their sources, and sources of one name are told apart', async () => {
  const { time, stores, said, feeds } = rig();
  stores[0]?.put('a', '1');
  stores[1]?.put('a', '2');
  const started = feeds.start();
  await time.pass(200);
  await started;
  assert.deepEqual(
    feeds.documents().map(({ source, name, text, isForeign }) => [source, name, text, isForeign]),
    [
      [1, 'a', '1', true],
      [2, 'a', '2', true],
    ],
  );
  assert.deepEqual(said.toSorted(), ['consul model (2): changed', 'consul model: changed']);
  assert.deepEqual(
    feeds.status().map(({ name }) => name),
    ['consul model', 'consul model (2)'],
  );
  assert.deepEqual([feeds.nameOf(1), feeds.nameOf(2), feeds.nameOf(3)], ['consul model', 'consul model (2)', '']);
  feeds.close();
  assert.ok(stores.every(({ isClosed }) => isClosed));
});

test('a start without an answer names who did not answer, why, and what to do', async () => {
  const { time, stores, feeds } = rig();
  stores[1]?.setMode('down');
  const started = feeds.start();
  await time.pass(2000);
  const late = await started;
  assert.equal(late?.code, 'SLU_SOURCE_UNAVAILABLE');
  assert.equal(late.message, 'no answer from consul model (2) within 1000 ms');
  assert.deepEqual(
    late.problems.map(({ file, got }) => [file, got]),
    [['consul model (2)', 'connection refused']],
  );
  assert.match(late.problems[0]?.hint ?? '', /follow\.startTimeout/);
  assert.equal(feeds.haveAnswered, false);
  stores[1]?.setMode('up');
  await time.pass(20_000);
  assert.equal(feeds.haveAnswered, true, 'it was asked on');
  feeds.close();
});

test('a reload asks every source', async () => {
  const { time, stores, feeds } = rig();
  const started = feeds.start();
  await time.pass(200);
  await started;
  feeds.reload();
  await time.pass(200);
  assert.deepEqual(
    stores.map(({ lists }) => lists),
    [2, 2],
  );
});

test('a document whose piece stayed is the same object, wherever it stands now', async () => {
  const { time, stores, feeds } = rig();
  for (const name of ['b', 'c', 'd']) stores[0]?.put(name, '1');
  stores[1]?.put('x', '1');
  const started = feeds.start();
  await time.pass(200);
  await started;
  const before = feeds.documents();
  assert.deepEqual(feeds.documents(), before);
  stores[0]?.put('a', '1');
  stores[0]?.put('c', '2');
  await time.pass(2000);
  const after = feeds.documents();
  assert.deepEqual(
    after.map(({ name, text, source }) => `${source}${name}${text}`),
    ['1a1', '1b1', '1c2', '1d1', '2x1'],
  );
  const kept = after.filter((document) => before.includes(document)).map(({ name }) => name);
  assert.deepEqual(kept, ['b', 'd', 'x']);
  feeds.close();
});
