/** What is kept of a worker thread. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { answerProfile, askProfile, failSlot, restartDelayMs, slotOf } from '#src/proxy/threads/slot.ts';

const NOBODY = null as unknown as Worker;

describe('the wait before a worker is replaced', () => {
  it('doubles with each early death in a row, up to 5 s', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 7, 8, 9, 1e6].map((deaths) => restartDelayMs(deaths)),
      [50, 50, 100, 200, 3200, 5000, 5000, 5000],
    );
  });
});

describe('a slot', () => {
  it('knows how often its worker was replaced', () => {
    const first = slotOf({ id: 3, worker: NOBODY, sent: 1 }, undefined);
    const second = slotOf({ id: 3, worker: NOBODY, sent: 2 }, { ...first, earlyDeaths: 2 });
    assert.deepEqual([first.restarts, second.restarts, second.earlyDeaths, second.state], [0, 1, 2, 'starting']);
  });

  it('tells whoever waits that its worker failed, and nobody else', async () => {
    const slot = slotOf({ id: 0, worker: NOBODY, sent: 1 }, undefined);
    failSlot(slot, new Error('gone'));
    await assert.rejects(slot.ready.promise, /gone/);
    await assert.rejects(slot.listening.promise, /gone/);
  });

  it('hands its profile to whoever asked last', async () => {
    const slot = slotOf({ id: 0, worker: NOBODY, sent: 1 }, undefined);
    answerProfile(slot, 'nobody asked');
    const first = askProfile(slot);
    const second = askProfile(slot);
    await assert.rejects(first, /another profile was asked for/);
    answerProfile(slot, new Uint8Array([7]));
    assert.deepEqual([...(await second)], [7]);
    const third = askProfile(slot);
    answerProfile(slot, 'it is too long');
    await assert.rejects(third, /it is too long/);
    const fourth = askProfile(slot);
    failSlot(slot, new Error('gone'));
    await assert.rejects(fourth, /gone/);
  });
});
