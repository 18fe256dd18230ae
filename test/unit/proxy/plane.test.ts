/** A data plane: what a snapshot swap changes at once, what it leaves alone, and how it ends. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import type { AccessBatch } from '#src/model/threads/requests/access.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import { brokeredOf, countingOf, postOf } from '../../support/http/brokered.ts';
import { readCell, sketchSnapshot } from '../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  heldOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { ALL } from '../../support/readings/traces/traced.ts';

describe('a swap', () => {
  it('is obeyed by the next request, on a connection that was open before', async (t) => {
    const [old, next] = [
      await upstreamOf(
        t,
        perHead((s) => s.write(OK)),
      ),
      await upstreamOf(
        t,
        perHead((s) => s.write(OK)),
      ),
    ];
    const plane = await planeOf(t, oneVersion(old.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    plane.swap(oneVersion(next.port));
    assert.equal(await askedOn(client, GET), 200);
    assert.equal(next.received.length, 1);
    plane.swap({ routes: [] });
    assert.equal(await askedOn(client, GET), 404);
  });

  it('leaves an exchange under way to the table it began with', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => paths.length === 1, 'the request');
    plane.swap({ routes: [] });
    answer(0);
    await client.until((text) => text.endsWith('ok'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(readCell(plane, FIRST_CELL).finished, 1);
  });

  it('keeps connections to endpoints that stay', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    for (let i = 0; i < 3; i++) {
      assert.equal(await askedOn(client, GET), 200);
      plane.swap(oneVersion(upstream.port));
    }
    assert.equal(endpointWord(plane, upstream.port, 'connects'), 1);
  });

  it('answers with the revision', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    assert.equal(plane.plane.swap(sketchSnapshot({ routes: [] }, 77)), 77);
  });

  it('changes limits and trust for what comes later', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    plane.swap({ ...oneVersion(upstream.port), limits: { requestLineBytesMax: 100 }, trustedProxies: ['127.0.0.1'] });
    client.send(getOf(`/${'x'.repeat(200)}`));
    assert.match(await client.closed(), /^HTTP\/1\.1 414 /);
    const second = clientOf(t, plane);
    assert.equal(await askedOn(second, getOf('/', 'X-Forwarded-For: 192.0.2.1\r\n')), 200);
    assert.match(upstream.received[0] as string, /X-Forwarded-For: 192\.0\.2\.1, 127\.0\.0\.1\r\n/);
  });
});

describe('an endpoint', () => {
  it('may be a name, whichever address it has first', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { routes: [] });
    const snapshot = sketchSnapshot(oneVersion(upstream.port), 2);
    plane.plane.swap({ ...snapshot, endpoints: [{ id: 1, host: 'localhost', port: upstream.port }] });
    Atomics.store(plane.dials, 1, 1);
    const client = clientOf(t, plane);
    for (let i = 0; i < 3; i++) assert.equal(await askedOn(client, GET), 200);
    assert.equal(upstream.sockets.length, 1);
  });

  it('whose name has no address is answered for with 502 dns_failed, also while the failure is believed', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const snapshot = sketchSnapshot(oneVersion(1), 2);
    // No name can hold a label of 64 characters: refused without asking anybody.
    plane.plane.swap({ ...snapshot, endpoints: [{ id: 1, host: `${'x'.repeat(64)}.invalid`, port: 1 }] });
    Atomics.store(plane.dials, 1, 1);
    const client = clientOf(t, plane);
    for (let i = 0; i < 3; i++) assert.equal(await askedOn(client, GET), 502);
    assert.match(client.received(), /Proxy-Status: sluice; error=dns_error\r\n/);
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.dnsFailed), 3);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [1]);
  });
});

describe('a dial', () => {
  it('moves the next request, without a swap', async (t) => {
    const [stable, canary] = [
      await upstreamOf(
        t,
        perHead((s) => s.write(OK)),
      ),
      await upstreamOf(
        t,
        perHead((s) => s.write(OK)),
      ),
    ];
    const versions = [
      { name: 'stable', ports: [stable.port], weight: 1 },
      { name: 'canary', ports: [canary.port], weight: 0 },
    ];
    const plane = await planeOf(t, { routes: [{ versions }] });
    const client = clientOf(t, plane);
    for (let i = 0; i < 5; i++) await askedOn(client, GET);
    assert.deepEqual([plane.count(FIRST_CELL, CELL.finished), plane.count(SECOND_CELL, CELL.finished)], [5, 0]);
    Atomics.store(plane.dials, 1, 0);
    Atomics.store(plane.dials, 2, 1);
    for (let i = 0; i < 5; i++) await askedOn(client, GET);
    assert.deepEqual([plane.count(FIRST_CELL, CELL.finished), plane.count(SECOND_CELL, CELL.finished)], [5, 5]);
  });
});

describe('the access log', () => {
  it('is handed over by turns, however few its records are', async (t) => {
    const upstream = await answeringOf(t);
    const batches: AccessBatch[] = [];
    const accessLog = { sampleRatio: 1 };
    const writeAccess = (batch: AccessBatch) => void batches.push(batch);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), accessLog, writeAccess });
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => batches.length > 0, 'a batch is handed over');
    assert.deepEqual(
      batches.flatMap(({ records }) => records.map((record) => record[9])),
      [200],
    );
  });
});

describe('the end', () => {
  it('by destroy takes every connection with it and counts each exchange', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const clients = [clientOf(t, plane), clientOf(t, plane), clientOf(t, plane)];
    for (const client of clients.slice(1)) client.send(GET);
    await eventually(() => upstream.received.filter((text) => text.endsWith('\r\n\r\n')).length === 2, 'two requests');
    plane.plane.destroy();
    for (const client of clients) assert.equal(await client.closed(), '');
    for (const socket of upstream.sockets) await closedSocket(socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(readCell(plane, FIRST_CELL).ignored, 2);
  });

  it('by destroy logs and traces what went on without its client', async (t) => {
    const upstream = await countingOf(t, () => undefined);
    const batches: AccessBatch[] = [];
    const accessLog = { sampleRatio: 1 };
    const sketch = { accessLog, tracing: ALL, writeAccess: (batch: AccessBatch) => void batches.push(batch) };
    const plane = await brokeredOf(t, upstream.port, {}, { sketch });
    let rows = 0;
    plane.plane.tracer.connect((batch) => (rows += batch.rows.length));
    clientOf(t, plane).send(postOf('k'));
    await eventually(() => upstream.bodies.length === 1, 'it is executed');
    plane.plane.destroy();
    assert.deepEqual([batches.flatMap(({ records }) => records).length, rows], [1, 1]);
  });

  it('by drain leaves no timer and no socket behind', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    await askedOn(client, GET);
    await plane.plane.drain();
    await closedSocket(upstream.sockets[0] as Socket);
    assert.equal(endpointWord(plane, upstream.port, 'open'), 0);
    assert.equal(plane.plane.listener.connections, 0);
  });
});

describe('a request under a rollout that hangs', () => {
  it('is known to be slow while it hangs, once for each threshold', async (t) => {
    const sockets: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket) => sockets.push(socket)),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const ms = [1, 2, 3, 4, 5, 600_000];
    setLatency(plane.latencyDials, 0, { sinceMs: 0, atEndMs: ms, inFlightMs: ms });
    const client = clientOf(t, plane);
    client.send(GET);
    const exceeded = (): number[] => ms.map((_, k) => plane.count(FIRST_CELL, CELL.thresholds + k));
    await eventually(() => exceeded()[4] === 1 && sockets.length === 1, 'the sweep');
    assert.equal(readCell(plane, FIRST_CELL).inFlight, 1);
    sockets[0]?.write(OK);
    await eventually(() => readCell(plane, FIRST_CELL).finished === 1, 'the answer');
    assert.deepEqual(exceeded(), [1, 1, 1, 1, 1, 0]);
    assert.equal(plane.count(FIRST_CELL, CELL.levels + 5), 1);
  });
});
