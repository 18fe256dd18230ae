/** Data-plane threads as the gateway starts them: swapped, handed on, pressed, drained. Each loads the whole data plane. */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { CELL, EVENTS_HEAD } from '#src/model/tallies.ts';
import { GRADE } from '#src/model/threads/load/saturation.ts';
import type { AccessRecord } from '#src/model/threads/requests/access.ts';
import { duplicateSocket } from '#src/proxy/wire/duplicate.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { answeringOf, askedOn, clientOf, eventually, GET, getOf, oneVersion } from '../../../support/proxy/running.ts';
import { groupOf, snapshotOf } from '../../../support/proxy/workers/group.ts';
import { sendAndClose } from '../../../support/raw.ts';

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

describe('a worker whose event loop hangs', () => {
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
    workers.commons.press(0, GRADE.refusing, 0.95);
    const isRefused = async (): Promise<boolean> =>
      (await sendAndClose(port, getOf('/', 'Connection: close\r\n'))) === '';
    await eventually(isRefused, 'a connection is closed at once');
    workers.commons.press(0, GRADE.normal, 0);
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
