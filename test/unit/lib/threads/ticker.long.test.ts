/** What is done again and again: when, in which order, and what becomes of the others when one throws. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { TICK_MS, Ticker } from '#src/lib/threads/ticker.ts';

/** A ticker on timers and a clock that the test moves, and what its acts wrote down. */
function rig(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'setImmediate'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const ticker = new Ticker();
  const done: string[] = [];
  const every = (ticks: number, name: string) => ticker.every(ticks * TICK_MS, () => void done.push(name));
  /** What was done in each of the next ticks. @param lateMs how much later each comes */
  const ticks = (count: number, lateMs = 0): string[] =>
    Array.from({ length: count }, () => {
      done.length = 0;
      nowMs += TICK_MS + lateMs;
      t.mock.timers.tick(TICK_MS);
      return done.join('');
    });
  return { ticker, every, ticks };
}

describe('a ticker', () => {
  it('does each thing after so many ticks, and what is due at once in the order in which it was begun', (t) => {
    const { every, ticks } = rig(t);
    every(2, 'b');
    every(1, 'a');
    every(4, 'd');
    assert.deepEqual(ticks(8), ['a', 'ba', 'a', 'bad', 'a', 'ba', 'a', 'bad']);
  });

  it('counts from when something was begun', (t) => {
    const { every, ticks } = rig(t);
    every(2, 'a');
    ticks(1);
    every(2, 'b');
    assert.deepEqual(ticks(4), ['a', 'b', 'a', 'b']);
  });

  it('goes by the clock where ticks come late, and makes up for none', (t) => {
    const { every, ticks } = rig(t);
    every(5, 'a');
    assert.deepEqual(ticks(7, TICK_MS), ['', '', 'a', '', '', 'a', ''], '250 ms, in ticks of 100');
    assert.deepEqual(ticks(6, 5), ['', '', 'a', '', '', ''], '250 ms since 600, in ticks of 55 since 700');
    ticks(1, 20 * TICK_MS);
    assert.deepEqual(ticks(5), ['', '', '', '', 'a']);
  });

  it('has one timer, as long as there is something to do', (t) => {
    const { every, ticks } = rig(t);
    const [set, clear] = [t.mock.method(globalThis, 'setInterval'), t.mock.method(globalThis, 'clearInterval')];
    const counts = () => [set.mock.callCount(), clear.mock.callCount()];
    const ends = [every(1, 'a'), every(2, 'b')];
    assert.deepEqual(counts(), [1, 0]);
    ends[0]?.();
    assert.deepEqual(
      [ticks(2), counts()],
      [
        ['', 'b'],
        [1, 0],
      ],
    );
    ends[1]?.();
    ends[1]?.();
    assert.deepEqual(
      [ticks(2), counts()],
      [
        ['', ''],
        [1, 1],
      ],
    );
    every(1, 'c');
    assert.deepEqual([ticks(1), counts()], [['c'], [2, 1]]);
  });

  it('does nothing any more that was ended by what came before it in the same tick', (t) => {
    const { ticker, every, ticks } = rig(t);
    let end = (): void => undefined;
    ticker.every(TICK_MS, () => end());
    end = every(1, 'a');
    assert.deepEqual(ticks(2), ['', '']);
  });

  it('throws on what one throws, by itself, and the others have their turns', (t) => {
    const { ticker, every, ticks } = rig(t);
    const thrown: string[] = [];
    t.mock.method(globalThis, 'setImmediate', (act: () => void) => {
      assert.throws(act, ({ message }: Error) => thrown.push(message) > 0);
    });
    ticker.every(TICK_MS, () => {
      throw new Error('broken');
    });
    every(1, 'a');
    assert.deepEqual(
      [ticks(2), thrown],
      [
        ['a', 'a'],
        ['broken', 'broken'],
      ],
    );
  });

  it('takes multiples of its tick alone', () => {
    for (const ms of [0, -TICK_MS, TICK_MS + 1, Number.NaN]) {
      assert.throws(() => new Ticker().every(ms, () => undefined), /no ticks/);
    }
  });

  it('keeps no thread alive, but for what holds it, until that ends', async (t) => {
    const code = `
      import { every } from ${JSON.stringify(import.meta.resolve('#src/lib/threads/ticker.ts'))};
      every(50, () => undefined);
      let times = 0;
      const end = every(50, () => { if (++times === 3) end(); }, true);
      process.on('exit', () => { process.exitCode = 10 + times; });
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    t.after(() => worker.terminate());
    assert.deepEqual(await once(worker, 'exit'), [13]);
  });
});
