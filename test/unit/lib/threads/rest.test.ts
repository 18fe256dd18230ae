import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Rests, rest, startResting, WORK_MS } from '#src/lib/threads/rest.ts';

/** Rests on a clock that the test moves. */
function rig() {
  let nowMs = 5000;
  const slept: number[] = [];
  const sleep = (ms: number): void => {
    slept.push(nowMs);
    nowMs += ms;
  };
  const rests = new Rests(() => nowMs, sleep);
  const work = (ms: number): void => {
    nowMs += ms;
    rests.take();
  };
  return { work, slept };
}

suite('a thread in long work', () => {
  test('rests once it has worked for long enough, and then works as long again', () => {
    const { work, slept } = rig();
    for (let step = 0; step < 100; step++) work(WORK_MS / 10);
    assert.ok(slept.length === 9 || slept.length === 10, String(slept.length));
    for (const [n, atMs] of slept.entries()) {
      const workedMs = atMs - (slept[n - 1] ?? 5000);
      assert.ok(workedMs >= WORK_MS && workedMs < WORK_MS * 1.3, String(workedMs));
    }
  });

  test('rests once after a step of any length', () => {
    const { work, slept } = rig();
    work(100 * WORK_MS);
    work(0);
    assert.equal(slept.length, 1);
  });

  test('stops nobody before it was told to rest, and goes on after each rest', (t) => {
    const spied = t.mock.method(Atomics, 'wait');
    for (let turn = 0; turn < 1000; turn++) rest();
    assert.equal(spied.mock.callCount(), 0);
    startResting();
    while (spied.mock.callCount() < 2) rest();
    assert.deepEqual(
      spied.mock.calls.map(({ result }) => result),
      ['timed-out', 'timed-out'],
    );
  });
});
