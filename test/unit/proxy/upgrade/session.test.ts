import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { SWEEP_MS } from '#src/lib/deadlines.ts';
import type { TestPlane } from '../../../support/plane.ts';
import { clientOf, closedSocket, eventually, planeOf, upstreamOf } from '../../../support/proxy/running.ts';
import {
  assertEnds,
  endsOf,
  openSessions,
  switching,
  textFrame,
  upgradeRequest,
} from '../../../support/proxy/upgrade.ts';
import type { RawClient } from '../../../support/raw.ts';

interface Scene {
  readonly plane: TestPlane;
  readonly client: RawClient;
  readonly upstream: Socket;
}

/** One open session. @param upgradeIdleMs of its snapshot */
async function sessionOf(t: TestContext, protocol = 'websocket', upgradeIdleMs = 60_000): Promise<Scene> {
  const peer = await upstreamOf(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write(switching('', protocol));
  });
  const versions = [{ name: 'v1', ports: [peer.port], weight: 1 }];
  const upgrade = { protocols: [protocol], onRollback: 'close' } as const;
  const plane = await planeOf(t, { routes: [{ versions, upgrade }], timeouts: { upgradeIdleMs } });
  const client = clientOf(t, plane);
  client.send(upgradeRequest('/', '', protocol));
  await client.until((text) => text.includes('\r\n\r\n'));
  await eventually(() => openSessions(plane) === 1 || Object.keys(endsOf(plane)).length === 1, 'open, or over again');
  return { plane, client, upstream: peer.sockets[0] as Socket };
}

const CLOSE = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

suite('session', () => {
  test('without frames a regular end is one, whoever begins', async (t) => {
    const first = await sessionOf(t, 'echo');
    first.client.socket.end();
    await assertEnds(first.plane, { client_closed: 1 });
    const second = await sessionOf(t, 'echo');
    second.upstream.end();
    await second.client.closed();
    await assertEnds(second.plane, { upstream_closed: 1 });
  });

  test('a WebSocket that ends without a close frame ended abnormally, however politely', async (t) => {
    const first = await sessionOf(t);
    first.client.socket.end();
    await assertEnds(first.plane, { client_abnormal: 1 });
    const second = await sessionOf(t);
    second.upstream.end();
    await second.client.closed();
    await assertEnds(second.plane, { upstream_abnormal: 1 });
  });

  test('behind a close frame even a reset is regular, and who sent it is who closed', async (t) => {
    const { plane, client, upstream } = await sessionOf(t);
    const came = once(upstream, 'data');
    client.send(CLOSE);
    await came;
    upstream.resetAndDestroy();
    await closedSocket(client.socket);
    await assertEnds(plane, { client_closed: 1 });
  });

  test('a reset by one side is a reset for the other', async (t) => {
    const { plane, client, upstream } = await sessionOf(t, 'echo');
    let code = '';
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? '';
    });
    client.socket.resetAndDestroy();
    await closedSocket(upstream);
    assert.equal(code, 'ECONNRESET');
    await assertEnds(plane, { client_abnormal: 1 });
  });

  test('the last words of a client that has gone still reach the upstream', async (t) => {
    const { plane, client, upstream } = await sessionOf(t, 'echo');
    upstream.pause();
    const bytes = 3_000_000;
    client.send(Buffer.alloc(bytes));
    client.socket.end();
    let received = 0;
    upstream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    upstream.resume();
    await eventually(() => received === bytes, 'all of it');
    await assertEnds(plane, { client_closed: 1 });
  });

  test('an idle session is told to leave; the first reason stays', async (t) => {
    const { plane, client, upstream } = await sessionOf(t, 'websocket', 100);
    upstream.on('end', () => upstream.end());
    assert.match(await client.closed(), /\x88\x02\x03\xe9$/);
    await plane.plane.drain();
    await assertEnds(plane, { idle_timeout: 1 });
  });

  test('bytes in either direction keep it open', async (t) => {
    let clockMs = performance.now();
    t.mock.method(performance, 'now', () => clockMs);
    const { plane, client, upstream } = await sessionOf(t, 'websocket', 300);
    const frame = Buffer.from(textFrame('x'), 'latin1');
    for (let n = 0; n < 4; n++) {
      const [from, to] = n % 2 === 0 ? [client.socket, upstream] : [upstream, client.socket];
      const before = to.bytesRead;
      from.write(frame);
      await eventually(() => to.bytesRead > before, 'moved');
      // All of it is longer than the limit, each time half of it; a sweep comes after each step.
      for (let step = 0; step < 3; step++) {
        clockMs += SWEEP_MS;
        await new Promise((resolve) => setTimeout(resolve, SWEEP_MS + 5));
      }
    }
    assert.equal(openSessions(plane), 1);
  });
});
