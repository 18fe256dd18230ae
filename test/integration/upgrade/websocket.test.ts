/** WebSocket through the gateway with `ws` on both sides: what it carries, how sessions end, what bounds them. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { CELL } from '#src/model/tallies.ts';
import { startGatewayProcess, until } from '../../support/gateway.ts';
import { type PlaneSketch, readCell, type TestPlane } from '../../support/plane.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  getOf,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  refusedPortOf,
  SECOND_CELL,
  turningClock,
  upstreamOf,
} from '../../support/proxy/running.ts';
import {
  assertEnds,
  closeCode,
  openSessions,
  switching,
  textFrame,
  upgradeRequest,
  webSocketTo,
  webSocketUpstream,
} from '../../support/proxy/upgrade.ts';
import { heldBytes } from '../../support/readings/heap.ts';

const MEGABYTE = 1_000_000;
/** Reached only when something hangs. */
const LIMIT = { timeout: 240_000 };

async function message(socket: WebSocket): Promise<Buffer> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data;
}

describe('a WebSocket through the gateway', LIMIT, () => {
  it('carries text, large binary messages, pings and fragments both ways', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const socket = await webSocketTo(t, plane, { path: '/chat?room=1' });
    socket.send('hello');
    assert.equal(String(await message(socket)), 'hello');
    const large = randomBytes(5 * MEGABYTE);
    socket.send(large);
    assert.ok(large.equals(await message(socket)));
    socket.send('frag', { fin: false });
    socket.ping('p');
    const answers = Promise.all([once(socket, 'pong'), message(socket)]);
    socket.send('ments', { fin: true });
    const [[pong], whole] = (await answers) as [[Buffer], Buffer];
    assert.deepEqual([String(pong), String(whole)], ['p', 'fragments']);
    socket.close(1000);
    assert.equal(await closeCode(socket), 1000);
    await assertEnds(plane, { client_closed: 1 });
  });

  it('negotiates subprotocols and compression with the upstream, not with the gateway', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const socket = new WebSocket(`ws://127.0.0.1:${plane.port}/`, ['first', 'second']);
    t.after(() => socket.terminate());
    await once(socket, 'open');
    assert.equal(socket.protocol, 'first');
    socket.send('x'.repeat(100_000));
    assert.equal((await message(socket)).length, 100_000);
  });

  it('counts the handshake as one good exchange, and the session as open until it ends', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const socket = await webSocketTo(t, plane);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    for (const cell of [ROUTE_CELL, FIRST_CELL]) {
      assert.deepEqual(readCell(plane, cell), { inFlight: 0, finished: 1, bad: 0, ignored: 0, slow: 0 });
      assert.equal(plane.count(cell, CELL.statusClass + 1), 1);
    }
    assert.equal(openSessions(plane), 1);
    assert.equal(endpointWord(plane, upstream.port, 'open'), 1);
    socket.close();
    await assertEnds(plane, { client_closed: 1 });
    await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'no connection is left');
  });

  it('is opened behind an earlier request on the same connection, with bytes that came along', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) {
        const isUpgrade = received.includes('Upgrade: websocket');
        socket.write(isUpgrade ? switching() : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      } else if (received.endsWith('ping')) socket.write(Buffer.from(textFrame('pong'), 'latin1'));
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/first')), 200);
    client.send(`${upgradeRequest('/second')}${textFrame('ping')}`);
    await client.until((text) => text.endsWith(textFrame('pong')));
    assert.match(upstream.received[1] ?? '', /\r\n\r\n\x81\x04ping$/);
  });

  it('goes where a plain request would go: by color, and by user key', async (t) => {
    const one = await webSocketUpstream(t);
    const two = await webSocketUpstream(t);
    const versions = [
      { name: 'v1', ports: [one.port], weight: 1 },
      { name: 'v2', ports: [two.port], weight: 0, colors: ['blue'] },
    ];
    const plane = await planeOf(t, { routes: [{ versions }] });
    await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'blue' } });
    await webSocketTo(t, plane);
    assert.deepEqual([openSessions(plane, FIRST_CELL), openSessions(plane, SECOND_CELL)], [1, 1]);
  });

  it('tries another endpoint when one refuses the connection', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, oneVersion(await refusedPortOf(t), upstream.port));
    for (let n = 0; n < 5; n++) await webSocketTo(t, plane);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 0);
    assert.equal(openSessions(plane), 5);
  });
});

describe('a WebSocket session ends', LIMIT, () => {
  it('by the upstream, with its code', async (t) => {
    const upstream = await webSocketUpstream(t, (socket) => socket.close(4001, 'enough'));
    const plane = await planeOf(t, oneVersion(upstream.port));
    assert.equal(await closeCode(await webSocketTo(t, plane)), 4001);
    await assertEnds(plane, { upstream_closed: 1 });
  });

  it('abnormally when a side goes without a close frame, and the other side hears of it at once', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const first = await webSocketTo(t, plane);
    const [atUpstream] = [...upstream.server.clients];
    first.terminate();
    assert.equal(await closeCode(atUpstream as WebSocket), 1006);
    await assertEnds(plane, { client_abnormal: 1 });
    const second = await webSocketTo(t, plane);
    for (const socket of upstream.server.clients) socket.terminate();
    assert.equal(await closeCode(second), 1006);
    await assertEnds(plane, { client_abnormal: 1, upstream_abnormal: 1 });
  });

  it('when no byte has moved for so long, with a close frame', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { upgradeIdleMs: 150 } });
    const socket = await webSocketTo(t, plane);
    const [atUpstream] = [...upstream.server.clients];
    const codes = await Promise.all([closeCode(socket), closeCode(atUpstream as WebSocket)]);
    assert.deepEqual(codes, [1001, 1001]);
    await assertEnds(plane, { idle_timeout: 1 });
  });

  it('not while bytes move', async (t) => {
    const clock = turningClock(t);
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { upgradeIdleMs: 1000 } });
    const socket = await webSocketTo(t, plane);
    for (let n = 0; n < 6; n++) {
      socket.send('still here');
      await message(socket);
      await clock.passed(200);
    }
    assert.equal(openSessions(plane), 1);
  });
});

describe('policy', LIMIT, () => {
  const KEEP = { protocols: ['websocket'], onRollback: 'keep' } as const;

  async function rolledBack(t: TestContext, sketch: Partial<PlaneSketch['routes'][number]>): Promise<TestPlane> {
    const stable = await webSocketUpstream(t);
    const canary = await webSocketUpstream(t);
    const versions = [
      { name: 'v1', ports: [stable.port], weight: 1 },
      { name: 'v2', ports: [canary.port], weight: 1, colors: ['v2'] },
    ];
    return planeOf(t, { routes: [{ versions, ...sketch }] });
  }

  it('closes the sessions of a version that is rolled back, and no others', async (t) => {
    const plane = await rolledBack(t, {});
    const stable = await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'v1' } });
    const canary = await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'v2' } });
    Atomics.store(plane.dials, SECOND_CELL, 0);
    assert.equal(await closeCode(canary), 1001);
    await assertEnds(plane, { rolled_back: 1 }, SECOND_CELL);
    stable.send('alive');
    assert.equal(String(await message(stable)), 'alive');
    // A tester who is pinned to a version without weight meant it.
    const pinned = await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'v2' } });
    await eventually(() => openSessions(plane, SECOND_CELL) === 1, 'pinned');
    for (let n = 0; n < 3; n++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      pinned.send('alive');
      assert.equal(String(await message(pinned)), 'alive');
    }
  });

  it('keeps them if told so', async (t) => {
    const plane = await rolledBack(t, { upgrade: KEEP });
    const canary = await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'v2' } });
    Atomics.store(plane.dials, SECOND_CELL, 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    canary.send('alive');
    assert.equal(String(await message(canary)), 'alive');
  });

  it('closes them after a while and with another status if told so, and serves them until then', async (t) => {
    turningClock(t);
    const upgrade = { protocols: ['websocket'], onRollback: 'close', closeAfterMs: 1000, closeCode: 1012 } as const;
    const plane = await rolledBack(t, { upgrade });
    const canary = await webSocketTo(t, plane, { headers: { 'X-Release-Stage': 'v2' } });
    const code = closeCode(canary);
    const rolledBackAtMs = performance.now();
    Atomics.store(plane.dials, SECOND_CELL, 0);
    canary.send('alive');
    assert.equal(String(await message(canary)), 'alive');
    assert.equal(await code, 1012);
    assert.ok(performance.now() - rolledBackAtMs >= upgrade.closeAfterMs);
    await assertEnds(plane, { rolled_back: 1 }, SECOND_CELL);
  });

  it('ends sessions with a drain: at its beginning, or shortly before its end where they are kept', async (t) => {
    for (const upgrade of [undefined, KEEP]) {
      const upstream = await webSocketUpstream(t);
      const route = oneVersion(upstream.port).routes[0] as PlaneSketch['routes'][number];
      const plane = await planeOf(t, { routes: [upgrade === undefined ? route : { ...route, upgrade }] });
      const sockets = await Promise.all([webSocketTo(t, plane), webSocketTo(t, plane)]);
      const atUpstream = [...upstream.server.clients];
      const codes = Promise.all([...sockets, ...atUpstream].map(closeCode));
      await plane.plane.drain();
      assert.deepEqual(await codes, [1001, 1001, 1001, 1001]);
      await assertEnds(plane, { drained: 2 });
    }
  });

  it('waits for the end of a frame before it says goodbye, and never cuts one in two', async (t) => {
    turningClock(t);
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(Buffer.from(`${switching()}\x81\x0ahello`, 'latin1'));
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(upgradeRequest());
    await client.until((text) => text.endsWith('hello'));
    const drained = plane.plane.drain();
    await eventually(() => (upstream.received[0] ?? '').includes('\x88\x82'), 'the upstream has its close frame');
    upstream.sockets[0]?.write(Buffer.from('world\x81\x04more', 'latin1'));
    assert.match(await client.closed(), /helloworld\x88\x02\x03\xe9$/);
    await drained;
    await assertEnds(plane, { drained: 1 });
  });

  it('does not wait for ever for the end of a frame', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(Buffer.from(`${switching()}\x81\x0ahello`, 'latin1'));
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(upgradeRequest());
    await client.until((text) => text.endsWith('hello'));
    await plane.plane.drain();
    assert.match(await client.closed(), /hello$/);
    await assertEnds(plane, { drained: 1 });
  });
});

describe('back-pressure', LIMIT, () => {
  it('stops the upstream when the client does not read, and the client when the upstream does not', async (t) => {
    for (const stalled of ['client', 'upstream'] as const) {
      const upstream = await webSocketUpstream(t, () => undefined);
      const plane = await planeOf(t, oneVersion(upstream.port));
      const socket = await webSocketTo(t, plane, { perMessageDeflate: false });
      const [atUpstream] = [...upstream.server.clients] as [WebSocket];
      const [writer, reader] = stalled === 'client' ? [atUpstream, socket] : [socket, atUpstream];
      reader.pause();
      const before = await heldBytes();
      for (let n = 0; n < 64; n++) writer.send(Buffer.alloc(MEGABYTE));
      let left = writer.bufferedAmount;
      await eventually(() => {
        const isStill = writer.bufferedAmount === left;
        left = writer.bufferedAmount;
        return isStill;
      }, 'nothing moves');
      // Loopback's own buffers take some megabytes; what is left over is not in the gateway.
      assert.ok(left > 40 * MEGABYTE, `${left} bytes wait at the writer`);
      const grown = (await heldBytes()) - before - 64 * MEGABYTE;
      assert.ok(grown < 8 * MEGABYTE, `${grown} bytes are held elsewhere in this process`);
      let received = 0;
      const all = new Promise<void>((resolve) => {
        reader.on('message', () => {
          if (++received === 64) resolve();
        });
      });
      reader.resume();
      await all;
    }
  });
});

describe('the gateway as a process', LIMIT, () => {
  it('carries WebSockets over its workers, exports their sessions and lets them go with a close frame', async (t) => {
    const upstream = await webSocketUpstream(t);
    const gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 50ms, timeout: 30s}
services:
  chat:
    versions:
      v1: {endpoints: ["127.0.0.1:${upstream.port}"]}
routes:
  - name: chat
    backendRefs:
      - {name: chat, version: v1}
`);
    t.after(() => gateway.end());
    const at = { port: Number(new URL(gateway.proxyUrl).port) };
    const sockets = await Promise.all(Array.from({ length: 8 }, () => webSocketTo(t, at)));
    for (const socket of sockets) {
      socket.send('hello');
      assert.equal(String(await message(socket)), 'hello');
    }
    sockets.pop()?.close();
    const series = async (name: string): Promise<string> => {
      const page = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      return page.split('\n').find((line) => line.startsWith(name)) ?? '';
    };
    await until('one has gone', async () => (await series('sluice_upgrade_sessions{')).endsWith(' 7'));
    const ended = 'sluice_upgrade_sessions_ended_total{reason="client_closed"';
    await until('its end is counted', async () => (await series(ended)).endsWith(' 1'));
    const codes = Promise.all(sockets.map(closeCode));
    gateway.child.kill('SIGTERM');
    assert.deepEqual(
      await codes,
      Array.from({ length: 7 }, () => 1001),
    );
    assert.equal(await gateway.exited, 0);
  });
});
