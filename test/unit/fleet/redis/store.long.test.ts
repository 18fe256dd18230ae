/** Locks and words in a real Redis. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Grant, Resource } from '#src/fleet/exchange.ts';
import type { Word } from '#src/fleet/order.ts';
import { type Link, openLink } from '#src/fleet/redis/link.ts';
import { RedisStore } from '#src/fleet/redis/store.ts';
import { until } from '../../../support/gateway.ts';
import { redisSettings } from '../../../support/stores/fleet/settings.ts';
import { cannotRun, REDIS, type StoreServer, startStore } from '../../../support/stores/server.ts';

const isText = (value: unknown): value is string => typeof value === 'string';
const SHOP = { tag: 'shop', name: 'g1' };
/** Longer than any server of this test is up. */
const TTL_MS = 3_600_000;
/** Shorter than a server has to be up before it gives a lock. */
const SHORT_MS = 900;

describe('a store in Redis', { skip: cannotRun(REDIS), timeout: 240_000 }, () => {
  let server: StoreServer;
  let link: Link;
  let store: RedisStore<string>;
  const heard: string[] = [];
  let keys = 0;
  const fresh = (): Resource => ({ tag: 'shop', name: `fresh${++keys}` });
  const openedWith = (timeoutMs: number): Promise<Link> =>
    openLink(redisSettings(Number(new URL(server.url).port), { timeoutMs }), {
      name: 'test',
      channels: ['sluice:edge:words'],
      message: (_channel, text) => void heard.push(text),
      failed: () => undefined,
    });
  /** Does again, with another resource, what took longer than its lock lasts: that ends by itself. */
  const whileHeld = async <T>(deeds: (one: Resource) => Promise<T>): Promise<T> => {
    for (;;) {
      const begunAtMs = performance.now();
      try {
        return await deeds(fresh());
      } catch (error) {
        if (performance.now() - begunAtMs < SHORT_MS) throw error;
      }
    }
  };

  before(async () => {
    server = await startStore(REDIS);
    link = await openedWith(60_000);
    store = new RedisStore(link, 'edge', isText);
  });

  // One of the tests starts the server anew, and they run in any order.
  beforeEach(async () => {
    await until('a server is old enough to give a lock', async () => {
      const grant = await store.acquire(fresh(), 'a', SHORT_MS).catch(() => null);
      return grant?.kind === 'held';
    });
  });

  after(async () => {
    link.close();
    await server.end();
  });

  const word = (token: number, changes: Partial<Word<string>> = {}): Word<string> => ({
    run: 0,
    isRolledBack: false,
    token,
    seq: 1,
    beganAtMs: 0,
    body: 'said',
    ...changes,
  });

  it('gives no lock while it may have forgotten one', async () => {
    const grant = await store.acquire(fresh(), 'a', TTL_MS);
    assert.equal(grant.kind === 'taken' && grant.owner === '' && grant.leftMs > 0 && grant.leftMs <= TTL_MS, true);
  });

  it('gives a lock to one, renews it, and gives it to another when it ended, with a greater token', async () => {
    const { one, first } = await whileHeld(async (one) => {
      const first = await store.acquire(one, 'a', SHORT_MS);
      assert.ok(first.kind === 'held');
      assert.deepEqual(await store.acquire(one, 'a', SHORT_MS), first);
      const refused = await store.acquire(one, 'b', SHORT_MS);
      assert.equal(refused.kind === 'taken' && refused.owner === 'a' && refused.leftMs <= SHORT_MS, true);
      await store.release(one, 'b');
      assert.equal((await store.acquire(one, 'b', SHORT_MS)).kind, 'taken', 'only its owner gives it back');
      return { one, first };
    });
    let second: Grant = first;
    await until('it ends by itself', async () => {
      second = await store.acquire(one, 'b', SHORT_MS);
      return second.kind === 'held';
    });
    assert.ok(second.kind === 'held' && second.token > first.token);
    await store.release(one, 'b');
    const third = await store.acquire(one, 'a', SHORT_MS);
    assert.ok(third.kind === 'held' && third.token > second.token);
  });

  it('keeps the words of who has the newest token, and tells them', async () => {
    const one = fresh();
    const grant = await store.acquire(one, 'a', SHORT_MS);
    const token = grant.kind === 'held' ? grant.token : 0;
    assert.deepEqual(await store.read([one, SHOP]), [null, null]);
    assert.equal(await store.put(one, word(token)), 'done');
    assert.equal(await store.put(one, word(token - 1, { seq: 9 })), 'fenced');
    assert.deepEqual(await store.read([SHOP, one]), [null, word(token)]);
    await until('it is heard', () => heard.some((text) => text.startsWith(`shop ${one.name} `)));
    assert.deepEqual(store.heard(heard.find((text) => text.includes(one.name)) as string), {
      resource: one,
      word: word(token),
    });
    assert.equal(store.heard('nonsense'), null);
    await store.release(one, 'a');
    const next = await store.acquire(one, 'b', SHORT_MS);
    assert.equal(await store.put(one, word(token, { seq: 2 })), 'fenced', 'whoever is late');
    assert.equal(await store.put(one, word(next.kind === 'held' ? next.token : 0)), 'done');
  });

  it('lets nothing but another run come after a rollback', async () => {
    const one = fresh();
    const grant = await store.acquire(one, 'a', SHORT_MS);
    const token = grant.kind === 'held' ? grant.token : 0;
    await store.markRolledBack(one, word(0, { isRolledBack: true, body: 'out' }));
    await store.markRolledBack(one, word(0, { isRolledBack: true, body: 'out again' }));
    assert.equal(await store.put(one, word(token)), 'rolled-back');
    assert.equal((await store.read([one]))[0]?.body, 'out');
    assert.equal(await store.put(one, word(token, { run: 1 })), 'done');
    assert.equal((await store.read([one]))[0]?.run, 1);
  });

  it('notes locks that are kept elsewhere: the same one has one token, a later one a greater one, an earlier one none', async () => {
    const { one, second } = await whileHeld(async (one) => {
      const first = await store.raise(one, 7, SHORT_MS);
      assert.ok(first !== null && first > 7);
      assert.equal(await store.raise(one, 7, SHORT_MS), first);
      assert.equal(await store.put(one, word(first)), 'done');
      const second = await store.raise(one, 9, SHORT_MS);
      assert.ok(second !== null && second > first);
      assert.equal(await store.put(one, word(first, { seq: 2 })), 'fenced', 'whoever is late');
      assert.equal(await store.put(one, word(second)), 'done');
      assert.equal(await store.raise(one, 7, SHORT_MS), null);
      return { one, second };
    });
    let third: number | null = null;
    // A store of locks that has lost its data begins with small tokens again.
    await until('the fence has ended', async () => {
      third = await store.raise(one, 1, SHORT_MS);
      return third !== null;
    });
    assert.ok(Number(third) > second);
  });

  it('gives every key a time to live, and keys of one thing lie together', async () => {
    const script =
      "local n = 0 for _, key in ipairs(KEYS) do if redis.call('PTTL', key) > 0 then n = n + 1 end end return n";
    await whileHeld(async (one) => {
      await store.acquire(one, 'a', SHORT_MS);
      await store.raise(one, 1, SHORT_MS);
      const names = ['lock', 'token', 'fence'].map((part) => `sluice:edge:{shop}:${one.name}:${part}`);
      assert.equal(await link.run(script, names, []), 3);
    });
  });

  it('goes on by itself when the server comes back, and nothing waits meanwhile', async (t) => {
    const impatient = await openedWith(500);
    t.after(() => impatient.close());
    const asked = new RedisStore(impatient, 'edge', isText);
    const isThere = async (): Promise<boolean> => (await asked.read([SHOP]).catch(() => null)) !== null;
    await until('it answers', isThere);
    server.freeze();
    const before = performance.now();
    await assert.rejects(asked.acquire(fresh(), 'a', SHORT_MS));
    assert.ok(performance.now() - before < 30_000);
    server.thaw();
    await until('it answers again', isThere);
    await server.kill();
    await assert.rejects(asked.read([SHOP]));
    await server.restart();
    await until('it answers again', isThere);
  });
});
