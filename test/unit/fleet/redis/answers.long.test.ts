/** Idempotency keys in a real Redis: one owner at a time, answers as they were, nothing for ever. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SharedKey } from '#src/fleet/answers/broker.ts';
import { RedisAnswers } from '#src/fleet/redis/answers.ts';
import { type Asking, openAsking } from '#src/fleet/redis/link.ts';
import { until } from '../../../support/gateway.ts';
import { redisSettings } from '../../../support/stores/fleet/settings.ts';
import { cannotRun, REDIS, type StoreServer, startStore } from '../../../support/stores/server.ts';

const LOCK_MS = 60_000;
const ANSWER = { status: 201, lines: 'HTTP/1.1 201 Cr\xe9\xe9\r\n', body: Uint8Array.from([0, 255, 128, 10]) };

describe('answers in Redis', { skip: cannotRun(REDIS), timeout: 240_000 }, () => {
  let server: StoreServer;
  let link: Asking;
  let one: RedisAnswers;
  let two: RedisAnswers;
  let keys = 0;
  const keyOf = (print = 'p', turn = 1): SharedKey => ({ key: `k${++keys}`, print, turn });

  before(async () => {
    server = await startStore(REDIS);
    const settings = redisSettings(Number(new URL(server.url).port), { timeoutMs: 60_000 });
    link = await openAsking(settings, { name: 'test', failed: () => undefined });
    one = new RedisAnswers(link, 'edge', 'one');
    two = new RedisAnswers(link, 'edge', 'two');
    await until('it answers', () =>
      one.release(keyOf()).then(
        () => true,
        () => false,
      ),
    );
  });

  after(async () => {
    link.close();
    await server.end();
  });

  it('a key is one gateway’s at a time, and what was kept is everybody’s', async () => {
    const key = keyOf();
    assert.deepEqual(await one.take(key, LOCK_MS), { kind: 'taken' });
    assert.deepEqual(await two.take(key, LOCK_MS), { kind: 'busy' });
    assert.deepEqual(await two.take({ ...key, print: 'q' }, LOCK_MS), { kind: 'mismatch' });
    await two.keep(key, { ...ANSWER, status: 500 }, LOCK_MS);
    await two.release(key);
    assert.deepEqual(await two.take(key, LOCK_MS), { kind: 'busy' }, 'who does not have it settles nothing');
    await one.keep(key, ANSWER, LOCK_MS);
    const taken = await two.take(key, LOCK_MS);
    assert.ok(taken.kind === 'answer' && taken.leftMs > 0 && taken.leftMs <= LOCK_MS);
    assert.deepEqual([taken.answer.status, taken.answer.lines], [ANSWER.status, ANSWER.lines]);
    assert.deepEqual([...taken.answer.body], [...ANSWER.body]);
    assert.equal(taken.answer.body.buffer.byteLength, ANSWER.body.length, 'in memory of its own');
    await one.release(key);
    assert.equal((await one.take(key, LOCK_MS)).kind, 'answer', 'an answer stays');
    assert.deepEqual(await one.take({ ...key, print: 'q' }, LOCK_MS), { kind: 'mismatch' });
  });

  it('what is released is free, by the turn that has it', async () => {
    const key = keyOf();
    await one.take(key, LOCK_MS);
    assert.deepEqual(await one.take({ ...key, turn: 2 }, LOCK_MS), { kind: 'taken' }, 'its own it takes again');
    await one.release(key);
    assert.deepEqual(await two.take(key, LOCK_MS), { kind: 'busy' }, 'an earlier turn is over');
    await one.release({ ...key, turn: 2 });
    assert.deepEqual(await two.take(key, LOCK_MS), { kind: 'taken' });
  });

  it('locks and answers end by themselves; what is renewed does not', async () => {
    const [ends, renewed, kept] = [keyOf(), keyOf(), keyOf()];
    await one.take(renewed, 300);
    await one.renew(renewed, LOCK_MS);
    await one.keep(kept, ANSWER, 50);
    await one.take(ends, 50);
    await until('it is free', async () => (await two.take(ends, LOCK_MS)).kind === 'taken');
    await until('it is over', async () => (await two.take(kept, LOCK_MS)).kind === 'taken');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(await two.take(renewed, LOCK_MS), { kind: 'busy' });
  });

  it('who renews has a key again that the store has lost, unless somebody else took it', async () => {
    const [lost, taken] = [keyOf(), keyOf()];
    await one.renew(lost, LOCK_MS);
    assert.deepEqual(await two.take(lost, LOCK_MS), { kind: 'busy' });
    assert.deepEqual(await two.take({ ...lost, print: 'q' }, LOCK_MS), { kind: 'mismatch' });
    await two.take(taken, LOCK_MS);
    await one.renew(taken, LOCK_MS);
    assert.deepEqual(await one.take(taken, LOCK_MS), { kind: 'busy' });
  });

  it('what was executed without the store is kept if nobody has the key', async () => {
    const key = keyOf();
    await one.keep(key, ANSWER, LOCK_MS);
    assert.equal((await two.take(key, LOCK_MS)).kind, 'answer');
  });

  it('a full database gets no new keys', async () => {
    await one.take(keyOf(), LOCK_MS);
    const full = new RedisAnswers(link, 'edge', 'one', 1);
    assert.deepEqual(await full.take(keyOf(), LOCK_MS), { kind: 'full' });
  });
});
