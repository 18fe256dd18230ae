import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { openConsul } from '#src/sources/stores/consul/consul.ts';
import type { ConsulSettings } from '#src/sources/stores/settings.ts';
import { until } from '../../../../support/gateway.ts';
import { startFake } from '../../../../support/stores/fake.ts';

const never = new AbortController().signal;

interface Answered {
  readonly status?: number;
  readonly index?: string | null;
  readonly body?: string;
}

async function rig(t: TestContext, given: Answered, changes: Partial<ConsulSettings> = {}) {
  const { url, asked } = await startFake(t, (_asked, response) => {
    const { status = 200, index = '7', body = '[]' } = given;
    response.writeHead(status, index === null ? {} : { 'x-consul-index': index }).end(body);
  });
  return { store: open(t, url, changes), asked };
}

function open(t: TestContext, url: string, changes: Partial<ConsulSettings> = {}) {
  const store = openConsul({
    kind: 'consul',
    address: url,
    prefix: 'team/sluice',
    token: null,
    datacenter: null,
    consistency: 'default',
    waitMs: 60_000,
    tls: null,
    ...changes,
  });
  t.after(() => store.close());
  return store;
}

function key(name: string, value: string | null) {
  return {
    Key: `team/sluice/${name}`,
    ModifyIndex: 7,
    Value: value === null ? null : Buffer.from(value).toString('base64'),
  };
}

test('a listing is everything below the prefix, by name, folders left out', async (t) => {
  const body = JSON.stringify([key('services/b', 'x'), key('routes/', null), key('routes/a', 'ü'), key('stray', null)]);
  const { store, asked } = await rig(t, { body });
  assert.deepEqual(await store.list(never), {
    revision: '7',
    pieces: [
      { name: 'consul team/sluice/routes/a', mount: { kind: 'route', name: 'a' }, text: 'ü' },
      { name: 'consul team/sluice/services/b', mount: { kind: 'service', name: 'b' }, text: 'x' },
      { name: 'consul team/sluice/stray', mount: { kind: 'ignored' }, text: '' },
    ],
  });
  assert.equal(asked[0]?.url, '/v1/kv/team/sluice/?recurse');
});

test('an empty prefix is a 404 with an index', async (t) => {
  const { store } = await rig(t, { status: 404, body: '' });
  assert.deepEqual(await store.list(never), { pieces: [], revision: '7' });
});

test('what was asked for is in the question, the token in its field', async (t) => {
  const { store, asked } = await rig(t, {}, { token: 'geheim', datacenter: 'dc2', consistency: 'stale' });
  await store.watch('6', never, () => undefined);
  assert.equal(asked[0]?.url, '/v1/kv/team/sluice/?keys&index=6&wait=60000ms&stale&dc=dc2');
  assert.equal(asked[0]?.headers['x-consul-token'], 'geheim');
});

test('a server that knows no leader is believed once, where nothing else is known, and confirms nothing', async (t) => {
  const given = { 'x-consul-index': '7', 'x-consul-knownleader': 'false' };
  const { url } = await startFake(t, (_asked, response) => {
    response.writeHead(200, given).end('[]');
  });
  const store = open(t, url, { consistency: 'stale' });
  const { revision } = await store.list(never);
  await assert.rejects(
    store.watch(revision, never, () => undefined),
    /knows no leader/,
  );
  await assert.rejects(store.list(never), /knows no leader/);
  given['x-consul-knownleader'] = 'true';
  await store.list(never);
});

test('the same index is no change; a higher one is, and one that went backwards too', async (t) => {
  const { store } = await rig(t, { index: '7' });
  const words = await Promise.all(['7', '6', '8'].map((revision) => store.watch(revision, never, () => undefined)));
  assert.deepEqual(
    words.map(({ kind }) => kind),
    ['same', 'changed', 'changed'],
  );
});

test('an index that would not block, or none, is refused', async (t) => {
  for (const index of ['0', '-1', 'x', null]) {
    const { store } = await rig(t, { index });
    await assert.rejects(store.list(never), /no X-Consul-Index above 0/);
  }
});

test('an answer that is no list of keys is refused', async (t) => {
  for (const body of [
    '',
    '{}',
    '[1]',
    '[{"Key":1,"Value":null}]',
    '[{"Key":"a"}]',
    '[{"Key":"a","Value":null}]',
    '<html>',
  ]) {
    const { store } = await rig(t, { body });
    await assert.rejects(store.list(never), { code: 'SLU_SOURCE_UNAVAILABLE', message: /is this Consul\?$/ }, body);
  }
});

test('a value that is not UTF-8 is named', async (t) => {
  const body = JSON.stringify([{ Key: 'team/sluice/routes/a', ModifyIndex: 7, Value: '/w==' }]);
  const { store } = await rig(t, { body });
  await assert.rejects(store.list(never), /the value of team\/sluice\/routes\/a is not UTF-8/);
});

test('a refusal is told without the token', async (t) => {
  const { store } = await rig(t, { status: 403, body: 'ACL geheim: Permission denied' }, { token: 'geheim' });
  await assert.rejects(store.list(never), /status 403: ACL \[redacted\]: Permission denied$/);
});

/** A Consul of so many routes that can be written to; its blocking questions wait for that. */
async function consulOf(t: TestContext, count: number) {
  const indexes = new Map<string, number>();
  let index = 1;
  let waiting: (() => void)[] = [];
  /** Blocking questions that were given up. */
  let givenUp = 0;
  /** Parts of the tree are read when it resolves; all of it at once. */
  const holds = Promise.withResolvers<void>();
  const { url, asked } = await startFake(t, (question, response) => {
    const { pathname, searchParams } = new URL(question.url, 'http://consul');
    const path = pathname.slice('/v1/kv/'.length);
    const answer = (): void => {
      const own = [...indexes].filter(([key]) => key.startsWith(path));
      const newest = Math.max(...own.map(([, changed]) => changed));
      const entryOf = ([Key, ModifyIndex]: [string, number]) => ({ Key, ModifyIndex, Value: btoa(`# ${ModifyIndex}`) });
      const body = searchParams.has('recurse') ? own.map(entryOf) : own.map(([key]) => key);
      response.writeHead(200, { 'x-consul-index': String(newest) }).end(JSON.stringify(body));
    };
    if (searchParams.has('recurse') && path !== 'team/sluice/') return void holds.promise.then(answer);
    if (searchParams.get('index') !== String(index)) return answer();
    waiting.push(answer);
    response.on('close', () => (givenUp += Number(!response.writableFinished)));
  });
  const put = (...names: string[]): void => {
    for (const name of names) indexes.set(`team/sluice/routes/${name}`, ++index);
    const answers = waiting;
    waiting = [];
    for (const answer of answers) answer();
  };
  put(...Array.from({ length: count }, (_, n) => `r${String(n).padStart(4, '0')}`));
  const isReading = (): boolean => asked.some(({ url: one }) => /\/routes.*\?recurse$/.test(one));
  return { url, asked, put, isReading, holds, waits: () => waiting.length, givenUp: () => givenUp };
}

describe('a change that is looked ahead for', () => {
  const confirm = (): void => undefined;

  /** `holds`: parts are read only when the test says so. */
  interface Given extends Partial<ConsulSettings> {
    readonly count?: number;
    readonly holds?: boolean;
  }

  function watchesIn(asked: readonly { readonly url: string }[]): number {
    return asked.filter(({ url }) => url.includes('index=')).length;
  }

  /** A store that has listed everything and was told of one change, which it looks for. */
  async function looking(t: TestContext, { count = 500, holds = false, ...changes }: Given = {}) {
    const consul = await consulOf(t, count);
    const store = open(t, consul.url, changes);
    const before = await store.list(never);
    if (!holds) consul.holds.resolve();
    const word = store.watch(before.revision, never, confirm);
    await until('the watch waits', () => consul.waits() === 1);
    consul.put('r0123');
    assert.deepEqual(await word, { kind: 'changed' });
    const from = consul.asked.length;
    store.lookAhead?.(before);
    const now = () => open(t, consul.url).list(never);
    return { ...consul, store, before, now, since: () => consul.asked.length - from };
  }

  test('is there when it is asked for, and the watch goes on', async (t) => {
    const { store, before, now, since, isReading, waits, put, asked } = await looking(t);
    await until('the search is at its end', () => isReading() && waits() === 1);
    const questions = since();
    const listing = await store.list(never, before);
    assert.equal(since(), questions, 'nothing is asked for again');
    const told = store.watch(listing.revision, never, confirm);
    assert.deepEqual(listing, await now());
    assert.equal(asked.filter(({ url }) => url.includes(`index=${listing.revision}`)).length, 1, 'the watch goes on');
    put('r0007');
    assert.deepEqual(await told, { kind: 'changed' });
    assert.deepEqual(await store.list(never, listing), await now());
  });

  test('is looked for again where the writer was not done', async (t) => {
    const { store, before, now, put, waits, isReading, holds } = await looking(t, { holds: true });
    await until('the search is at its end', () => isReading() && waits() === 1);
    const listed = store.list(never, before);
    // One that is read with the first, one that is not, and a key that is new.
    put('r0124', 'r0321', 'r0555');
    holds.resolve();
    assert.deepEqual(await listed, await now());
  });

  test('loses nothing that comes at any moment of it', async (t) => {
    const { store, before, now, put, waits } = await looking(t);
    let listing = before;
    for (let n = 0; n < 20; n++) {
      // One turn more each time, so that it comes at another moment of the look.
      for (let turns = n; turns > 0; turns--) await new Promise(setImmediate);
      put(`r0${100 + n}`, `new${n}`);
      listing = await store.list(never, listing);
      while (listing.revision !== (await now()).revision) {
        assert.deepEqual(await store.watch(listing.revision, never, confirm), { kind: 'changed' });
        store.lookAhead?.(listing);
        listing = await store.list(never, listing);
      }
      assert.deepEqual(listing, await now(), `change ${n}`);
      const word = store.watch(listing.revision, never, confirm);
      await until('the watch waits', () => waits() >= 1);
      put('r0123');
      await word;
      store.lookAhead?.(listing);
    }
  });

  test('is dropped with its watch when everything is asked for', async (t) => {
    const { store, now, waits, givenUp } = await looking(t);
    await until('the watch waits', () => waits() === 1);
    assert.deepEqual(await store.list(never), await now());
    await until('the watch is given up', () => givenUp() === 1);
  });

  test('is not looked for of few keys, behind a server that may be behind, or of another listing', async (t) => {
    for (const given of [{ count: 100 }, { consistency: 'stale' }] as const) {
      const { store, before, now, asked } = await looking(t, given);
      const listing = await now();
      assert.equal(watchesIn(asked), 1);
      assert.deepEqual((await store.list(never, before)).pieces, listing.pieces);
    }
    const consul = await consulOf(t, 500);
    const store = open(t, consul.url);
    const listing = await store.list(never);
    // Nothing was told, and then of another listing.
    store.lookAhead?.(listing);
    await store.watch('1', never, confirm);
    store.lookAhead?.({ ...listing });
    await open(t, consul.url).list(never);
    assert.equal(watchesIn(consul.asked), 1);
  });
});
