import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { lockDirectory } from '#src/state/lock.ts';
import { FLUSH_MS, RETRY_MS, type StateOptions, StateStore, WRITE_MS } from '#src/state/store.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { WAITS } from '../../support/runner/depth.ts';
import { inFolder } from '../../support/state/folder.ts';
import { sampleRollout } from '../../support/state/log.ts';
import { withoutThreads } from '../../support/state/threads.ts';

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

async function opened(directory: string | null, more: Partial<StateOptions> = {}) {
  const log = new Log();
  const store = new StateStore({ log, wallTime: () => '2026-01-01T00:00:00.000Z', ...more });
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
    assert.equal(store.loaded.budgets.size, 0);
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
      assert.deepEqual([...(again.loaded.budgets.get('a')?.bytes ?? [])], [7]);
      assert.deepEqual(again.loaded.decisions, [sampleDecision({ id: 3 })]);
      assert.deepEqual(again.loaded.rollouts, [sampleRollout(), sampleRollout({ route: 'search' })]);
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
        again.loaded.decisions.map(({ id }) => id),
        [1, 2],
      );
      await again.close();
    }));

  it('adds to what a file held that opens too late, and never puts what it has in its place', () =>
    inFolder(async (folder) => {
      const before = (await opened(folder)).store;
      before.append(sampleDecision({ id: 1 }), sampleRollout());
      before.saveBudgets(new Map([['a', budget(7)]]));
      await before.close();

      const told: [number | undefined, boolean][] = [];
      const late: StateOptions['late'] = ({ budgets }, isOwn) => {
        const byte = budgets.get('a')?.bytes[0];
        told.push([byte, isOwn]);
        store.saveBudgets(new Map([['a', budget((byte ?? 0) + 1)]]));
      };
      const { store, log } = await opened(folder, { openMs: 0, retryMs: 5, late });
      const recovered = once(log, 'state_recovered');
      assert.equal(store.status.kind, 'unavailable');
      assert.match(store.status.because, /did not open within 0 ms/);
      store.saveBudgets(new Map([['a', budget(1)]]));
      store.append(sampleDecision({ id: 2 }), sampleRollout({ generation: 'too early to be known' }));
      assert.equal(store.status.rowsPending, 3);
      await recovered;
      assert.deepEqual(told, [[7, true]]);
      await store.close();
      const again = (await opened(folder)).store;
      const { loaded } = again;
      await again.close();
      assert.equal(loaded.budgets.get('a')?.bytes[0], 8);
      assert.deepEqual(loaded.rollouts, [sampleRollout()]);
      assert.deepEqual(
        loaded.decisions.map(({ id }) => id),
        [1, 2],
      );
    }));

  it('says that a write hangs, keeps what comes meanwhile, and writes it once the disk answers', WAITS, (t) =>
    inFolder(async (folder) => {
      const { store, log } = await opened(folder, { writeMs: 0, retryMs: 5 });
      const send = Worker.prototype.postMessage;
      const held: (() => void)[] = [];
      const hanging = t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, ...args: [unknown]) {
        held.push(() => send.apply(this, args));
      });
      const failed = once(log, 'state_unavailable');
      store.append(sampleDecision({ id: 1 }), null);
      const [{ because }] = (await failed) as [{ because: string }];
      assert.equal(because, 'it has not answered for a write within 0 ms');
      assert.equal(store.status.kind, 'unavailable');
      store.append(sampleDecision({ id: 2 }), null);
      assert.deepEqual([store.status.rowsPending, held.length], [2, 1]);
      hanging.mock.restore();
      const recovered = once(log, 'state_recovered');
      held[0]?.();
      await recovered;
      await store.close();
      assert.equal(log.events.filter((event) => event === 'state_unavailable').length, 1);
      const again = (await opened(folder)).store;
      await again.close();
      assert.deepEqual(
        again.loaded.decisions.map(({ id }) => id),
        [1, 2],
      );
    }),
  );

  it('counts turns while a write is under way: that the process stood still says nothing of the disk', (t) =>
    inFolder(async (folder) => {
      t.mock.timers.enable({ apis: ['setInterval'] });
      const { store, log } = await opened(folder);
      const written = once(log, 'decision_recorded');
      store.append(sampleDecision(), null);
      const now = performance.now.bind(performance);
      const stoodStill = t.mock.method(performance, 'now', () => now() + 10 * WRITE_MS);
      t.mock.timers.tick(FLUSH_MS);
      assert.equal(store.status.kind, 'durable');
      await written;
      stoodStill.mock.restore();
      const hanging = t.mock.method(Worker.prototype, 'postMessage', () => undefined);
      store.append(sampleDecision(), null);
      for (let ms = FLUSH_MS; ms <= WRITE_MS; ms += FLUSH_MS) t.mock.timers.tick(FLUSH_MS);
      assert.equal(store.status.kind, 'durable');
      t.mock.timers.tick(FLUSH_MS);
      assert.deepEqual(log.events, ['decision_recorded', 'state_unavailable']);
      hanging.mock.restore();
      await store.close();
    }));

  it('goes on in memory while no thread can be made, and tries again until there is one', (t) =>
    inFolder(async (folder) => {
      const first = withoutThreads(t);
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const { store, log } = await opened(folder);
      assert.match(store.status.because, /EAGAIN/);
      t.mock.timers.tick(RETRY_MS);
      t.mock.timers.tick(RETRY_MS);
      first();
      const recovered = once(log, 'state_recovered');
      t.mock.timers.tick(RETRY_MS);
      await recovered;
      t.mock.timers.reset();
      await store.close();
      assert.deepEqual(log.events, ['state_unavailable', 'state_recovered']);
    }));

  it('says when it ends that a write hangs which may not be done', WAITS, (t) =>
    inFolder(async (folder) => {
      const { store, log } = await opened(folder);
      const hanging = t.mock.method(Worker.prototype, 'postMessage', () => undefined);
      store.append(sampleDecision({ id: 1 }), null);
      const closed = store.close();
      await once(log, 'state_unsaved');
      hanging.mock.restore();
      await closed;
    }),
  );

  it('does not wait for ever for a thread that does not end', WAITS, (t) =>
    inFolder(async (folder) => {
      const { store, log } = await opened(folder);
      const ends = t.mock.method(Worker.prototype, 'terminate', () => new Promise<number>(() => undefined));
      const hanging = t.mock.method(Worker.prototype, 'postMessage', () => undefined);
      await store.close();
      assert.deepEqual(log.events, ['state_hangs']);
      const [{ this: thread }] = ends.mock.calls as unknown as [{ this: Worker }];
      for (const mocked of [ends, hanging]) mocked.mock.restore();
      await thread.terminate();
    }),
  );

  it('tells how it stands: what waits, when all was written, how large the file is', () =>
    inFolder(async (folder) => {
      const { store, log } = await opened(folder);
      const { flushedAt, fileBytes, kind, directory, rowsPending } = store.status;
      assert.deepEqual([flushedAt, kind, directory, rowsPending], [null, 'durable', folder, 0]);
      assert.ok((fileBytes ?? 0) > 4096);
      const told = once(log, 'decision_recorded');
      store.append(sampleDecision(), null);
      assert.equal(store.status.rowsPending, 1);
      await told;
      assert.deepEqual([store.status.flushedAt, store.status.rowsPending], ['2026-01-01T00:00:00.000Z', 0]);
      await store.close();
      const memory = (await opened(null)).store.status;
      assert.deepEqual([memory.kind, memory.directory, memory.fileBytes], ['memory', null, null]);
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
      assert.equal(store.status.decisionsLost, 0);
      lock.release();
    }));
});
