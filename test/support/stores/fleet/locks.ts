/**
 * What every store of locks must do, tried on a real one.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#src/lib/random.ts';
import { SluiceError } from '#src/model/problem.ts';
import type { Grant, LockStore, Resource } from '#src/model/threads/fleet.ts';
import { until } from '../../gateway.ts';
import { cannotRun, type StoreKind, type StoreServer, startStore } from '../server.ts';

const CONTENDERS = 4;
const CONTEST_MS = 4000;
/** Of locks whose end nobody waits for: longer than a machine stands still. */
const HELD_MS = 60_000;
/** Longer than any store takes to end a lock whose holder is gone. */
const PATIENCE_MS = 90_000;
/** An exchange about a lock lasts at most 1.5 s: a store that has not answered so often answers no more. */
const ASKED_MOST = 40;
/** As in `src/fleet/share.ts`: what a holder counts on. */
const LEASE_SHARE = 0.9;

export interface LocksTested {
  readonly kind: StoreKind;
  readonly open: (url: string) => LockStore;
  /** The shortest time that the store keeps to. */
  readonly ttlMs: number;
}

/** What a holder counts on. */
interface Lease {
  readonly owner: string;
  readonly token: number;
  untilMs: number;
}

/**
 * The store, asked again when its answer did not come in time: so it is where a machine is slow. Whoever asks again for a lock
 * that it has been given has it under the same token, and gives it back once.
 */
function patient(store: LockStore): LockStore {
  const answered = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (let asked = 1; ; asked++) {
      try {
        return await ask();
      } catch (error) {
        const isAway = error instanceof SluiceError && error.code === 'SLU_SOURCE_UNAVAILABLE';
        if (!isAway || asked === ASKED_MOST) throw error;
      }
    }
  };
  return {
    acquire: (...wanted) => answered(() => store.acquire(...wanted)),
    release: (...given) => answered(() => store.release(...given)),
    close: () => store.close(),
  };
}

/** Takes down that somebody holds the lock, who may be the same as before; nobody else may count on it still. */
function note(held: Lease[], lease: Lease, seed: string): void {
  const last = held.at(-1);
  if (last?.owner === lease.owner && last.token === lease.token) held.pop();
  else if (last !== undefined) {
    assert.ok(performance.now() >= last.untilMs, `${lease.owner} beside ${last.owner}, ${seed}`);
    assert.ok(lease.token > last.token, seed);
  }
  held.push(lease);
}

/** Describes the locks of one kind of store. */
export function describeLocks({ kind, open, ttlMs }: LocksTested): void {
  describe(`locks in ${kind.binary}`, { skip: cannotRun(kind), timeout: 3 * PATIENCE_MS }, () => {
    let server: StoreServer;
    const stores: LockStore[] = [];
    let names = 0;
    const fresh = (): Resource => ({ tag: 'shop/ü %', name: `fresh${++names}` });
    const hasty = (): LockStore => {
      const store = open(server.url);
      stores.push(store);
      return store;
    };
    const process = (): LockStore => patient(hasty());

    before(async () => {
      server = await startStore(kind);
    });
    after(async () => {
      for (const store of stores) store.close();
      await server.end();
    });

    it('are given to one, renewed under the same token, and given back by their owner alone', async () => {
      const [here, there, one] = [process(), process(), fresh()];
      const first = await here.acquire(one, 'a', HELD_MS);
      assert.ok(first.kind === 'held' && Number.isSafeInteger(first.token) && first.token > 0);
      assert.deepEqual(await here.acquire(one, 'a', HELD_MS), first);
      const refused = await there.acquire(one, 'b', HELD_MS);
      assert.equal(refused.kind === 'taken' && refused.owner === 'a' && refused.leftMs > 0, true);
      await there.release(one, 'b');
      assert.equal((await there.acquire(one, 'b', HELD_MS)).kind, 'taken');
      await here.release(one, 'a');
      const second = await there.acquire(one, 'b', HELD_MS);
      assert.ok(second.kind === 'held' && second.token > first.token);
      assert.equal((await here.acquire(one, 'a', HELD_MS)).kind, 'taken');
      await there.release(one, 'b');
      await there.release(one, 'b');
    });

    it('that are asked for side by side are held and renewed each by itself', async () => {
      const [here, there, all] = [process(), process(), Array.from({ length: 7 }, fresh)];
      const ask = (store: LockStore, owner: string): Promise<Grant[]> =>
        Promise.all(all.map((one) => store.acquire(one, owner, HELD_MS)));
      const [third] = all.slice(3) as [Resource];
      assert.equal((await there.acquire(third, 'b', HELD_MS)).kind, 'held');
      const first = await ask(here, 'a');
      assert.deepEqual(
        first.map(({ kind }) => kind),
        all.map((one) => (one === third ? 'taken' : 'held')),
      );
      assert.deepEqual(await ask(here, 'a'), first);
      assert.deepEqual(await ask(here, 'a'), first);
      const held = (await ask(there, 'b')).map((grant) => grant.kind === 'held');
      assert.deepEqual(
        held,
        all.map((one) => one === third),
      );
      await Promise.all(all.map((one) => here.release(one, 'a')));
      assert.ok((await ask(there, 'b')).every(({ kind }) => kind === 'held'));
    });

    it('stay with their owner when another process speaks for it', async () => {
      const [here, there, stranger, one] = [process(), process(), process(), fresh()];
      const first = await here.acquire(one, 'rollout', HELD_MS);
      const second = await there.acquire(one, 'rollout', HELD_MS);
      assert.ok(first.kind === 'held' && second.kind === 'held' && second.token >= first.token);
      assert.equal((await stranger.acquire(one, 'other', HELD_MS)).kind, 'taken');
      assert.deepEqual(await there.acquire(one, 'rollout', HELD_MS), second);
      // A process that has never held it may give it back in the name of the owner.
      await stranger.release(one, 'rollout');
      assert.equal((await stranger.acquire(one, 'other', HELD_MS)).kind, 'held');
    });

    it('of a holder that is gone end by themselves, not before their time, and the next token is greater', async () => {
      const [here, there, one] = [process(), process(), fresh()];
      const askedMs = performance.now();
      const first = await here.acquire(one, 'a', ttlMs);
      assert.ok(first.kind === 'held');
      let next: Grant = first;
      const isFree = async (): Promise<boolean> => {
        next = await there.acquire(one, 'b', HELD_MS);
        return next.kind === 'held';
      };
      await until('it ends', isFree, PATIENCE_MS);
      assert.ok(performance.now() - askedMs >= ttlMs);
      assert.ok(next.kind === 'held' && next.token > first.token);
      assert.equal((await here.acquire(one, 'a', ttlMs)).kind, 'taken');
    });

    it('are never held by two, however many want them', async (t) => {
      const seed = Date.now() % 100_000;
      t.diagnostic(`seed ${seed}`);
      const [random, one] = [new Random(seed), fresh()];
      const held: Lease[] = [];
      const deadlineMs = performance.now() + CONTEST_MS;
      const contend = async (owner: string): Promise<void> => {
        const store = process();
        let lease: Lease = { owner, token: 0, untilMs: 0 };
        // Whoever gives the lock back counts on it no more.
        const leave = (): Promise<void> => {
          lease.untilMs = performance.now();
          return store.release(one, owner);
        };
        while (performance.now() < deadlineMs || new Set(held.map((one) => one.owner)).size < 2) {
          const askedMs = performance.now();
          const grant = await store.acquire(one, owner, ttlMs);
          if (grant.kind === 'held') {
            lease = { owner, token: grant.token, untilMs: askedMs + LEASE_SHARE * ttlMs };
            // Who hears of it only now has none.
            if (performance.now() >= lease.untilMs) continue;
            note(held, lease, `seed ${seed}`);
            await sleep(5 + random.nextFloat() * 20);
            if (random.nextFloat() < 0.5) await leave();
          } else await sleep(random.nextFloat() * 20);
        }
        await leave();
      };
      await Promise.all(Array.from({ length: CONTENDERS }, (_, n) => contend(`owner${n}`)));
      t.diagnostic(`${held.length} holders`);
    });

    it('are not given while the store is away, and nobody waits long', async () => {
      const [store, one] = [hasty(), fresh()];
      server.freeze();
      await assert.rejects(store.acquire(one, 'a', ttlMs), { code: 'SLU_SOURCE_UNAVAILABLE' });
      server.thaw();
      await until('it is given', async () => (await store.acquire(one, 'a', ttlMs).catch(() => null))?.kind === 'held');
    });
  });
}
