import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause } from '#src/sources/stores/pause.ts';

test('a pause ends, and leaves nothing on its signal', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { signal } = new AbortController();
  for (let i = 0; i < 100; i++) {
    const over = pause(1000, signal);
    t.mock.timers.tick(1000);
    await over;
  }
  // A hundred listeners would have been warned of.
  const { getEventListeners } = await import('node:events');
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a pause that is aborted is never over', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const isEarly of [true, false]) {
    const controller = new AbortController();
    if (isEarly) controller.abort();
    let isOver = false;
    void pause(10, controller.signal).then(() => (isOver = true));
    controller.abort();
    t.mock.timers.tick(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
  }
});
