import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '#src/fleet/exchange.ts';
import { FencedLocks } from '#src/fleet/redis/fenced.ts';

const SHOP = { tag: 'shop', name: 'g1' };

function rig(grant: Grant, raised: number | null) {
  const asked: unknown[] = [];
  const locks = {
    acquire: async (...question: unknown[]) => {
      asked.push(['acquire', ...question]);
      return grant;
    },
    release: async (...question: unknown[]) => void asked.push(['release', ...question]),
  };
  const raise = async (...question: unknown[]): Promise<number | null> => {
    asked.push(['raise', ...question]);
    return raised;
  };
  return { asked, locks: new FencedLocks(locks, { raise }) };
}

test('a lock counts under the token of its fence, noted for twice its time', async () => {
  const { asked, locks } = rig({ kind: 'held', token: 7 }, 1000);
  assert.deepEqual(await locks.acquire(SHOP, 'a', 3000), { kind: 'held', token: 1000 });
  assert.deepEqual(asked, [
    ['acquire', SHOP, 'a', 3000],
    ['raise', SHOP, 7, 6000],
  ]);
});

test('a lock that another has raises nothing, and one that is late does not count', async () => {
  const taken = { kind: 'taken', owner: 'b', leftMs: 5 } as const;
  const first = rig(taken, 1000);
  assert.deepEqual(await first.locks.acquire(SHOP, 'a', 3000), taken);
  assert.equal(first.asked.length, 1);
  const late = rig({ kind: 'held', token: 7 }, null);
  assert.deepEqual(await late.locks.acquire(SHOP, 'a', 3000), { kind: 'taken', owner: '', leftMs: 6000 });
});

test('it is given back where it is kept', async () => {
  const { asked, locks } = rig({ kind: 'held', token: 7 }, 1000);
  await locks.release(SHOP, 'a');
  assert.deepEqual(asked, [['release', SHOP, 'a']]);
});
