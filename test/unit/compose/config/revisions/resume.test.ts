import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { soundOf } from '#src/compose/config/revisions/commands.ts';
import { resume } from '#src/compose/config/revisions/resume.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../../../../support/config.ts';
import { after, packed, parsed, rig, rollback, stale, weightOf } from '../../../../support/state/revisions.ts';

const weighing = (weight: number) => soundOf(configOf(SOUND.replace('weight: 5}', `weight: ${weight}}`)));

/** What came of going on with the first of two that are kept, while the second is in force. */
async function resumed({ hash = weighing(1).hash, refuse = false, later = '', isBroken = false } = {}) {
  const store = new Store({ file: 'f', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
  const history = new History('1');
  const steps: string[] = [];
  for (const weight of [1, 2]) {
    const { config, hash: name } = weighing(weight);
    store.offer(weighing(weight));
    history.add({ config, revision: weight, hash: name, at: '', origin: [], contentOf: null });
  }
  history.settle = (name) => void steps.push(name === undefined ? 'settled' : 'settled with it');
  const problem = { code: '', file: '', line: 0, column: 0, path: '', expected: '', got: 'no room', hint: '' };
  const because = await resume(hash, () => steps.push('done'), {
    history,
    log: { error: (event) => void steps.push(event) },
    asOwn: (config) => config,
    prepared: async (_config, put) => (later === '' ? put() : later),
    offer: (own): OfferResult => {
      if (isBroken) throw new Error('broken');
      return refuse ? { kind: 'refused', problems: [problem] } : store.offer(own);
    },
    apply: async () => {
      steps.push('apply');
      throw new Error('no worker');
    },
  });
  const weight = store.current?.config.routes[0]?.backendRefs[1]?.weight;
  await Promise.resolve();
  return { because, steps, weight };
}

test('what is kept is in force as no news, and whoever wants to know is told before anybody obeys it', async () => {
  const { because, steps, weight } = await resumed();
  assert.deepEqual([because, weight], ['', 1]);
  assert.deepEqual(steps, ['settled with it', 'done', 'apply', 'config_failed']);
});

test('what came meanwhile stays', async () => {
  assert.deepEqual(await resumed({ later: 'it changed' }), { because: '', steps: ['settled'], weight: 2 });
});

test('what is not kept, refused or fails says why, and the history is settled all the same', async () => {
  for (const [how, because] of [
    [{ hash: 'ab'.repeat(32) }, 'its revision is not kept any more'],
    [{ refuse: true }, 'no room'],
    [{ isBroken: true }, 'broken'],
  ] as const) {
    assert.deepEqual(await resumed(how), { because, steps: ['settled'], weight: 2 });
  }
});

suite('a process after another one', () => {
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

  test('where signatures are required a stale start passes over what nobody verified, and catches up with no such thing', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.verified(['k:1']);
    await packed(one, 1);
    const early = { ...one, rows: new Map(one.rows) };
    one.revisions.offer(parsed(2));
    await packed(one, 2);
    const two = await stale(one, one.rows, ['k:1']);
    assert.deepEqual([weightOf(two), two.revisions.status([]).staleStart?.number], [1, 1]);
    assert.match(two.revisions.status([]).difference, /passed over: revision 2 was accepted without signatures/);
    assert.deepEqual(two.logged, ['config_unverified', 'config_stale']);
    const [newest] = two.revisions.list();
    assert.deepEqual([newest?.number, newest?.verifiedWith], [3, ['k:1']], 'it was verified as what it goes on with');
    await packed(two, 3);
    const three = await stale(two, two.rows, ['k:1']);
    assert.deepEqual([weightOf(three), three.revisions.number], [1, 3]);
    assert.match(three.revisions.status([]).difference, /passed over: revision 2 was accepted without signatures/);
    assert.equal(three.revisions.status([]).staleStart?.confirmedAt, two.revisions.status([]).staleStart?.confirmedAt);
    assert.deepEqual(three.logged, ['config_unverified', 'config_stale'], 'nothing was mended');
    assert.equal(three.revisions.offer(parsed(3)).kind, 'swapped');
    three.revisions.verified(['k:1']);
    await packed(three, 4);
    assert.deepEqual((await stale(three, three.rows, ['k:1'])).logged, ['config_stale'], 'and now it was');
    const late = await stale(early, one.rows, ['k:1']);
    assert.deepEqual([weightOf(late), late.logged], [1, ['config_stale']]);
    one.revisions.offer(parsed(3));
    one.revisions.verified(['k:1']);
    await packed(one, 3);
    const after = await stale(early, one.rows, ['k:1']);
    assert.deepEqual([weightOf(after), after.logged], [3, ['config_stale', 'config_caught_up']]);
  });

  test('a pin to what nobody verified is lost as soon as signatures are required', async () => {
    const one = rig();
    one.revisions.offer(parsed(1));
    one.revisions.offer(parsed(2));
    await one.revisions.command(rollback(''));
    await packed(one, 3);
    const two = await after(one, 2, '1', ['k:1']);
    two.revisions.verified(['k:1']);
    assert.deepEqual([weightOf(two), two.revisions.status([]).pin, two.logged], [2, null, ['config_pin_lost']]);
    assert.deepEqual((await after(one, 2)).revisions.status([]).pin?.to, 1, 'where they are not it holds');
    const signed = rig();
    signed.revisions.offer(parsed(1));
    signed.revisions.verified(['k:0']);
    signed.revisions.offer(parsed(2));
    await signed.revisions.command(rollback(''));
    await packed(signed, 3);
    const other = await after(signed, 2, '1', ['k:1']);
    assert.deepEqual([weightOf(other), other.revisions.status([]).pin?.to], [1, 1], 'also if its key is gone since');
  });
});
