import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { APART_MS, FIRST_RESTS, FIRST_WORK_MS, Rests, WORK_MS } from '#src/lib/threads/rest.ts';

/** A thread of its own, as one that was told to rest does so ever after: what it waited for before it was told, and after. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const { rest, startResting } = await import(workerData);
const wait = Atomics.wait;
let waits = [];
Atomics.wait = (...terms) => {
  const result = wait(...terms);
  waits.push(result);
  return result;
};
for (let turn = 0; turn < 1000; turn++) rest();
const untold = waits;
waits = [];
const stop = startResting();
while (waits.length < 2) rest();
const told = waits;
stop();
waits = [];
for (let turn = 0; turn < 1000; turn++) rest();
parentPort.postMessage({ untold, told, stopped: waits });
`;

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
  test('rests once it has worked for long enough, and then works as long again, longer the longer it takes', () => {
    const { work, slept } = rig();
    for (let step = 0; step < 200; step++) work(WORK_MS / 10);
    const [first, later] = [FIRST_RESTS * 5, 200 - FIRST_RESTS * 4];
    assert.ok(slept.length >= FIRST_RESTS + Math.floor((200 - first) / 11), String(slept.length));
    assert.ok(slept.length <= FIRST_RESTS + Math.floor(later / 10), String(slept.length));
    for (const [n, atMs] of slept.entries()) {
      const workedMs = atMs - (slept[n - 1] ?? 5000);
      const wantedMs = n < FIRST_RESTS ? FIRST_WORK_MS : WORK_MS;
      assert.ok(workedMs >= wantedMs && workedMs < wantedMs + WORK_MS * 0.22, `${n}: ${workedMs}`);
    }
  });

  test('rests sooner again after a pause, as what follows may soon be done', () => {
    const { work, slept } = rig();
    for (let step = 0; step < 200; step++) work(WORK_MS / 10);
    const before = slept.length;
    work(APART_MS * 1.1);
    assert.equal(slept.length, before + 1);
    for (let step = 1; step < FIRST_RESTS; step++) work(FIRST_WORK_MS * 1.01);
    assert.equal(slept.length, before + FIRST_RESTS);
    work(FIRST_WORK_MS * 1.01);
    assert.equal(slept.length, before + FIRST_RESTS, 'then it takes long');
  });

  test('rests once after a step of any length', () => {
    const { work, slept } = rig();
    work(100 * WORK_MS);
    work(0);
    assert.equal(slept.length, 1);
  });

  test('stops nobody before it was told to rest nor after that has ended, and goes on after each rest', async () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`), {
      workerData: import.meta.resolve('#src/lib/threads/rest.ts'),
    });
    const [rests] = (await once(worker, 'message')) as [unknown];
    assert.deepEqual(rests, { untold: [], told: ['timed-out', 'timed-out'], stopped: [] });
  });
});
