import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Revisions } from '#src/compose/config/revisions/revisions.ts';
import { lastIn } from '#src/compose/config/start/stale-start.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { confirmedOf } from '#src/snapshot/revisions/confirmed.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

interface Rig {
  readonly revisions: Revisions;
  readonly store: Store;
  readonly applied: OfferResult[];
  readonly logged: string[];
  /** Rows by key, as the state store has them. */
  readonly rows: Map<string, SavedBudget>;
  /** A restart is under way. */
  readonly held: { is: boolean };
}

function rig(release = '1'): Rig {
  const store = new Store({ file: 'f', dials: createDials(), wallTime: () => 'now', mayRecycle: () => false });
  const [applied, logged]: [OfferResult[], string[]] = [[], []];
  const rows = new Map<string, SavedBudget>();
  const say = (event: string): void => void logged.push(event);
  const held = { is: false };
  const revisions = new Revisions({
    store,
    isHeld: () => held.is,
    totals: new Totals(),
    log: { debug: say, info: say, warn: say, error: say, flush: () => Promise.resolve() } as never,
    release,
    apply: (result) => {
      applied.push(result);
      revisions.applied();
      return Promise.resolve();
    },
    durable: () => ({
      keep: (news) => {
        for (const [key, row] of news) rows.set(key, row);
      },
      reverted: () => assert.fail('nothing is watched here'),
    }),
  });
  return { revisions, store, applied, logged, rows, held };
}

const parsed = (weight: number, more = '') =>
  ({
    ok: true,
    config: configOf(`${more}${SOUND.replace('weight: 5}', `weight: ${weight}}`)}`),
    warnings: [],
  }) as const;
const FLEET = 'fleet: {name: edge, redis: {address: "redis://127.0.0.1:6379"}}\n';
const weightOf = ({ store }: Rig): number | undefined => store.current?.config.routes[0]?.backendRefs[1]?.weight;
const rollback = (to: string) => ({ name: 'rollback', to, by: 'api', reason: 'why' }) as const;
/** Lets what is packed be packed. */
const packed = async (rig: Rig, count: number): Promise<void> => {
  rig.revisions.applied();
  while ([...rig.rows.keys()].filter((key) => /\d$/.test(key)).length < count) await new Promise(setImmediate);
};

/** The process after another one, whose sources hold `weight`. */
async function after(before: Rig, weight: number, release = '1'): Promise<Rig> {
  const next = rig(release);
  next.revisions.offer(parsed(weight));
  for (const [key, row] of before.rows) assert.equal(next.revisions.recall(key, row), true);
  next.revisions.recalled();
  await next.revisions.ready;
  return next;
}

suite('configuration revisions', () => {
  test('the pin holds against what was rolled back from, and against nothing else', async () => {
    const one = rig();
    one.revisions.offer(parsed(1), ['start']);
    one.revisions.offer(parsed(2), ['a', 'b']);
    assert.equal((await one.revisions.command(rollback(''))).kind, 'done');
    assert.deepEqual([weightOf(one), one.applied.length], [1, 1]);
    assert.equal(one.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.equal(weightOf(one), 1);
    assert.equal(one.revisions.offer({ ok: false, problems: [] }).kind, 'refused');
    assert.notEqual(one.revisions.status([]).pin, null, 'what is refused moves nothing');
    assert.equal(one.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.equal(one.revisions.offer(parsed(3)).kind, 'swapped');
    assert.deepEqual([one.revisions.status([]).pin, weightOf(one)], [null, 3]);
    assert.deepEqual(
      one.revisions.list().map(({ origin }) => origin.join()),
      ['', 'rollback by api', 'a,b', 'start'],
    );
  });

  test('a second rollback goes further back, and one to what the sources hold needs no pin', async () => {
    const one = rig();
    for (const weight of [1, 2, 3]) one.revisions.offer(parsed(weight));
    await one.revisions.command(rollback(''));
    await one.revisions.command(rollback(''));
    assert.equal(weightOf(one), 1);
    assert.equal((await one.revisions.command(rollback(''))).kind, 'unknown');
    await one.revisions.command(rollback('3'));
    assert.deepEqual([weightOf(one), one.revisions.status([]).pin], [3, null]);
    assert.deepEqual(one.revisions.status([]).rollbacks, { api: 3, sluice: 0 });
  });

  test('endpoints that were found are not kept, and those of a configuration of before are waited for', async () => {
    const looking = (name: string) =>
      ({
        ok: true,
        config: configOf(SOUND.replace('["127.0.0.1:7002"]', `{srv: {name: ${name}.test}}`)),
        warnings: [],
      }) as const;
    const one = rig();
    let waiting = Promise.withResolvers<void>();
    const steps: string[] = [];
    one.revisions.prepareBy(({ services }) => {
      const from = services[0]?.versions[1]?.from;
      steps.push(`open ${from?.kind === 'srv' ? from.name : ''}`);
      return waiting.promise.then(() => () => void steps.push('release'));
    });
    one.store.discoverBy((from) => [
      { host: 'h', port: from.kind === 'srv' && from.name === 'a.test' ? 1 : 2, weight: 1 },
    ]);
    const ports = () => one.store.current?.config.services[0]?.versions[1]?.endpoints.map(({ port }) => port);
    one.revisions.offer(looking('a'));
    one.revisions.offer(looking('b'));
    const diff = one.revisions.diff('', '');
    assert.ok(diff.kind === 'done');
    assert.equal(/\bport\b/.test(JSON.stringify(diff.diff.changes)), false, JSON.stringify(diff.diff.changes));
    const done = one.revisions.command(rollback(''));
    await new Promise(setImmediate);
    assert.deepEqual([ports(), steps], [[2], ['open a.test']]);
    waiting.resolve();
    assert.equal((await done).kind, 'done');
    assert.deepEqual([ports(), steps, one.revisions.status([]).pin !== null], [[1], ['open a.test', 'release'], true]);
    // What comes while a revert waits is not reverted.
    waiting = Promise.withResolvers<void>();
    const reverted = one.revisions.revert(looking('b').config, 'it failed');
    one.revisions.offer(parsed(3));
    waiting.resolve();
    assert.equal(await reverted, 'the configuration has just changed; look again');
    assert.deepEqual([ports(), one.revisions.status([]).pin], [[7002], null]);
  });

  /** Two configurations, and a gate in front of whatever is put in force again. */
  function gated() {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    const { promise, resolve: open } = Promise.withResolvers<void>();
    return { one, open, shut: () => one.revisions.prepareBy(() => promise.then(() => () => undefined)) };
  }

  test('a word that waits for endpoints is refused when something newer came meanwhile', async () => {
    const back = gated();
    back.shut();
    const rolling = back.one.revisions.command(rollback(''));
    back.one.revisions.offer(parsed(3), ['the fix']);
    back.open();
    const detail = 'the configuration has just changed; look again';
    assert.deepEqual(await rolling, { kind: 'refused', detail });
    const { revisions } = back.one;
    assert.deepEqual([weightOf(back.one), revisions.status([]).pin, revisions.isFromSources], [3, null, true]);

    const on = gated();
    await on.one.revisions.command(rollback(''));
    on.shut();
    const unpinning = on.one.revisions.command({ name: 'unpin', by: 'api', reason: 'fixed' });
    on.one.revisions.offer(parsed(3), ['the fix']);
    on.open();
    assert.deepEqual(await unpinning, { kind: 'refused', detail });
    assert.deepEqual([weightOf(on.one), on.one.revisions.status([]).difference], [3, '']);
  });

  test('a word that waits for endpoints is refused when a restart began meanwhile', async () => {
    const { one, open, shut } = gated();
    shut();
    const rolling = one.revisions.command(rollback(''));
    one.held.is = true;
    open();
    assert.deepEqual(await rolling, { kind: 'refused', detail: 'a restart is under way; try again' });
    assert.equal(weightOf(one), 2);
  });

  test('what sources brought and was refused, or a pin that holds again, is not from the sources', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await one.revisions.command(rollback(''));
    assert.equal(one.revisions.isFromSources, false);
    one.revisions.offer({ ok: false, problems: [] });
    assert.equal(one.revisions.isFromSources, false);
    await packed(one, 3);
    const two = await after(one, 2);
    assert.deepEqual([weightOf(two), two.revisions.isFromSources], [1, false]);
    two.revisions.offer(parsed(3));
    assert.equal(two.revisions.isFromSources, true);
  });

  test('a token that was withdrawn does not come back, nor a listener or a fleet', async () => {
    const one = rig();
    one.revisions.offer(parsed(1, 'adminToken: an-old-token-that-leaked\nlisten: 127.0.0.1:1\n'));
    one.revisions.offer(parsed(2, `adminToken: a-new-token-that-did-not\nlisten: 127.0.0.1:2\n${FLEET}`));
    const { adminTokenHash, listen, fleet } = one.store.current?.config ?? {};
    assert.equal(fleet?.name, 'edge');
    await one.revisions.command(rollback('1'));
    assert.equal(weightOf(one), 1);
    assert.deepEqual(
      [one.store.current?.config.adminTokenHash, one.store.current?.config.listen, one.store.current?.config.fleet],
      [adminTokenHash, listen, fleet],
    );
  });

  test('a pin goes on in the next process, unless its sources were changed meanwhile', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await one.revisions.command(rollback(''));
    await packed(one, 3);
    const same = await after(one, 2);
    assert.deepEqual([weightOf(same), same.applied.length], [1, 1]);
    assert.deepEqual(
      same.revisions.list().map(({ number }) => number),
      [3, 2, 1],
      'nothing new was accepted',
    );
    assert.equal(same.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.equal((await same.revisions.command({ name: 'unpin', by: 'api', reason: '' })).kind, 'done');
    assert.equal(weightOf(same), 2);
    const changed = await after(one, 7);
    assert.deepEqual([weightOf(changed), changed.revisions.status([]).pin], [7, null]);
    assert.deepEqual(changed.logged, ['config_unpinned']);
    const back = await after(one, 1);
    assert.deepEqual([weightOf(back), back.revisions.status([]).pin], [1, null]);
  });

  test('a pin on what another release accepted is lost, and said to be', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await one.revisions.command(rollback(''));
    await packed(one, 3);
    const next = await after(one, 2, '2');
    assert.deepEqual([weightOf(next), next.logged], [2, ['config_pin_lost']]);
    const result = await next.revisions.command(rollback('1'));
    assert.deepEqual(result, { kind: 'refused', detail: 'revision 1 was accepted by release 1, and this is 2' });
    assert.equal(next.revisions.diff('1', '').kind, 'refused');
  });

  test('only what changed is saved, and everything when that is asked for', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    await packed(one, 1);
    one.rows.clear();
    one.revisions.offer(parsed(2));
    await packed(one, 1);
    assert.deepEqual([...one.rows.keys()].toSorted(), ['config/2', 'config/confirmed']);
    const all = ['config/1', 'config/2', 'config/confirmed', 'config/pin'];
    assert.deepEqual([...one.revisions.save().keys()].toSorted(), all);
    assert.equal(one.revisions.recall('drift/x', { format: 1, bytes: new Uint8Array(0), at: '' }), false);
    assert.throws(() => one.revisions.recall('config/1', { format: 9, bytes: new Uint8Array(0), at: '' }), /format 9/);
  });

  test('rows are looked through once for a configuration, after it is packed', async (t) => {
    const one = rig();
    one.revisions.offer(parsed(1));
    await packed(one, 1);
    one.rows.clear();
    const spied = t.mock.method(History.prototype, 'rows');
    // Others may still be packing what they were given before.
    one.revisions.save();
    const own = spied.mock.calls.at(-1)?.this;
    spied.mock.resetCalls();
    one.revisions.offer(parsed(2));
    await packed(one, 1);
    assert.equal(spied.mock.calls.filter((call) => call.this === own).length, 1);
  });

  /** The process after another one, whose sources do not answer. `late`: rows that came only when the state was opened. */
  async function stale(before: Rig, late: ReadonlyMap<string, SavedBudget> = before.rows): Promise<Rig> {
    const next = rig();
    const last = lastIn(before.rows, '1');
    next.revisions.startStale(last, { ok: true, config: last.config, warnings: [] }, 'no answer');
    for (const [key, row] of late) next.revisions.recall(key, row);
    next.revisions.recalled();
    await next.revisions.ready;
    return next;
  }

  test('a stale start goes on with what was in force, says so, and ends with what the sources hold', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await packed(one, 2);
    const two = await stale(one);
    const { revisions } = two;
    assert.deepEqual(
      [weightOf(two), revisions.number, revisions.isStale, revisions.isFromSources],
      [2, 2, true, false],
    );
    const { staleStart, sourceHash, difference, staleMs } = revisions.status([]);
    assert.partialDeepStrictEqual(staleStart, { number: 2, hash: two.store.current?.snapshot.hash });
    assert.deepEqual([sourceHash, staleMs], [null, staleStart?.confirmedMs]);
    assert.match(difference, /^SLU1926 started with revision 2/);
    assert.equal(revisions.offer({ ok: false, problems: [] }).kind, 'refused');
    assert.deepEqual([revisions.isStale, weightOf(two)], [true, 2], 'what cannot be used ends nothing');
    assert.equal(revisions.offer(parsed(3)).kind, 'swapped');
    assert.deepEqual([weightOf(two), revisions.number, revisions.status([]).difference], [3, 3, '']);
    assert.deepEqual(two.logged, ['config_stale', 'config_fresh']);
    const same = await stale(one);
    assert.equal(same.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.deepEqual([same.revisions.number, same.revisions.isStale, same.applied], [2, false, []]);
  });

  test('a pin holds over a stale start, against just what was rolled back from', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await one.revisions.command(rollback(''));
    await packed(one, 3);
    const two = await stale(one);
    assert.deepEqual([weightOf(two), two.revisions.status([]).pin?.to], [1, 1]);
    assert.equal((await two.revisions.command({ name: 'unpin', by: 'api', reason: '' })).kind, 'refused');
    assert.equal(two.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.deepEqual([weightOf(two), two.revisions.isStale, two.revisions.status([]).pin?.to], [1, false, 1]);
    const other = await stale(one);
    other.revisions.offer(parsed(3));
    assert.deepEqual([weightOf(other), other.revisions.status([]).pin], [3, null]);
  });

  test('who rolls back during a stale start pins against what the sources held when they were last heard', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await packed(one, 2);
    const two = await stale(one);
    assert.equal((await two.revisions.command(rollback('1'))).kind, 'done');
    assert.equal(weightOf(two), 1);
    assert.equal(two.revisions.offer(parsed(2)).kind, 'unchanged');
    assert.equal(weightOf(two), 1);
  });

  test('what the process before accepted after it was looked up is caught up with', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    await packed(one, 1);
    const early = { ...one, rows: new Map(one.rows) };
    one.revisions.offer(parsed(2));
    await packed(one, 2);
    const two = await stale(early, one.rows);
    assert.deepEqual([weightOf(two), two.revisions.number, two.revisions.isStale], [2, 2, true]);
    assert.equal(two.revisions.status([]).staleStart?.number, 2);
    assert.deepEqual(two.logged, ['config_stale', 'config_caught_up']);
    assert.deepEqual(
      two.revisions.list().map(({ number }) => number),
      [2, 1],
    );
  });

  test('when the sources last confirmed what was taken of them outlives the process', async () => {
    const one = rig();
    one.revisions.confirmed(0);
    assert.equal(one.rows.has('config/confirmed'), false, 'nothing was taken');
    one.revisions.offer(parsed(1));
    one.revisions.confirmed(60_000);
    const at = (): number => Date.parse(confirmedOf(one.rows.get('config/confirmed')?.bytes as Uint8Array).at);
    const first = at();
    one.revisions.offer({ ok: false, problems: [] });
    one.revisions.confirmed(0);
    assert.equal(at(), first, 'they hold something else');
    one.revisions.offer(parsed(1));
    one.revisions.confirmed(0);
    assert.ok(at() >= first + 60_000);
  });

  test('what a comparison may name', () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    const hash = one.revisions.list()[1]?.hash.slice(0, 10) as string;
    const changes = (before: string, after: string): unknown => {
      const result = one.revisions.diff(before, after);
      return result.kind === 'done' ? result.diff.changes.map(({ before: a, after: b }) => [a, b]) : result.kind;
    };
    assert.deepEqual(changes('', ''), [[1, 2]]);
    assert.deepEqual(changes('2', hash), [[2, 1]]);
    assert.deepEqual(changes('sources', '#1'), [[2, 1]]);
    assert.deepEqual(changes('sources', ''), []);
    assert.equal(changes('1', '9'), 'unknown');
  });
});
