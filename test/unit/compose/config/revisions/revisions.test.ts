import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { confirmedOf } from '#src/snapshot/revisions/confirmed.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { configOf, SOUND } from '../../../../support/config.ts';
import { after, packed, parsed, rig, rollback, weightOf } from '../../../../support/state/revisions.ts';

const FLEET = 'fleet: {name: edge, redis: {address: "redis://127.0.0.1:6379"}}\n';

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

  test('a listener does not ask for less than it does, and alerts go where they go', async () => {
    const own = (mode: string, url: string): string => {
      const tls = `tls: {certificates: [{cert: a.pem, key: a.key}], clientAuth: {mode: ${mode}, ca: ca.pem}}`;
      const alerts = `alerts: {channels: {ops: {type: slack, url: {file: /run/${url}}}}}`;
      return `listeners: [{host: 127.0.0.1, port: 3, ${tls}}]\n${alerts}\n`;
    };
    const one = rig();
    one.revisions.offer(parsed(1, own('optional', 'former')));
    one.revisions.offer(parsed(2, own('required', 'latter')));
    const { listeners, alerts } = one.store.current?.config ?? {};
    assert.ok(listeners?.[0]?.tls?.clientAuth?.mode === 'required' && alerts !== undefined);
    await one.revisions.command(rollback('1'));
    assert.equal(weightOf(one), 1);
    assert.deepEqual([one.store.current?.config.listeners, one.store.current?.config.alerts], [listeners, alerts]);
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

  test('what the sources hold is noted as verified when it is, in force or not', () => {
    const one = rig();
    one.revisions.verified(['k:1']);
    one.revisions.offer(parsed(1));
    one.revisions.verified(['k:1']);
    const verified = (): unknown => one.revisions.list().map(({ verifiedWith }) => verifiedWith?.join() ?? '');
    one.revisions.offer(parsed(2));
    assert.deepEqual(verified(), ['', 'k:1']);
    one.revisions.verified(['k:2']);
    assert.deepEqual(verified(), ['k:2', 'k:1']);
    assert.equal(one.revisions.offer(parsed(2)).kind, 'unchanged');
    one.revisions.verified(['k:3']);
    assert.deepEqual(verified(), ['k:3', 'k:1'], 'signed anew with another key');
    one.revisions.verified(null);
    assert.deepEqual(verified(), ['', 'k:1']);
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
