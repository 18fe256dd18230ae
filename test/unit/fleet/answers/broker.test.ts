/** What the broker does besides what holds always (test/property/fleet/answers.long.test.ts). */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Broker, DOWN_MS, LOCK_MS } from '#src/fleet/answers/broker.ts';
import type { FromBroker, StoredAnswer } from '#src/model/threads/answers/idempotency.ts';
import { SlowStore } from '../../../support/stores/fleet/answers.ts';

const TTL_MS = 60_000;
const WAIT_MS = 3000;
const CONFIG = { store: 'redis', entriesMax: 1000, bytesMax: 1e7, onStoreFailure: 'local' } as const;
const ANSWER: StoredAnswer = { status: 200, lines: 'x', body: new Uint8Array() };

it('while the store is frozen each gateway goes by what it knows, or refuses, and nobody waits for another', async () => {
  for (const policy of ['local', 'refuse'] as const) {
    let nowMs = 0;
    const store = new SlowStore(() => nowMs);
    const { shared, deliver } = store.of('g0');
    const changes: string[] = [];
    const config = { ...CONFIG, onStoreFailure: policy };
    const broker = new Broker(config, { nowMs: () => nowMs, changed: (mode) => changes.push(mode) });
    broker.configure(config, shared);
    const told: FromBroker[] = [];
    const client = broker.open((message) => told.push(message));
    const take = async (id: number, key: string): Promise<string | undefined> => {
      client.handle({ kind: 'take', take: { id, key, print: 'p', waitMs: WAIT_MS } });
      while (deliver()) for (let n = 0; n < 6; n++) await Promise.resolve();
      return told.find((message) => message.id === id)?.taken.kind;
    };
    store.isFrozen = true;
    assert.equal(await take(1, 'a'), policy === 'local' ? 'taken' : 'unavailable');
    assert.equal(broker.status.mode, 'local');
    client.handle({ kind: 'take', take: { id: 2, key: 'b', print: 'p', waitMs: 0 } });
    assert.equal(told.at(-1)?.taken.kind, policy === 'local' ? 'taken' : 'unavailable', 'for a while it is not asked');
    if (policy === 'local') {
      client.handle({
        kind: 'keep',
        id: 1,
        answer: ANSWER,
        ttlMs: TTL_MS,
      });
      deliver();
      assert.equal(await take(3, 'a'), 'answer');
    }
    store.isFrozen = false;
    nowMs += DOWN_MS;
    assert.equal(await take(4, 'c'), 'taken');
    assert.equal(broker.status.mode, 'shared');
    assert.deepEqual(changes, ['local', 'shared']);
  }
});

it('what began without the store is locked there when it answers again, and given back at its end', async () => {
  let nowMs = 0;
  const store = new SlowStore(() => nowMs);
  const gateway = (name: string) => {
    const { shared, deliver } = store.of(name);
    const broker = new Broker(CONFIG, { nowMs: () => nowMs, changed: () => undefined });
    broker.configure(CONFIG, shared);
    const told: string[] = [];
    const client = broker.open(({ taken }) => told.push(taken.kind));
    const settle = async (): Promise<void> => {
      while (deliver()) for (let n = 0; n < 6; n++) await Promise.resolve();
    };
    const take = async (id: number): Promise<void> => {
      client.handle({ kind: 'take', take: { id, key: 'a', print: 'p', waitMs: 0 } });
      await settle();
    };
    return { broker, client, told, settle, take };
  };
  const [one, two] = [gateway('g0'), gateway('g1')];
  store.isFrozen = true;
  await one.take(1);
  store.isFrozen = false;
  nowMs += LOCK_MS;
  one.broker.tick();
  await one.settle();
  await two.take(1);
  one.client.handle({ kind: 'release', id: 1 });
  await one.settle();
  await two.take(2);
  assert.deepEqual([one.told, two.told], [['taken'], ['conflict', 'taken']]);
});

it('a key that the store has given too late is given back', async () => {
  for (const policy of ['local', 'refuse'] as const) {
    const store = new SlowStore(() => 0);
    const { shared, deliver } = store.of('g0');
    const config = { ...CONFIG, onStoreFailure: policy };
    const broker = new Broker(config, { nowMs: () => 0, changed: () => undefined });
    broker.configure(config, shared);
    const client = broker.open(() => undefined);
    const settle = async (): Promise<void> => {
      while (deliver()) for (let n = 0; n < 6; n++) await Promise.resolve();
    };
    store.isLate = true;
    client.handle({ kind: 'take', take: { id: 1, key: 'a', print: 'p', waitMs: 0 } });
    await settle();
    client.handle({ kind: 'release', id: 1 });
    await settle();
    assert.deepEqual([...store.held.keys()], [], policy);
  }
});

it('no more keys are taken than answers may be kept', () => {
  const config = { ...CONFIG, store: 'memory', entriesMax: 2 } as const;
  const broker = new Broker(config, { nowMs: () => 0, changed: () => undefined });
  const told: FromBroker[] = [];
  const client = broker.open((message) => told.push(message));
  for (const id of [1, 2, 3]) client.handle({ kind: 'take', take: { id, key: `k${id}`, print: 'p', waitMs: 0 } });
  assert.deepEqual(
    told.map(({ taken }) => taken.kind),
    ['taken', 'taken', 'unavailable'],
  );
  client.handle({ kind: 'keep', id: 1, answer: ANSWER, ttlMs: TTL_MS });
  client.handle({ kind: 'take', take: { id: 4, key: 'k1', print: 'p', waitMs: 0 } });
  client.handle({ kind: 'take', take: { id: 5, key: 'k1', print: 'q', waitMs: 0 } });
  client.handle({ kind: 'take', take: { id: 6, key: 'k2', print: 'p', waitMs: 0 } });
  assert.deepEqual(
    told.slice(3).map(({ taken }) => taken.kind),
    ['answer', 'mismatch', 'conflict'],
  );
  client.close();
  const { running, counts } = broker.status;
  assert.deepEqual([running, counts.executed, counts.kept, counts.released], [0, 2, 1, 1]);
});
