import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  lastIn,
  STALE_ORIGIN,
  type Started,
  staleStart,
  tellOfStart,
  toldOf,
} from '#src/compose/config/start/stale-start.ts';
import { bothClocks } from '#src/lib/clock.ts';
import type { Config } from '#src/model/config.ts';
import { formatProblem, SluiceError } from '#src/model/problem.ts';
import type { Pin } from '#src/model/threads/revision.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { hashConfig } from '#src/snapshot/hash.ts';
import { packConfirmed } from '#src/snapshot/revisions/confirmed.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { packPin } from '#src/snapshot/revisions/pin.ts';
import { StateDatabase } from '#src/state/database.ts';
import { configOf, SOUND } from '../../../../support/config.ts';
import { inFolder } from '../../../../support/state/folder.ts';
import { batchOf } from '../../../../support/state/log.ts';

const HOUR_MS = 3_600_000;
const [PRINT, OTHER] = ['k1:9f86d081884c', 'k2:0a1b2c3d4e5f'];
const rowOf = (bytes: Uint8Array): SavedBudget => ({ format: 1, bytes, at: '' });
const weighing = (weight: number): Config =>
  configOf(`limits: {headerCountMax: 77}\n${SOUND.replace('weight: 5}', `weight: ${weight}}`)}`);
const weightOf = ({ routes }: Config): number | undefined => routes[0]?.backendRefs[1]?.weight;
const UNANSWERED = {
  ...{ code: 'SLU_SOURCE_UNAVAILABLE', file: 'consul a:1 sluice', line: 0, column: 0, path: '' },
  ...{ expected: 'an answer', got: 'ECONNREFUSED', hint: '' },
};
const LATE = new SluiceError('SLU_SOURCE_UNAVAILABLE', 'no answer from consul a:1 sluice within 100 ms', {
  problems: [UNANSWERED],
});

/**
 * Rows of a process of release 1 that accepted these weights, one after the other.
 * @param verified with which keys, by weight @param stale when a stale start accepted them, by weight
 */
async function rowsOf(
  weights: readonly number[],
  more: Record<string, Uint8Array> = {},
  verified: Readonly<Record<number, readonly string[]>> = {},
  stale: Readonly<Record<number, string>> = {},
) {
  const history = new History('1');
  for (const [n, weight] of weights.entries()) {
    const config = weighing(weight);
    history.add({
      config,
      revision: n,
      hash: hashConfig(config),
      at: stale[weight] ?? '2026-01-01T00:00:00.000Z',
      origin: stale[weight] === undefined ? [] : [STALE_ORIGIN],
      contentOf: null,
    });
  }
  for (const [weight, prints] of Object.entries(verified))
    history.verified(hashConfig(weighing(Number(weight))), prints);
  await history.pack();
  const revisions = [...history.rows()].map(([key, bytes]) => [`config/${key}`, rowOf(bytes)] as const);
  const others = Object.entries(more).map(([key, bytes]) => [`config/${key}`, rowOf(bytes)] as const);
  return new Map<string, SavedBudget>([...revisions, ...others]);
}

const pinTo = (weight: number, number: number): Pin => {
  return { from: 'held by the sources', to: number, hash: hashConfig(weighing(weight)), at: '', by: 'api', reason: '' };
};

/** What a start comes to whose state directory has these rows. */
function startedOn(rows: ReadonlyMap<string, SavedBudget>, main = '', started: Partial<Started> = {}) {
  return inFolder((folder) => {
    const database = new StateDatabase({ path: join(folder, 'sluice.db'), wallTime: () => '' });
    database.write(batchOf({ budgets: rows }));
    database.close();
    return startedIn(folder, main, started);
  });
}

function startedIn(folder: string, main: string, started: Partial<Started> = {}) {
  const own = { configFile: 'gateway.yaml', isFreshRequired: false, environment: {}, release: '1', prints: null };
  const sources = 'sources: [{consul: {address: "http://127.0.0.1:1"}}]\n';
  return staleStart(LATE, `state: {directory: "${folder}"}\n${sources}${main}`, { ...own, ...started });
}

/** Checks that a start is refused with all that does not answer, and then why what is kept does not help. */
function refused(pattern: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof SluiceError);
    assert.equal(error.code, 'SLU_SOURCE_UNAVAILABLE');
    assert.match(error.message, /^no answer from consul.*, and there is nothing of before to start with$/);
    assert.deepEqual(error.problems[0], UNANSWERED);
    const told = error.problems.slice(1).map(formatProblem).join('\n');
    assert.match(told, pattern);
    return true;
  };
}

test('the newest that was accepted was in force last, and its sources are told by their last word', async () => {
  const confirmed = packConfirmed({ hash: 'h', at: '2026-02-01T00:00:00.000Z', passedOver: '' });
  const last = lastIn(await rowsOf([1, 2, 3], { confirmed }), '1', null);
  assert.deepEqual([weightOf(last.config), last.number, last.hash], [3, 3, hashConfig(weighing(3))]);
  assert.deepEqual(last.sourced, { hash: 'h', at: '2026-02-01T00:00:00.000Z' });
  const unsaid = lastIn(await rowsOf([1]), '1', null);
  assert.deepEqual(unsaid.sourced, { hash: unsaid.hash, at: unsaid.acceptedAt });
});

test('what was pinned was in force, whatever was accepted before; a pin whose revision is gone is not guessed', async () => {
  const pinned = lastIn(await rowsOf([1, 2, 3], { pin: packPin(pinTo(1, 1)) }), '1', null);
  assert.deepEqual([weightOf(pinned.config), pinned.number, pinned.sourced.hash], [1, 1, 'held by the sources']);
  const gone = await rowsOf([2, 3], { pin: packPin(pinTo(1, 1)) });
  assert.throws(() => lastIn(gone, '1', null), /revision 1 is pinned, and not kept any more/);
});

test('nothing is taken of rows that are of another release, damaged, or none', async () => {
  const rows = await rowsOf([1, 2]);
  assert.throws(() => lastIn(rows, '2', null), /revision 2 was accepted by release 1, and this is 2/);
  assert.throws(() => lastIn(new Map(), '1', null), /it keeps no accepted configuration/);
  assert.throws(
    () => lastIn(new Map([['config/1', { ...rowOf(new Uint8Array(9)), format: 9 }]]), '1', null),
    /has format 9/,
  );
  for (const key of rows.keys()) {
    const bytes = Uint8Array.from((rows.get(key) as SavedBudget).bytes);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    // Also where it is an older one: nobody knows that of a row that cannot be read.
    assert.throws(() => lastIn(new Map([...rows, [key, rowOf(bytes)]]), '1', null), /does not have the sum/, key);
  }
});

test('what belongs to the process is what the main document says now, all else is of before', async () => {
  const { last, parsed } = await startedOn(
    await rowsOf([7]),
    'listen: 127.0.0.1:9\nworkers: 3\nlimits: {headerCountMax: 9}\n',
  );
  const { config, sources } = parsed;
  assert.deepEqual([config.listen.port, config.workers, config.state.directory === null], [9, 3, false]);
  assert.deepEqual([weightOf(config), config.limits.headerCountMax], [7, 77], 'merged fields count as a whole');
  assert.deepEqual([last.number, sources.list.length], [1, 1]);
});

test('a start that may not, or has nothing to go on with, says which and what to do', async () => {
  const rows = await rowsOf([1]);
  await assert.rejects(
    startedOn(rows, '', { isFreshRequired: true }),
    refused(/gateway\.yaml.*SLU1241.*--require-fresh/),
  );
  await assert.rejects(
    startedOn(rows, 'follow: {staleStart: false}\n'),
    refused(/SLU1241.*follow\.staleStart: false \(set/),
  );
  await assert.rejects(startedOn(rows, '', { release: '2' }), refused(/sluice-state.*release 1, and this is 2/));
  await assert.rejects(startedOn(new Map()), refused(/keeps no accepted configuration/));
  await assert.rejects(
    startedOn(rows, '', { prints: [PRINT] }),
    refused(
      /SLU1241.*revision 1 was accepted without signatures at .*, and signatures are required; no other one was verified/,
    ),
  );
  assert.throws(
    () =>
      staleStart(LATE, 'sources: [{consul: {address: "http://a:1"}}]\n', {
        ...{ configFile: 'gateway.yaml', isFreshRequired: false, environment: {}, release: '1', prints: null },
      }),
    refused(/no state\.directory \(name one/),
  );
  await inFolder((folder) => {
    assert.throws(() => startedIn(join(folder, 'nowhere'), ''), refused(/there is no sluice\.db in it/));
    writeFileSync(
      join(folder, 'sluice.db'),
      'damaged, and long enough to be more than the header of a database. '.repeat(9),
    );
    assert.throws(() => startedIn(folder, ''), refused(/file is not a database/));
  });
});

test('where signatures are required, what was verified with keys of now is gone on with', async () => {
  const rows = await rowsOf([3, 4], {}, { 4: [PRINT, OTHER] });
  const { last, parsed } = await startedOn(rows, '', { prints: [OTHER, PRINT] });
  assert.deepEqual([weightOf(parsed.config), last.verifiedWith, last.passedOver], [4, [PRINT, OTHER], '']);
  assert.deepEqual((await startedOn(rows)).last.passedOver, '', 'and where they are not, anything is');
});

test('what was accepted without signatures is passed over, for the newest that was verified', async () => {
  const confirmed = packConfirmed({ hash: 'h', at: new Date(bothClocks().wallMs).toISOString(), passedOver: '' });
  const rows = await rowsOf([1, 2, 3, 4], { confirmed }, { 1: [PRINT], 2: [PRINT] });
  const { last, parsed } = await startedOn(rows, '', { prints: [PRINT] });
  assert.deepEqual([weightOf(parsed.config), last.number, last.sourced.hash], [2, 2, 'h']);
  assert.match(last.passedOver, /^revision 4 was accepted without signatures at 2026-01-01/);
  assert.equal(last.sourced.at, last.acceptedAt, 'what came after it was confirmed, not this');
  await assert.rejects(
    startedOn(rows, 'follow: {staleStartMax: 30m}\n', { prints: [PRINT] }),
    refused(/revision 2, which they confirmed/),
  );
  const pinned = await rowsOf([1, 2, 3], { pin: packPin(pinTo(3, 3)) }, { 1: [PRINT], 2: [PRINT] });
  assert.deepEqual(lastIn(pinned, '1', [PRINT]).number, 2, 'a pin to what nobody verified holds nothing');
  const back = await rowsOf([1, 2, 3], { pin: packPin(pinTo(1, 1)) }, { 1: [PRINT], 2: [PRINT] });
  assert.deepEqual(
    [lastIn(back, '1', [PRINT]).number, lastIn(back, '1', [PRINT]).passedOver],
    [1, ''],
    'a person’s word',
  );
});

test('what an earlier stale start passed over is passed over still, and the time is that of what was gone on with', async () => {
  const [at, passedOver] = ['2025-12-01T00:00:00.000Z', 'revision 3 was accepted without signatures'];
  const confirmed = packConfirmed({ hash: 'h', at, passedOver });
  const rows = await rowsOf([2, 3, 2], { confirmed }, { 2: [PRINT] });
  const last = lastIn(rows, '1', [PRINT]);
  assert.deepEqual([last.number, last.sourced, last.passedOver], [3, { hash: 'h', at }, passedOver]);
  await assert.rejects(
    startedOn(rows, 'follow: {staleStartMax: 1h}\n', { prints: [PRINT] }),
    refused(/revision 3, which they confirmed .* ago, at 2025-12-01/),
  );
  assert.deepEqual([lastIn(rows, '1', null).passedOver, lastIn(rows, '1', null).sourced.at], ['', at]);
  const pinned = await rowsOf([2, 3, 2], { confirmed, pin: packPin(pinTo(2, 1)) }, { 2: [PRINT] });
  assert.equal(lastIn(pinned, '1', [PRINT]).passedOver, '', 'a person’s word');
  const again = await rowsOf([2, 3, 2, 3], { confirmed }, { 2: [PRINT] });
  const back = lastIn(again, '1', [PRINT]);
  assert.deepEqual([back.number, back.sourced.at], [3, at]);
  assert.match(back.passedOver, /^revision 4 was accepted without signatures/);
});

test('what a stale start accepted is as old as what it went on with', async () => {
  const [signedAt, at] = ['2026-01-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'];
  const confirmed = packConfirmed({ hash: 'h', at: '2026-04-01T00:00:00.000Z', passedOver: '' });
  const verified = { 2: [PRINT], 3: [PRINT], 4: [PRINT] };
  const twice = await rowsOf([2, 3, 4, 5], { confirmed }, verified, { 3: at, 4: at });
  const last = lastIn(twice, '1', [PRINT]);
  assert.deepEqual([last.number, last.acceptedAt, last.sourced.at], [3, at, signedAt]);
  const unsigned = await rowsOf([2, 1, 4, 5], { confirmed }, verified, { 4: at });
  assert.equal(lastIn(unsigned, '1', [PRINT]).sourced.at, signedAt, 'what lies between was passed over then, too');
  const forgotten = await rowsOf([4, 5], { confirmed }, verified, { 4: at });
  assert.equal(lastIn(forgotten, '1', [PRINT]).sourced.at, at, 'nothing older is known');
});

test('what a rollback accepted is as old as what sources had said before it', async () => {
  const [signedAt, at] = ['2026-01-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'];
  const history = new History('1');
  const accept = (weight: number, acceptedAt: string, contentOf: ReturnType<History['add']> | null = null) => {
    const config = weighing(weight);
    return history.add({ config, revision: 0, hash: hashConfig(config), at: acceptedAt, origin: [], contentOf });
  };
  const said = accept(2, signedAt);
  history.verified(hashConfig(weighing(2)), [PRINT]);
  accept(3, '2026-02-01T00:00:00.000Z');
  accept(2, at, said);
  accept(5, at);
  await history.pack();
  const rows = [...history.rows()].map(([key, bytes]) => [`config/${key}`, rowOf(bytes)] as const);
  const last = lastIn(new Map(rows), '1', [PRINT]);
  assert.deepEqual([last.number, last.acceptedAt, last.sourced.at], [3, at, signedAt]);
});

test('never is anything gone on with that is older than the newest that was verified', async () => {
  const foreign = await rowsOf([1, 2, 3], {}, { 1: [PRINT], 2: [OTHER] });
  const because =
    /SLU1241.*got revision 3 was accepted without signatures .*; revision 2 was verified with k2:0a1b2c3d4e5f, and the keys are k1:9f86d081884c \(start once while the sources answer/;
  await assert.rejects(startedOn(foreign, '', { prints: [PRINT] }), refused(because));
  const newest = await rowsOf([1, 2], {}, { 1: [PRINT], 2: [OTHER] });
  await assert.rejects(
    startedOn(newest, '', { prints: [PRINT] }),
    refused(/got revision 2 was verified with k2:\S+, and/),
  );
  const same = await rowsOf([1], {}, { 1: ['k1:000000000000'] });
  await assert.rejects(
    startedOn(same, '', { prints: [PRINT] }),
    refused(/verified with k1:0+, and the keys are k1:9f/),
  );
  const history = new History('1');
  for (const [key, { bytes }] of await rowsOf([1, 2, 3], {}, { 1: [PRINT], 2: [PRINT] })) {
    history.recall(key.slice('config/'.length), bytes);
  }
  const { content: _, ...letGo } = { ...history.find('2') };
  Object.assign(history.find('2') ?? {}, { ...letGo, content: null, row: null });
  const rows = new Map([...history.rows()].map(([key, bytes]) => [`config/${key}`, rowOf(bytes)]));
  assert.throws(() => lastIn(rows, '1', [PRINT]), /the content of revision 2 was let go/);
});

test('what was passed over is told with its place, and what to do', async () => {
  const said: [string, Record<string, unknown> | undefined][] = [];
  const log = { error: (event: string, fields?: Record<string, unknown>) => void said.push([event, fields]) };
  const rows = await rowsOf([1, 2], {}, { 1: [PRINT] });
  tellOfStart(log, lastIn(rows, '1', [PRINT]), { directory: '/var/lib/sluice', because: 'no answer' });
  assert.deepEqual(
    said.map(([event, fields]) => [event, fields?.['code']]),
    [
      ['config_unverified', 'SLU1928'],
      ['config_stale', 'SLU1926'],
    ],
  );
  const [[, unverified], [, stale]] = said as [(typeof said)[number], (typeof said)[number]];
  assert.equal(unverified?.['directory'], '/var/lib/sluice');
  assert.match(JSON.stringify(unverified), /revision 2 was accepted without .*"now":"revision 1, .*"hint":".*sign it/);
  assert.deepEqual([stale?.['number'], stale?.['because'], stale?.['config']], [1, 'no answer', undefined]);
  said.length = 0;
  tellOfStart(log, lastIn(rows, '1', null), { directory: null, because: '' });
  assert.deepEqual(
    said.map(([event]) => event),
    ['config_stale'],
  );
});

test('how long ago the sources confirmed it is what may be too long ago, not when it was accepted', async () => {
  const hourAgo = packConfirmed({
    hash: 'h',
    at: new Date(bothClocks().wallMs - HOUR_MS).toISOString(),
    passedOver: '',
  });
  const rows = await rowsOf([1], { confirmed: hourAgo });
  assert.equal((await startedOn(rows, 'follow: {staleStartMax: 5h}\n')).last.number, 1);
  await assert.rejects(
    startedOn(rows, 'follow: {staleStartMax: 30m}\n'),
    refused(/revision 1, which they confirmed 1h(\d+s)? ago.*raise follow\.staleStartMax/),
  );
});

test('a clock that has been set back says nothing about how long ago that was, unless by less than may pass', async () => {
  const toCome = packConfirmed({
    hash: 'h',
    at: new Date(bothClocks().wallMs + HOUR_MS).toISOString(),
    passedOver: '',
  });
  const rows = await rowsOf([1], { confirmed: toCome });
  assert.equal((await startedOn(rows, 'follow: {staleStartMax: 5h}\n')).last.number, 1);
  assert.equal((await startedOn(rows, '')).last.number, 1);
  await assert.rejects(
    startedOn(rows, 'follow: {staleStartMax: 30m}\n'),
    refused(/revision 1, which they confirmed (1h|59m\d+s) from now by this machine's clock.*set the clock/),
  );
});

test('what does not go with the main document, or files that are gone, refuses the start with its problems', async () => {
  const alerts =
    'alerts: {channels: {a: {type: slack, url: {variable: U}}}, rules: [{channels: [a], routes: [other]}]}\n';
  await assert.rejects(startedOn(await rowsOf([1]), alerts), refused(/SLU1226.*got other/));
  const tls = 'listen: {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: /nowhere.pem, key: /nowhere.key}]}}\n';
  await assert.rejects(startedOn(await rowsOf([1]), tls), refused(/listen\.tls.*nowhere/));
});

test('ages are told in ms, and sources that have answered are not among those that are waited for', async () => {
  const last = lastIn(await rowsOf([1]), '1', null);
  const at = Date.parse(last.acceptedAt);
  const sources = [
    { name: 'a', confirmedAt: '' },
    { name: 'b', confirmedAt: 'now' },
  ] as never;
  const told = toldOf(last, sources, at + 5000);
  assert.partialDeepStrictEqual(told, { number: 1, acceptedMs: 5000, confirmedMs: 5000, unanswered: ['a'] });
  assert.equal(toldOf(last, [], at - 5000).acceptedMs, 0, 'a clock that was set back');
});
