import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  OK,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  SECOND_CELL,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { assertEnds, openSessions, saying, scene, switching, upgradeRequest } from '../../../support/proxy/upgrade.ts';
import { sendAndClose } from '../../../support/raw.ts';

suite('upgrades', () => {
  test('connections in the lane count against the limit of connections, and free their place', async (t) => {
    const on = await scene(t, saying(switching()), { limits: { connectionsMax: 2 } });
    const clients = [clientOf(t, on.plane), clientOf(t, on.plane)];
    for (const client of clients) {
      client.send(upgradeRequest());
      await client.until((text) => text.endsWith('\r\n\r\n'));
    }
    assert.equal(on.plane.plane.listener.connections, 0);
    assert.equal(await sendAndClose(on.plane.port, ''), '');
    clients[0]?.socket.destroy();
    await assertEndsOne(on.plane);
    const next = clientOf(t, on.plane);
    next.send(upgradeRequest());
    await next.until((text) => text.endsWith('\r\n\r\n'));
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
    await client.until((text) => text.endsWith('ok'));
    assert.equal(openSessions(plane), 0);
  });

  test('an upgrade that arrives while the gateway drains is told to leave, and the drain waits for it', async (t) => {
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
      await client.until((text) => text.endsWith('\r\n\r\n'));
    }
    Atomics.store(plane.dials, SECOND_CELL, 0);
    await assertEnds(plane, { rolled_back: 2 }, SECOND_CELL);
    assert.equal(openSessions(plane, FIRST_CELL), 1);
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
    await client.until((text) => text.endsWith('\r\n\r\n'));
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
