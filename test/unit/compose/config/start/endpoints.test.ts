import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { KEPT_BYTES_MAX, KeptEndpoints, type StaleRules } from '#src/compose/config/start/endpoints.ts';
import { bothClocks } from '#src/lib/clock.ts';
import { Random } from '#src/lib/random.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import type { Holding } from '#src/sources/follow/discover/discovery.ts';
import { itemOf, plainInstance } from '#src/sources/follow/discover/instance.ts';
import { LOOKUPS_MAX } from '#src/sources/follow/discover/lookup.ts';
import type { Recalled } from '#src/sources/follow/held.ts';
import type { Item } from '#src/sources/follow/source.ts';
import { COMPUTES } from '../../../../support/runner/depth.ts';

const HOUR_MS = 3_600_000;
const agoOf = (ms: number): string => new Date(bothClocks().wallMs - ms).toISOString();
const ALLOWED: StaleRules = { isAllowed: true, ageMsMax: Number.POSITIVE_INFINITY, isFreshRequired: false };

/** What a process keeps of its lookups, which are as they are put in; `names` of those that hold nothing. */
function rig(t: TestContext, rules: Partial<StaleRules> = {}) {
  const held = new Map<string, Holding>();
  const recalled: [key: string, Recalled<Item>][] = [];
  const said: string[] = [];
  const rows = new Map<string, SavedBudget>();
  const say = (event: string, fields?: object): void => void said.push(`${event} ${JSON.stringify(fields)}`);
  const kept = new KeptEndpoints({
    log: { warn: say, error: say },
    recalled: () => void said.push('recalled'),
    save: (news) => news.forEach((row, key) => rows.set(key, row)),
  });
  const hold = (
    key: string,
    ports: readonly number[] | null,
    confirmedAt = agoOf(0),
    more: Partial<Holding> = {},
  ): void => {
    const pieces = (ports ?? []).map((port) => itemOf(`i${port}`, plainInstance('10.0.0.1', port)));
    const own = { key, name: `name of ${key}`, registry: 'r', isSettled: true };
    held.set(key, { ...own, held: ports === null ? null : { pieces, confirmedAt }, ...more });
  };
  const holdings = (): Holding[] => [...held.values()];
  const recall = (key: string, one: Recalled<Item>): boolean => {
    held.set(key, { ...(held.get(key) as Holding), held: one });
    recalled.push([key, one]);
    return true;
  };
  kept.begin({ holdings, recall }, { ...ALLOWED, ...rules });
  t.after(() => kept.close());
  const portsOf = (): unknown =>
    Object.fromEntries(
      recalled.map(([key, { pieces }]) => [key, pieces.map(({ text }) => (JSON.parse(text) as { port: number }).port)]),
    );
  return { kept, held, hold, recalled, said, rows, portsOf };
}

type Rig = ReturnType<typeof rig>;

/** The process after another one, which has lookups that nobody has answered yet. */
function after(t: TestContext, saved: ReadonlyMap<string, SavedBudget>, keys: readonly string[], rules = {}): Rig {
  const next = rig(t, rules);
  for (const key of keys) next.hold(key, null);
  for (const [key, row] of saved) assert.equal(next.kept.recall(key, row), true);
  next.kept.recalled();
  return next;
}

const filled = (rows: ReadonlyMap<string, SavedBudget>): string[] =>
  [...rows].flatMap(([key, { bytes }]) => (bytes.length === 0 ? [] : [key])).toSorted();

test('lookups that nobody answers go on with what they held, and when that was confirmed', (t) => {
  const one = rig(t);
  const at = agoOf(HOUR_MS);
  one.hold('dns a', [1, 2], at);
  one.hold('etcd', []);
  one.hold('srv b', null);
  const two = after(t, one.kept.save(), ['dns a', 'srv b', 'dns new']);
  assert.deepEqual(two.portsOf(), { 'dns a': [1, 2] });
  const [[, { confirmedAt, confirmedMs }]] = two.recalled as [(typeof two.recalled)[number]];
  assert.ok(confirmedAt === at && confirmedMs >= HOUR_MS && confirmedMs < 2 * HOUR_MS);
  const fields = { code: 'SLU1929', lookups: ['name of dns a'], instances: 2, confirmedAt: at };
  assert.deepEqual(two.said, [`endpoints_stale ${JSON.stringify(fields)}`, 'recalled']);
  // Nobody has answered this process: it hands on what it was handed.
  assert.deepEqual(after(t, two.kept.save(), ['dns a']).recalled[0]?.[1].confirmedAt, at);
});

test('a lookup that has its time to answer still goes on with what it held, which is told only when that is over', (t) => {
  const one = rig(t);
  for (const key of ['dns a', 'dns b', 'dns c']) one.hold(key, [1], agoOf(HOUR_MS));
  const two = rig(t);
  for (const key of ['dns a', 'dns b', 'dns c']) two.hold(key, null, '', { isSettled: false });
  for (const [key, row] of one.kept.save()) two.kept.recall(key, row);
  two.kept.recalled();
  assert.deepEqual(two.portsOf(), { 'dns a': [1], 'dns b': [1], 'dns c': [1] });
  assert.deepEqual(two.said, ['recalled']);
  assert.equal(two.kept.answered('name of dns a'), false, 'nothing was told that would end');
  two.hold('dns a', [1]);
  for (const key of ['dns b', 'dns c']) two.held.set(key, { ...(two.held.get(key) as Holding), isSettled: true });
  for (let turn = 0; turn < 2; turn++) two.kept.unanswered(['name of dns a', 'name of dns b']);
  assert.equal(two.said.length, 2, two.said.join('\n'));
  assert.match(two.said[1] ?? '', /^endpoints_stale .*"lookups":\["name of dns b"\],"instances":1/);
  // Whoever opened it has waited for others as well.
  two.kept.unanswered(['name of dns c']);
  assert.match(two.said[2] ?? '', /^endpoints_stale .*"lookups":\["name of dns c"\]/);
  assert.equal(two.kept.answered('name of dns c'), true);
});

test('what is told apart by its key alone is no row of a lookup', (t) => {
  const { kept } = rig(t);
  const row = { format: 1, bytes: new Uint8Array(3), at: '' };
  assert.equal(kept.recall('config/1', row), false);
  assert.throws(() => kept.recall('endpoints/0', { ...row, format: 2 }), /format 2 is not 1/);
  assert.throws(() => kept.recall('endpoints/0', row), /what is kept of a lookup is not sound/);
  assert.deepEqual(filled(kept.save()), ['endpoints/confirmed'], 'what is damaged is let go');
});

test('who has answered is not recalled, and says what is kept from then on', (t) => {
  const one = rig(t);
  one.hold('dns a', [1]);
  const two = rig(t);
  two.hold('dns a', [2]);
  for (const [key, row] of one.kept.save()) two.kept.recall(key, row);
  two.kept.recalled();
  assert.deepEqual([two.recalled, two.said], [[], []]);
  assert.deepEqual(after(t, two.kept.save(), ['dns a']).portsOf(), { 'dns a': [2] });
});

test('a lookup that nobody asks for any more is forgotten, and its row is another’s', (t) => {
  const one = rig(t);
  for (const key of ['dns a', 'dns b']) one.hold(key, [1]);
  assert.deepEqual(filled(one.kept.save()), ['endpoints/0', 'endpoints/1', 'endpoints/confirmed']);
  one.held.delete('dns a');
  const rows = one.kept.save();
  assert.deepEqual(filled(rows), ['endpoints/1', 'endpoints/confirmed']);
  assert.equal(rows.get('endpoints/0')?.bytes.length, 0, 'it is freed on the disk as well');
  one.hold('dns c', [3]);
  assert.deepEqual(filled(one.kept.save()), ['endpoints/0', 'endpoints/1', 'endpoints/confirmed']);
  const two = after(t, one.kept.save(), ['dns c']);
  assert.deepEqual(filled(two.kept.save()).length, 2, 'of a start that never asked for it, too');
});

test('lookups that all others take the place of take their rows as well', (t) => {
  const { kept, held, hold, said } = rig(t);
  const some = LOOKUPS_MAX / 2 + 1;
  for (let n = 0; n < some; n++) hold(`dns ${n}`, [1]);
  kept.save();
  held.clear();
  for (let n = 0; n < some; n++) hold(`srv ${n}`, [1]);
  assert.equal(filled(kept.save()).length, some + 1);
  assert.deepEqual(said, []);
});

test('what is not allowed, too old or of another registry is not gone on with, and kept on', (t) => {
  const one = rig(t);
  one.hold('dns a', [1], agoOf(HOUR_MS));
  const saved = one.kept.save();
  for (const [rules, because] of [
    [{ isFreshRequired: true }, /--require-fresh/],
    [{ isAllowed: false }, /follow\.staleStart: false/],
    [{ ageMsMax: HOUR_MS / 2 }, /older than follow\.staleStartMax/],
  ] as const) {
    const two = after(t, saved, ['dns a'], rules);
    assert.deepEqual(two.recalled, []);
    assert.match(two.said.join(), /^endpoints_not_recalled \{"lookups":\["name of dns a"\]/);
    assert.match(two.said.join(), because);
    assert.deepEqual(after(t, two.kept.save(), ['dns a']).portsOf(), { 'dns a': [1] });
  }
  assert.equal(after(t, saved, ['dns a'], { ageMsMax: 2 * HOUR_MS }).recalled.length, 1);
  const other = rig(t);
  other.hold('dns a', null, '', { registry: 'another' });
  for (const [key, row] of saved) other.kept.recall(key, row);
  other.kept.recalled();
  assert.match(other.said.join(), /of another registry/);
});

test('changes are saved by themselves, each once, and the last word at the end', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { kept, hold, held, rows } = rig(t);
  hold('dns a', [1]);
  kept.changed();
  assert.equal(rows.size, 0, 'not at once: more may come');
  t.mock.timers.tick(HOUR_MS);
  assert.deepEqual(filled(rows), ['endpoints/0', 'endpoints/confirmed']);
  rows.clear();
  kept.changed();
  t.mock.timers.tick(HOUR_MS);
  assert.deepEqual(filled(rows), ['endpoints/confirmed'], 'only when it was confirmed is news');
  hold('dns a', [2]);
  kept.close();
  held.clear();
  kept.close();
  rows.clear();
  kept.changed();
  t.mock.timers.tick(HOUR_MS);
  assert.equal(rows.size, 0, 'lookups that end with the process are not forgotten');
  assert.deepEqual(after(t, kept.save(), ['dns a']).portsOf(), { 'dns a': [2] }, 'lookups have ended since');
});

test('where nothing is looked up nothing is kept', (t) => {
  assert.equal(rig(t).kept.save().size, 0);
});

test('what all lookups take together is bounded, and what is not kept is told once', COMPUTES, (t) => {
  const { kept, held, hold, said } = rig(t);
  // Texts that do not pack.
  const random = new Random(1);
  const noise = Array.from({ length: 4 }, () => {
    const words = Uint32Array.from({ length: 2 ** 20 }, () => random.nextFloat() * 2 ** 32);
    return Buffer.from(words.buffer).toString('base64');
  });
  for (const [n, text] of noise.entries()) {
    hold(`dns ${n}`, []);
    const one = held.get(`dns ${n}`) as Holding;
    held.set(one.key, { ...one, held: { pieces: [{ name: 'a', text }], confirmedAt: agoOf(0) } });
  }
  for (let turn = 0; turn < 2; turn++) {
    const sum = [...kept.save().values()].reduce((bytes, row) => bytes + row.bytes.length, 0);
    assert.ok(sum <= KEPT_BYTES_MAX + 1000, String(sum));
  }
  assert.deepEqual(
    said.map((line) => line.split(',')[0]),
    ['endpoints_not_kept {"lookup":"name of dns 3"'],
  );
});
