/** Data-plane threads replaced when they die or hang, and left when they are drained; what real ones do is the long test's. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENTS_HEAD } from '#src/model/tallies.ts';
import { eventually, turningClock } from '../../../support/proxy/running.ts';
import { groupOf, snapshotOf } from '../../../support/proxy/workers/group.ts';

/**
 * A worker that listens to nothing but says so, acknowledges revision 1, takes no differences and dies when it is given the whole
 * of revision 13.
 */
const MORTAL = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    parentPort.postMessage({ kind: 'linked', revision: workerData.snapshot.revision });
    parentPort.postMessage({ kind: 'listening', listeners: [{ port: 4711, fds: [] }] });
    parentPort.on('message', (message) => {
      if (message.kind === 'change') return parentPort.postMessage({ kind: 'missed' });
      if (message.kind !== 'snapshot') process.exit(0);
      if (message.snapshot.revision === 13) throw new Error('unlucky');
      parentPort.postMessage({ kind: 'linked', revision: message.snapshot.revision });
    });
  `)}`,
);

describe('a worker that dies', () => {
  it('is replaced, with the newest snapshot and tallies of its own', async (t) => {
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: MORTAL });
    await workers.start();
    const before = workers.regions()[0];
    void workers.swap(snapshotOf({ routes: [] }, 13));
    await eventually(() => deaths.length === 1, 'it dies');
    assert.equal(deaths[0]?.id, 0);
    assert.match(deaths[0]?.cause ?? '', /unlucky/);
    await eventually(
      () => workers.status()[0]?.state === 'serving' && workers.status()[0]?.restarts === 1,
      'it is back',
    );
    assert.equal(workers.status()[0]?.revision, 13);
    const after = workers.regions()[0];
    assert.notEqual(after?.id, before?.id);
    assert.notEqual(after?.tallies, before?.tallies);
  });

  it('does not keep a swap from ending', async (t) => {
    const { workers } = groupOf(t, { routes: [] }, { file: MORTAL, count: 2 });
    await workers.start();
    await workers.swap(snapshotOf({ routes: [] }, 13));
    assert.ok(workers.status().every(({ state, revision }) => state !== 'serving' || revision === 13));
  });

  it('before it listens fails the start', async (t) => {
    const file = new URL(`data:text/javascript,throw new Error('stillborn')`);
    const { workers, deaths } = groupOf(t, { routes: [] }, { file });
    await assert.rejects(workers.start(), { code: 'SLU_WORKER_FAILED', message: /stillborn/ });
    assert.equal(deaths.length, 0);
  });

  it('while it drains is simply gone', async (t) => {
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: MORTAL });
    await workers.start();
    await workers.drain();
    assert.equal(deaths.length, 0);
  });
});

/** A worker that spins once it is told something, being the first one, and never beats itself. */
const SPINNING = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    parentPort.postMessage({ kind: 'linked', revision: 13 });
    parentPort.postMessage({ kind: 'listening', listeners: [{ port: 4711, fds: [] }] });
    parentPort.on('message', (message) => {
      if (workerData.id === 0 && message.kind !== 'stop') for (;;);
    });
  `)}`,
);

describe('a worker whose event loop hangs', () => {
  it('is ended, named and replaced; its sibling is left alone', { timeout: 120_000 }, async (t) => {
    turningClock(t);
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: SPINNING, count: 2, hungMs: 400 });
    await workers.start();
    const [spinning, sibling] = workers.regions();
    // By the hand that looks: on a busy machine a thread of its own may stand still for so long.
    const beating = setInterval(() => {
      for (const region of workers.regions()) {
        if (region !== spinning) Atomics.add(region.tallies.events, EVENTS_HEAD.beats, 1);
      }
    }, 10);
    t.after(() => clearInterval(beating));
    void workers.swap(snapshotOf({ routes: [] }, 13));
    await eventually(() => deaths.length > 0, 'it is ended');
    assert.deepEqual(deaths[0], { id: 0, cause: 'hung: its event loop stood still for 400 ms' });
    await eventually(() => workers.status()[0]?.state === 'serving', 'it is back');
    assert.deepEqual(
      workers.status().map(({ restarts }) => restarts),
      [1, 0],
    );
    assert.equal(workers.regions()[1], sibling);
  });

  it('does not keep a drain from ending', { timeout: 120_000 }, async (t) => {
    turningClock(t);
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: SPINNING, hungMs: 200 });
    await workers.start();
    await workers.drain();
    assert.equal(deaths.length, 0);
  });
});

describe('a worker under pressure', () => {
  it('leaves nobody waiting for a profile when it dies', async (t) => {
    const { workers } = groupOf(t, { routes: [] }, { file: MORTAL });
    await workers.start();
    await assert.rejects(workers.profile(0, { kind: 'cpu', lengthMs: 10, bytesMax: 10 }), /ended|gone/);
  });
});
