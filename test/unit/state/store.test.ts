import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lockDirectory } from '#src/state/lock.ts';
import { StateStore } from '#src/state/store.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { inFolder } from '../../support/state/folder.ts';
import { sampleRollout } from '../../support/state/log.ts';

/** A log whose events can be waited for. */
class Log extends EventEmitter {
  readonly events: string[] = [];
  readonly #note = (event: string, fields?: unknown): void => {
    this.events.push(event);
    this.emit(event, fields);
  };
  readonly info = this.#note;
  readonly warn = this.#note;
  readonly error = this.#note;
}

const budget = (byte: number) => ({ format: 1, bytes: new Uint8Array([byte]), at: '' });

async function opened(directory: string | null, more: { collect?: () => void; retryMs?: number } = {}) {
  const log = new Log();
  const store = new StateStore({ log, ...more });
  await store.open(directory);
  return { store, log };
}

describe('the store', () => {
  it('without a directory says once that it forgets, and takes everything', async () => {
    const { store, log } = await opened(null);
    assert.deepEqual(log.events, ['state_in_memory']);
    assert.deepEqual(store.health, { kind: 'memory' });
    store.append(sampleDecision(), null);
    store.saveBudgets(new Map([['a', budget(1)]]));
    await store.close();
    assert.deepEqual(log.events, ['state_in_memory']);
    assert.equal(store.loadBudgets().size, 0);
  });

  it('writes a decision at once, the rest when it closes, and finds it all again', () =>
    inFolder(async (folder) => {
      const { store, log } = await opened(folder, { collect: () => store.saveBudgets(new Map([['a', budget(7)]])) });
      const told = once(log, 'decision_recorded');
      store.append(sampleDecision({ id: 3 }), sampleRollout());
      store.saveRollouts([sampleRollout({ route: 'search' })]);
      const [fields] = (await told) as [{ seq: number; id: number; hash: string }];
      assert.deepEqual([fields.seq, fields.id, fields.hash.length], [1, 3, 64]);
      await store.close();
      await store.close();
      const again = (await opened(folder)).store;
      assert.deepEqual([...(again.loadBudgets().get('a')?.bytes ?? [])], [7]);
      assert.deepEqual(again.loadDecisions(), [sampleDecision({ id: 3 })]);
      assert.deepEqual(again.loadRollouts(), [sampleRollout(), sampleRollout({ route: 'search' })]);
      await again.close();
    }));

  it('goes on in memory while it cannot write, and writes everything when it can', () =>
    inFolder(async (folder) => {
      const lock = lockDirectory(folder);
      const { store, log } = await opened(folder, { retryMs: 5 });
      assert.equal(store.health.kind, 'unavailable');
      store.append(sampleDecision({ id: 1 }), null);
      store.append(sampleDecision({ id: 2 }), null);
      const recovered = once(log, 'state_recovered');
      lock.release();
      await recovered;
      assert.equal(store.health.kind, 'durable');
      await store.close();
      assert.deepEqual(
        log.events.filter((event) => event !== 'decision_recorded'),
        ['state_unavailable', 'state_recovered'],
      );
      const again = (await opened(folder)).store;
      assert.deepEqual(
        again.loadDecisions().map(({ id }) => id),
        [1, 2],
      );
      await again.close();
    }));

  it('says loudly that a damaged file was put aside', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'sluice.db'), 'x'.repeat(9999));
      const { store, log } = await opened(folder);
      assert.deepEqual(log.events, ['state_damaged']);
      await store.close();
    }));

  it('says what it could not save when it closes', () =>
    inFolder(async (folder) => {
      const lock = lockDirectory(folder);
      const { store, log } = await opened(folder);
      store.append(sampleDecision(), null);
      await store.close();
      assert.deepEqual(log.events, ['state_unavailable', 'state_unsaved']);
      assert.equal(store.lost, 0);
      lock.release();
    }));
});
