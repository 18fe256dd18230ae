import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { within } from '#src/state/within.ts';

/** Nobody in this thread has a turn meanwhile. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A message of another thread, as far as this one can tell. */
function messageOf(t: TestContext): { send(): void; readonly came: Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  return { send: () => port1.postMessage('written'), came: once(port2, 'message').then(() => undefined) };
}

suite('within', () => {
  test('says whether a promise is fulfilled in time, and passes on what it is rejected with', async () => {
    assert.equal(await within(60_000, Promise.resolve()), true);
    assert.equal(await within(20, new Promise(() => undefined)), false);
    await assert.rejects(within(60_000, Promise.reject(new Error('no disk'))), /no disk/);
  });

  test('an answer that came while the process stood still is in time', async (t) => {
    const { send, came } = messageOf(t);
    const { promise: isInTime, resolve } = Promise.withResolvers<boolean>();
    // From here the loop goes on with timers that are due, and then looks for messages.
    setImmediate(() => {
      resolve(within(100, came));
      send();
      standStill(150);
    });
    assert.equal(await isInTime, true);
  });
});
