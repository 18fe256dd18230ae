import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SLICE_MS, Slices } from '#src/export/exposition/slices.ts';
import { nowMs } from '#src/lib/clock.ts';

/** Keeps the thread busy. */
function work(ms: number): void {
  const endMs = nowMs() + ms;
  while (nowMs() < endMs);
}

suite('slices', () => {
  test('others have their turns between slices', async () => {
    const slices = new Slices();
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const items = await slices.all(
      (function* () {
        for (let n = 0; n < 160; n++) {
          work(SLICE_MS / 16);
          yield n;
        }
      })(),
      Number.POSITIVE_INFINITY,
    );
    isDone = true;
    assert.deepEqual(
      items,
      Array.from({ length: 160 }, (_, n) => n),
    );
    // Ten slices' worth of work; a busy machine makes more of them.
    assert.ok(turns >= 9, `${turns} turns`);
  });

  test('a turn has one slice, however many ask', async () => {
    const slices = new Slices();
    const order: string[] = [];
    const asked = ['a', 'b', 'c'].map(async (name) => {
      await slices.next();
      order.push(name);
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          order.push(`turn after ${name}`);
          resolve();
        });
      });
    });
    await Promise.all(asked);
    assert.deepEqual(order, ['a', 'turn after a', 'b', 'turn after b', 'c', 'turn after c']);
  });

  test('the thread rests four times as long as it worked, unless there is no time, or it waited itself', async (t) => {
    let atMs = 0;
    const rests: number[] = [];
    t.mock.method(performance, 'now', () => atMs);
    t.mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => {
      rests.push(Math.round(ms * 1e6) / 1e6);
      atMs += ms;
      setImmediate(run);
    });
    const slices = new Slices();
    const after = async (workedMs: number, hurries = false): Promise<number[]> => {
      atMs += workedMs;
      await slices.next(hurries);
      return rests.splice(0);
    };
    assert.deepEqual(await after(0), [], 'whoever comes first waits for nobody');
    assert.deepEqual(await after(1), [4]);
    assert.deepEqual(await after(2), [8]);
    assert.deepEqual(await after(0.2), [], 'no timer is so short');
    assert.deepEqual(await after(1, true), []);
    assert.deepEqual(await after(12), [8], 'of a long while a part counts as work');
    assert.deepEqual(await after(21), []);
    const items = Array.from({ length: 64 }, (_, n) => n);
    const visit = (): void => {
      atMs += 0.1;
    };
    await after(0, true);
    const hurriesAtMs = nowMs() + 2;
    await slices.each(items, visit, hurriesAtMs);
    assert.equal(rests.splice(0).length, 1, 'a reading that took long rests no more');
    await slices.each(items, visit, hurriesAtMs);
    assert.deepEqual(rests, []);
  });

  test('a slice is over after its time, and the next one is not', async () => {
    const slices = new Slices();
    assert.equal(slices.isOver, true);
    await slices.next();
    work(SLICE_MS);
    assert.equal(slices.isOver, true);
  });

  test('what taking an item throws is told, and the next one can go on', async () => {
    const slices = new Slices();
    const broken = (function* (): Generator<number> {
      yield 1;
      throw new Error('no traffic');
    })();
    await assert.rejects(slices.all(broken, 0), /no traffic/);
    assert.deepEqual(await slices.all([1, 2], 0), [1, 2]);
  });
});
