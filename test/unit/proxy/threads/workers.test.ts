/** Data-plane threads: started, swapped, replaced when they die, drained. */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Snapshot } from '#src/model/snapshot.ts';
import { CELL, DIALS_MAX, EVENTS_HEAD } from '#src/model/tallies.ts';
import { GRADE } from '#src/model/threads/load/saturation.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import type { AccessRecord } from '#src/model/threads/requests/access.ts';
import type { WorkersOptions } from '#src/proxy/threads/options.ts';
import { Workers } from '#src/proxy/threads/workers.ts';
import { duplicateSocket } from '#src/proxy/wire/duplicate.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { listenLoopback, type PlaneSketch, sketchSnapshot } from '../../../support/plane.ts';
import { answeringOf, askedOn, clientOf, eventually, GET, getOf, oneVersion } from '../../../support/proxy/running.ts';
import { sendAndClose } from '../../../support/raw.ts';

const FILE = new URL('../../../../src/compose/worker.ts', import.meta.url);

interface Group {
  readonly workers: Workers;
  readonly deaths: { id: number; cause: string }[];
}

function groupOf(t: TestContext, sketch: PlaneSketch, change: Partial<WorkersOptions> = {}): Group {
  const deaths: Group['deaths'] = [];
  const dials = new SharedArrayBuffer(DIALS_MAX * 4);
  new Int32Array(dials).fill(1);
  const workers = new Workers({
    file: FILE,
    count: 1,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    dials,
    endpointDials: createEndpointDials().buffer,
    latencyDials: createLatencyDials().buffer,
    standings: createStandings().buffer,
    snapshot: sketchSnapshot(sketch),
    died: (id, cause) => void deaths.push({ id, cause }),
    ...change,
  });
  t.after(() => workers.stop());
  return { workers, deaths };
}

function snapshotOf(sketch: PlaneSketch, revision: number): Snapshot {
  return sketchSnapshot(sketch, revision);
}

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

describe('workers', () => {
  it('share a port, serve, and count each for itself', async (t) => {
    const upstream = await answeringOf(t);
    const { workers } = groupOf(t, oneVersion(upstream.port), { count: 2 });
    const [port = 0] = await workers.start();
    for (let i = 0; i < 20; i++) assert.equal(await askedOn(clientOf(t, { port }), GET), 200);
    const counts = (): number[] => workers.regions().map(({ tallies }) => tallies.cells[CELL.finished] as number);
    assert.equal(counts().length, 2);
    await eventually(() => counts().reduce((a, b) => a + b, 0) === 20, 'twenty are counted');
    assert.deepEqual(
      workers.status(),
      [0, 1].map((id) => ({ id, state: 'serving', revision: 1, restarts: 0 })),
    );
  });

  it('link a new snapshot before its swap is over', async (t) => {
    const upstream = await answeringOf(t);
    const { workers } = groupOf(t, { routes: [] }, { count: 2 });
    const [port = 0] = await workers.start();
    assert.equal(await askedOn(clientOf(t, { port }), GET), 404);
    await workers.swap(snapshotOf(oneVersion(upstream.port), 2));
    assert.deepEqual(
      workers.status().map(({ revision }) => revision),
      [2, 2],
    );
    for (let i = 0; i < 10; i++) assert.equal(await askedOn(clientOf(t, { port }), GET), 200);
  });

  it('that swap twice at once end with the newest', async (t) => {
    const { workers } = groupOf(t, { routes: [] });
    await workers.start();
    await Promise.all([workers.swap(snapshotOf({ routes: [] }, 2)), workers.swap(snapshotOf({ routes: [] }, 3))]);
    assert.deepEqual(
      workers.status().map(({ revision }) => revision),
      [3],
    );
  });

  it('are over once drained', async (t) => {
    const { workers } = groupOf(t, { routes: [] });
    const [port = 0] = await workers.start();
    const client = clientOf(t, { port });
    await askedOn(client, GET);
    await workers.drain();
    await client.closed();
    assert.deepEqual(
      workers.status().map(({ state }) => state),
      ['gone'],
    );
  });
});

describe('sockets', { skip: process.platform === 'linux' ? false : 'needs descriptors' }, () => {
  it('that exist already are listened on, and go on when those who had them leave', async (t) => {
    const upstream = await answeringOf(t);
    const first = groupOf(t, oneVersion(upstream.port), { count: 2 }).workers;
    const [port = 0] = await first.start();
    const [fds = []] = first.sockets() ?? [];
    assert.equal(fds.length, 2);
    const duplicates = await Promise.all(fds.map(duplicateSocket));
    const hands = [duplicates];
    const second = groupOf(t, oneVersion(upstream.port), {
      listeners: [{ host: '127.0.0.1', port, sockets: () => Promise.resolve(hands.pop() ?? []) }],
    }).workers;
    await second.prepare();
    assert.equal(second.status()[0]?.state, 'starting', 'prepared is not yet listening');
    assert.deepEqual(await second.start(), [port]);
    const kept = clientOf(t, { port });
    assert.equal(await askedOn(kept, GET), 200);
    first.leave();
    for (let i = 0; i < 20; i++) assert.equal(await askedOn(clientOf(t, { port }), GET), 200);
    await first.drain();
    for (let i = 0; i < 20; i++) assert.equal(await askedOn(clientOf(t, { port }), GET), 200);
    const counted = (): number => second.regions()[0]?.tallies.cells[CELL.finished] ?? 0;
    await eventually(() => counted() >= 20, 'the second one has them');
  });
});

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

/** A worker that beats every 10 ms until, being the first one, it is told something: then it spins. */
const SPINNING = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    const events = new Int32Array(workerData.tallies.events);
    setInterval(() => Atomics.add(events, ${EVENTS_HEAD.beats}, 1), 10);
    parentPort.postMessage({ kind: 'linked', revision: 13 });
    parentPort.postMessage({ kind: 'listening', listeners: [{ port: 4711, fds: [] }] });
    parentPort.on('message', (message) => {
      if (workerData.id === 0 && message.kind !== 'stop') for (;;);
    });
  `)}`,
);

describe('a worker whose event loop hangs', () => {
  it('is ended, named and replaced; its sibling is left alone', { timeout: 30_000 }, async (t) => {
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: SPINNING, count: 2, hungMs: 400 });
    await workers.start();
    const [, sibling] = workers.regions();
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

  it('does not keep a drain from ending', { timeout: 30_000 }, async (t) => {
    const { workers, deaths } = groupOf(t, { routes: [] }, { file: SPINNING, hungMs: 200 });
    await workers.start();
    await workers.drain();
    assert.equal(deaths.length, 0);
  });

  it('is a real worker when it is not hung: it beats', async (t) => {
    const { workers } = groupOf(t, { routes: [] });
    await workers.start();
    const events = workers.regions()[0]?.tallies.events as Int32Array;
    await eventually(() => Atomics.load(events, EVENTS_HEAD.beats) >= 2, 'two beats');
  });
});

describe('a worker under pressure', () => {
  it('refuses, alone, and so does who takes its place; and takes all again when it is over', async (t) => {
    const { workers } = groupOf(t, { routes: [] });
    const [port = 0] = await workers.start();
    workers.press(0, GRADE.refusing, 0.95);
    const isRefused = async (): Promise<boolean> =>
      (await sendAndClose(port, getOf('/', 'Connection: close\r\n'))) === '';
    await eventually(isRefused, 'a connection is closed at once');
    workers.press(0, GRADE.normal, 0);
    await eventually(async () => !(await isRefused()), 'a connection is served');
  });

  it('makes a profile of itself', async (t) => {
    const { workers } = groupOf(t, { routes: [] });
    await workers.start();
    const bytes = await workers.profile(0, { kind: 'cpu', lengthMs: 30, bytesMax: 2 ** 24 });
    assert.ok('nodes' in JSON.parse(Buffer.from(bytes).toString()));
    await assert.rejects(workers.profile(0, { kind: 'heap', lengthMs: 10, bytesMax: 10 }), /more than the 10 allowed/);
    await assert.rejects(workers.profile(7, { kind: 'cpu', lengthMs: 10, bytesMax: 10 }), /worker 7 is gone/);
  });

  it('leaves nobody waiting for a profile when it dies', async (t) => {
    const { workers } = groupOf(t, { routes: [] }, { file: MORTAL });
    await workers.start();
    await assert.rejects(workers.profile(0, { kind: 'cpu', lengthMs: 10, bytesMax: 10 }), /ended|gone/);
  });
});

describe('the access log', () => {
  it('goes from the worker to whoever takes it, batch after batch, the last one when it drains', async (t) => {
    const upstream = await answeringOf(t);
    const records: AccessRecord[] = [];
    const sketch = { ...oneVersion(upstream.port), accessLog: { sampleRatio: 1 } };
    const { workers } = groupOf(t, sketch, { access: ({ records: more }) => void records.push(...more) });
    const [port = 0] = await workers.start();
    const client = clientOf(t, { port });
    // More batches than may wait for an answer.
    for (let n = 0; n < 6; n++) {
      await askedOn(client, getOf(`/${n}?secret`));
      await eventually(() => records.length === n + 1, 'it is flushed');
    }
    await askedOn(client, getOf('/last'));
    await workers.drain();
    assert.deepEqual(
      records.map((record) => record[8]),
      ['/0', '/1', '/2', '/3', '/4', '/5', '/last'],
    );
    const [, , ttfbMs, , traceId, address] = records[0] as AccessRecord;
    assert.ok(ttfbMs !== null && ttfbMs > 0 && traceId?.length === 32 && address === '127.0.0.1');
    const sentBytes = records.reduce((sum, record) => sum + (record[17] ?? 0), 0);
    assert.equal(sentBytes, client.received().length);
  });
});

describe('a port that cannot be had', () => {
  it('fails the start with a code and what to do', async (t) => {
    const taken = createServer();
    const port = await listenLoopback(taken);
    t.after(() => taken.close());
    const { workers } = groupOf(t, { routes: [] }, { listeners: [{ host: '127.0.0.1', port }] });
    await assert.rejects(workers.start(), {
      code: 'SLU_PORT_IN_USE',
      message: new RegExp(`127\\.0\\.0\\.1:${port} is in use`),
    });
  });
});
