import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, SESSION_END } from '#src/model/tallies.ts';
import { readCell } from '../../../support/plane.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { assertEnds, openSessions, saying, scene, switching, upgradeRequest } from '../../../support/proxy/upgrade.ts';
import { noSockets, openSockets } from '../../../support/proxy/wires/sockets.ts';
import { type RawClient, sendAndClose, statusesOf } from '../../../support/raw.ts';

suite('upgrades', () => {
  test('connections in the lane count against the limit of connections, and free their place', async (t) => {
    const on = await scene(t, saying(switching()), { limits: { connectionsMax: 2 } });
    const clients = [clientOf(t, on.plane), clientOf(t, on.plane)];
    for (const client of clients) {
      client.send(upgradeRequest());
      await client.until((text) => text.includes('\r\n\r\n'));
    }
    assert.equal(on.plane.plane.listener.connections, 0);
    assert.equal(await sendAndClose(on.plane.port, ''), '');
    clients[0]?.socket.destroy();
    await assertEndsOne(on.plane);
    const next = clientOf(t, on.plane);
    next.send(upgradeRequest());
    await next.until((text) => text.includes('\r\n\r\n'));
  });

  test('a request that pipelines an upgrade behind an unread answer is served as a plain one', async (t) => {
    const body = 'x'.repeat(8_000_000);
    const upstream = await upstreamOf(t, (socket, received) => {
      const isFirst = !received.includes('/second');
      socket.write(isFirst ? `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}` : OK);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(getOf('/first') + upgradeRequest('/second'));
    // Texts that still grow are long to look at.
    await client.until((text) => text.length > body.length && text.endsWith('ok'));
    assert.equal(openSessions(plane), 0);
  });

  test('the connection of a client that broke before its pipelined upgrade is closed, not lost', async (t) => {
    await noSockets();
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    // So much behind the first request that reading pauses: the reset is first seen by the write of the answer.
    client.send(getOf('/first') + upgradeRequest('/second') + 'x'.repeat(20_000));
    await eventually(() => upstream.received[0]?.endsWith('\r\n\r\n') === true, 'asked');
    await eventually(() => client.socket.bytesWritten > 20_000 && client.socket.writableLength === 0, 'sent');
    client.socket.resetAndDestroy();
    await once(client.socket, 'close');
    upstream.sockets[0]?.end(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(plane.count(FIRST_CELL, CELL.finished) + plane.count(FIRST_CELL, CELL.ignored), 2, 'both began');
    await eventually(() => openSockets() === 0, 'no connection is left');
  });

  test('of a request that becomes another protocol a mirror gets no copy, which is counted', async (t) => {
    const mirrored = await upstreamOf(t, () => undefined);
    const upstream = await upstreamOf(
      t,
      perHead((socket) => socket.write(switching())),
    );
    const [route] = oneVersion(upstream.port).routes;
    const plane = await planeOf(t, { routes: [{ ...route!, mirror: { ports: [mirrored.port], ratio: 1 } }] });
    const client = clientOf(t, plane);
    client.send(upgradeRequest());
    await client.until((text) => text.includes('\r\n\r\n'));
    assert.deepEqual([plane.count(ROUTE_CELL, CELL.mirrorSkipped), mirrored.sockets.length], [1, 0]);
  });

  test('sessions count as connections of their endpoint: who comes next waits for its place', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => socket.write(path === '/plain' ? OK : switching())),
    );
    const limits = { endpointConnectionsMax: 1 };
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits, timeouts: { pendingMs: 60_000 } });
    const opened = async (): Promise<RawClient> => {
      const client = clientOf(t, plane);
      client.send(upgradeRequest());
      await client.until((text) => text.includes('\r\n\r\n'));
      return client;
    };
    // An idle connection makes room.
    assert.equal(await askedOn(clientOf(t, plane), getOf('/plain')), 200);
    const first = await opened();
    const second = opened();
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 1, 'the second waits');
    const plain = askedOn(clientOf(t, plane), getOf('/plain'));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 2, 'the third waits');
    assert.deepEqual([upstream.sockets.length, openSessions(plane)], [2, 1]);
    first.socket.destroy();
    const next = await second;
    assert.deepEqual([upstream.sockets.length, openSessions(plane)], [3, 1]);
    next.socket.destroy();
    assert.equal(await plain, 200);
    await assertEnds(plane, { client_abnormal: 2 });
    // And a busy one is waited for.
    assert.equal((await opened()).socket.destroyed, false);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  test('an upgrade that finds no place in time is shed', async (t) => {
    const on = await scene(t, saying(switching()), {
      limits: { endpointConnectionsMax: 1 },
      timeouts: { pendingMs: 100 },
    });
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    await client.until((text) => text.includes('\r\n\r\n'));
    assert.deepEqual(statusesOf(await sendAndClose(on.plane.port, upgradeRequest())), [503]);
    assert.equal(reasonCount(on.plane, FIRST_CELL, REASON.shed), 1);
    assert.equal(readCell(on.plane, FIRST_CELL).bad, 0, 'not the version’s fault');
    assert.equal(openSessions(on.plane), 1);
  });

  test('an upgrade that arrives while the gateway drains is told to leave, and the drain waits for it', async (t) => {
    turningClock(t);
    const on = await scene(t, saying(switching()));
    const client = clientOf(t, on.plane);
    await eventually(() => on.plane.plane.listener.connections === 1, 'accepted');
    const drained = on.plane.plane.drain();
    client.send(upgradeRequest());
    assert.match(await client.closed(), /^HTTP\/1\.1 101 [^]*\x88\x02\x03\xe9$/);
    await drained;
    await assertEnds(on.plane, { drained: 1 });
  });

  test('of several versions the one without weight loses its sessions, once', async (t) => {
    const upstream = await upstreamOf(t, saying(switching()));
    const versions = [
      { name: 'v1', ports: [upstream.port], weight: 1 },
      { name: 'v2', ports: [upstream.port], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions }] });
    for (const color of ['v1', 'v2', 'v2']) {
      const client = clientOf(t, plane);
      client.send(upgradeRequest('/', `X-Release-Stage: ${color}\r\n`));
      await client.until((text) => text.includes('\r\n\r\n'));
    }
    Atomics.store(plane.dials, SECOND_CELL, 0);
    await assertEnds(plane, { rolled_back: 2 }, SECOND_CELL);
    assert.equal(openSessions(plane, FIRST_CELL), 1);
  });

  test('a rollback that is over before the 101 ends what was decided before it, drawn or pinned, and nothing else', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const versions = [
      { name: 'v1', ports: [upstream.port], weight: 0 },
      { name: 'v2', ports: [upstream.port], weight: 1, colors: ['v2'] },
    ];
    const plane = await planeOf(t, { routes: [{ versions }] });
    const asked = async (lines: string, count: number): Promise<RawClient> => {
      const client = clientOf(t, plane);
      client.send(upgradeRequest('/', lines));
      await eventually(() => upstream.received.filter((text) => text.endsWith('\r\n\r\n')).length === count, 'asked');
      return client;
    };
    const pinned = 'X-Release-Stage: v2\r\n';
    for (const [n, lines] of ['', pinned].entries()) await asked(lines, n + 1);
    Atomics.store(plane.dials, FIRST_CELL, 1);
    Atomics.store(plane.dials, SECOND_CELL, 0);
    const stays = await asked(pinned, 3);
    for (const socket of upstream.sockets) socket.write(switching());
    await eventually(() => plane.count(SECOND_CELL, CELL.sessionEnds + SESSION_END.rolledBack) === 2, 'both are ended');
    upstream.sockets[2]?.write('\x81\x02hi');
    await stays.until((text) => text.endsWith('hi'));
    assert.equal(openSessions(plane, SECOND_CELL), 1);
  });

  test('destroyed with its plane, it leaves nothing under way', async (t) => {
    const asking = await scene(t, () => undefined);
    const waiting = clientOf(t, asking.plane);
    waiting.send(upgradeRequest());
    await eventually(() => asking.upstream.sockets.length === 1, 'asked');
    asking.plane.close();
    await waiting.closed();
    await assertQuiet(asking.plane, [ROUTE_CELL, FIRST_CELL], [asking.upstream.port]);
    const open = await scene(t, saying(switching()));
    const client = clientOf(t, open.plane);
    client.send(upgradeRequest());
    await client.until((text) => text.includes('\r\n\r\n'));
    open.plane.close();
    await client.closed();
    await assertEnds(open.plane, { drained: 1 });
  });

  test('plain requests on the same route go on as ever', async (t) => {
    const on = await scene(t, (socket) => void socket.write(OK));
    const client = clientOf(t, on.plane);
    for (let n = 0; n < 3; n++) assert.equal(await askedOn(client, getOf('/')), 200);
    assert.equal(on.plane.count(FIRST_CELL, CELL.finished), 3);
  });
});

/** One session is over, the other one open. */
async function assertEndsOne(plane: Parameters<typeof openSessions>[0]): Promise<void> {
  await eventually(() => openSessions(plane) === 1, 'one is over');
}
