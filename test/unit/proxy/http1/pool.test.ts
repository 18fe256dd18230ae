/** Connections to one endpoint: the newest first, a bounded number, a bounded queue in order of arrival. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { readCell, type TestPlane } from '../../../support/plane.ts';
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
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  turningClock,
} from '../../../support/proxy/running.ts';
import { type RawClient, rawClient, statusesOf } from '../../../support/raw.ts';

/** Clients whose requests `/first…` are all in flight or waiting; sent one after another. */
async function inLine(t: TestContext, plane: TestPlane, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let n = 0; n < count; n++) {
    const client = clientOf(t, plane);
    clients.push(client);
    client.send(getOf(`/${n}`));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === n + 1, `request ${n} is under way`);
  }
  return clients;
}

describe('connections', () => {
  it('are opened as exchanges need them, and the last used is used next', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const clients = await inLine(t, plane, 3);
    await eventually(() => paths.length === 3, 'three requests');
    for (const n of [0, 2, 1]) {
      answer(n);
      await eventually(
        () => statusesOf((clients[Number(paths[n]?.slice(1))] as RawClient).received()).length === 1,
        'an answer',
      );
    }
    const newest = upstream.received.findIndex((text) => text.includes(`GET ${paths[1]} `));
    const client = clientOf(t, plane);
    client.send(getOf('/next'));
    await eventually(() => paths.length === 4, 'the next request');
    assert.match(upstream.received[newest] as string, /GET \/next /);
    assert.equal(upstream.sockets.length, 3);
  });

  it('are at most so many, and who waits is served in order of arrival', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { endpointConnectionsMax: 1 } });
    const clients = await inLine(t, plane, 4);
    for (let n = 0; n < 4; n++) {
      await eventually(() => paths.length === n + 1, `request ${n}`);
      assert.equal(paths[n], `/${n}`);
      answer(n);
      await clients[n]?.until((text) => text.endsWith('ok'));
    }
    assert.equal(upstream.sockets.length, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('that break while others wait are replaced', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { endpointConnectionsMax: 1 } });
    const clients = await inLine(t, plane, 2);
    await eventually(() => paths.length === 1, 'the first request');
    clients[0]?.socket.destroy();
    await eventually(() => paths.length === 2, 'the second request');
    answer(1);
    await clients[1]?.until((text) => text.endsWith('ok'));
    assert.equal(upstream.sockets.length, 2);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});

describe('the queue', () => {
  it('refuses with 503 when it is full, and the others are served', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const limits = { endpointConnectionsMax: 1, endpointPendingMax: 1 };
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits });
    const clients = await inLine(t, plane, 2);
    const refused = clientOf(t, plane);
    assert.equal(await askedOn(refused, GET), 503);
    assert.match(refused.received(), /Retry-After: 1\r\n/);
    assert.match(refused.received(), /error=connection_limit_reached/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.shed), 1);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0, 'not the version’s fault');
    assert.equal(readCell(plane, ROUTE_CELL).bad, 1, 'but the route’s users saw it');
    for (const n of [0, 1]) {
      await eventually(() => paths.length === n + 1, `request ${n}`);
      answer(n);
      await clients[n]?.until((text) => text.endsWith('ok'));
    }
  });

  it('is left by a client that goes away', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const limits = { endpointConnectionsMax: 1, endpointPendingMax: 1 };
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits });
    const clients = await inLine(t, plane, 2);
    clients[1]?.socket.destroy();
    await eventually(() => readCell(plane, FIRST_CELL).ignored === 1, 'the second left');
    const third = clientOf(t, plane);
    third.send(getOf('/third'));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 2, 'the third waits');
    answer(0);
    await eventually(() => paths.length === 2, 'the next request');
    assert.equal(paths[1], '/third');
    answer(1);
    await third.until((text) => text.endsWith('ok'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('is left with 503 after the time to wait', async (t) => {
    turningClock(t);
    const { upstream } = await heldOf(t);
    const plane = await planeOf(t, {
      ...oneVersion(upstream.port),
      limits: { endpointConnectionsMax: 1 },
      timeouts: { pendingMs: 100, connectMs: 100 },
    });
    const clients = await inLine(t, plane, 2);
    const received = await (clients[1] as RawClient).until((text) => text.includes('}\n'));
    assert.deepEqual(statusesOf(received), [503]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.shed), 1);
    assert.equal(readCell(plane, FIRST_CELL).inFlight, 1, 'the first goes on');
  });

  it('is not waited in longer because connecting may take long', async (t) => {
    turningClock(t);
    const { upstream } = await heldOf(t);
    const plane = await planeOf(t, {
      ...oneVersion(upstream.port),
      limits: { endpointConnectionsMax: 1 },
      timeouts: { pendingMs: 100, connectMs: 60_000 },
    });
    const clients = await inLine(t, plane, 2);
    const received = await (clients[1] as RawClient).until((text) => text.includes('}\n'));
    assert.deepEqual(statusesOf(received), [503]);
  });
});

describe('an endpoint that leaves the configuration', () => {
  it('closes its idle connections at once and busy ones after their exchange', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const other = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { upstreamIdleMs: 600_000 } });
    const clients = await inLine(t, plane, 2);
    await eventually(() => paths.length === 2, 'two requests');
    answer(0);
    await eventually(() => endpointWord(plane, upstream.port, 'finished') === 1, 'the first is answered');
    plane.swap(oneVersion(other.port));
    const idle = upstream.received.findIndex((text) => text.includes(`GET ${paths[0]} `));
    await closedSocket(upstream.sockets[idle] as Socket);
    answer(1);
    await closedSocket(upstream.sockets[1 - idle] as Socket);
    await eventually(() => clients.every((client) => statusesOf(client.received()).length === 1), 'both are answered');
    const last = rawClient(plane.port);
    t.after(() => last.socket.destroy());
    assert.equal(await askedOn(last, GET), 200);
    assert.match(other.received[0] as string, /^GET/);
  });
});
