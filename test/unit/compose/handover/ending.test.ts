/** How a gateway ends: in one order, whoever asks. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ending } from '#src/compose/handover/ending.ts';

/** @param broken a step that fails @param finish when exchanges are over */
function rig(broken = '', finish: Promise<void> = Promise.resolve()) {
  const done: string[] = [];
  const step = async (name: string): Promise<void> => {
    done.push(name);
    if (name === broken) throw new Error(name);
  };
  const log = (event: string): void => void done.push(event);
  const restart = Promise.withResolvers<void>();
  const ending = new Ending({
    log: { info: log, warn: log, error: log },
    begun: (phase) => void done.push(phase),
    restart: { stop: () => step('stop restart').then(() => restart.promise) },
    configuration: { close: () => step('close configuration') },
    workers: () => ({ lameDuck: () => void done.push('lame duck'), drain: () => step('drain').then(() => finish) }),
    limits: () => ({ delayMs: 0, timeoutMs: 1 }),
    close: () => step('close'),
  });
  return { ending, done, restart };
}

const FINISHED = ['draining', 'close configuration', 'drain', 'drained', 'close'];
const ASKED = ['draining', 'lame duck', 'stop restart'];

describe('an end', () => {
  it('begins when the gateway serves, and happens once', async () => {
    const { ending, done, restart } = rig();
    restart.resolve();
    const drained = Promise.all([ending.drain(), ending.drain()]);
    await Promise.resolve();
    assert.deepEqual(done, []);
    ending.served();
    await drained;
    assert.deepEqual(done, [...ASKED, ...FINISHED]);
    assert.equal(await ending.closed, 0);
  });

  it('is one also when another process serves while it waits for a restart', async () => {
    const { ending, done, restart } = rig();
    ending.served();
    const drained = ending.drain();
    ending.leave();
    restart.resolve();
    await drained;
    assert.equal(await ending.closed, 0);
    assert.deepEqual(done, [...ASKED, ...FINISHED]);
  });

  it('does not wait for ever for exchanges', async () => {
    const { ending, done } = rig('', new Promise(() => undefined));
    ending.leave();
    assert.equal(await ending.closed, 0);
    assert.ok(done.includes('drain_timeout'));
    assert.equal(done[0], 'leaving');
  });

  it('that goes wrong is told, and ends a process that nobody needs any more', async () => {
    const left = rig('close');
    left.ending.leave();
    assert.equal(await left.ending.closed, 1);
    assert.equal(left.done.at(-1), 'drain_failed');
    const asked = rig('stop restart');
    asked.ending.served();
    asked.ending.drainAside('end it');
    await assert.rejects(asked.ending.drain(), /stop restart/);
    assert.equal(asked.done.at(-1), 'drain_failed');
  });
});
