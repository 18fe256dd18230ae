/** Faults of upstreams and clients on real sockets: the right answer, in bounded time, and nobody else notices. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON, type Reason } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { blackholeOf } from '../../support/http/blackhole.ts';
import { type PlaneSketch, type RouteSketch, readCell, type TestPlane } from '../../support/plane.ts';
import { TIMEOUTS } from '../../support/proxy/limits.ts';
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
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  turningClock,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { type RawClient, sendAndClose, statusesOf } from '../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';
const INNOCENT_CELL = 100;
/** Between two requests of the innocent client. */
const PAUSE_MS = 5;

function route(path: string, ...ports: number[]): RouteSketch {
  const matches = [{ path: { type: 'PathPrefix', value: path } as const, method: null, headers: [], query: [] }];
  return { name: path.slice(1), matches, versions: [{ name: 'v1', ports, weight: 1 }] };
}

interface Scene {
  readonly plane: TestPlane;
  /** Stops the client of the healthy route; fails unless it was answered all the time. */
  readonly assertInnocent: () => Promise<void>;
}

/** A faulty route `/bad` beside a healthy one, whose client asks all the time; short limits are its own as well. */
async function scene(t: TestContext, ports: readonly number[], sketch: Partial<PlaneSketch> = {}): Promise<Scene> {
  turningClock(t);
  const healthy = await answeringOf(t);
  const plane = await planeOf(t, { routes: [route('/bad', ...ports), route('/good', healthy.port)], ...sketch });
  const client = clientOf(t, plane);
  let isOver = false;
  const statuses: number[] = [];
  const asking = (async (): Promise<void> => {
    while (!isOver || statuses.length < 10) {
      statuses.push(await askedOn(client, getOf('/good')));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    plane,
    assertInnocent: async () => {
      isOver = true;
      await asking;
      assert.deepEqual([...new Set(statuses)], [200]);
      assert.deepEqual([plane.count(INNOCENT_CELL, CELL.bad), plane.count(INNOCENT_CELL, CELL.ignored)], [0, 0]);
    },
  };
}

function assertReason(plane: TestPlane, reason: Reason): void {
  assert.equal(reasonCount(plane, FIRST_CELL, reason), 1);
}

describe('an upstream', () => {
  it('that cannot be reached is a 502 for its requests only', async (t) => {
    const { plane, assertInnocent } = await scene(t, [await refusedPortOf(t)]);
    assert.equal(await askedOn(clientOf(t, plane), getOf('/bad')), 502);
    assertReason(plane, REASON.connectRefused);
    await assertInnocent();
  });

  it('that does not let connections in is a 504 after the time to connect', async (t) => {
    const port = await blackholeOf(t);
    const { plane, assertInnocent } = await scene(t, [port], { timeouts: { connectMs: 100 } });
    const started = performance.now();
    const received = await sendAndClose(plane.port, getOf('/bad', CLOSE));
    const tookMs = performance.now() - started;
    assert.deepEqual(statusesOf(received), [504]);
    assert.match(received, /error=connection_timeout/);
    assert.ok(tookMs >= 100, `${tookMs} ms`);
    assertReason(plane, REASON.connectTimeout);
    assert.equal(endpointWord(plane, port, 'open'), 0);
    await assertInnocent();
  });

  it('that does not let connections in costs one request some time, not its answer, if there is another', async (t) => {
    turningClock(t);
    const live = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(await blackholeOf(t), live.port), timeouts: { connectMs: 100 } });
    const client = clientOf(t, plane);
    for (let i = 0; i < 10; i++) assert.equal(await askedOn(client, GET), 200);
    assert.ok(plane.count(FIRST_CELL, CELL.retries) <= 1, 'a slow endpoint is not asked again and again');
  });

  it('that is one of two and dead costs nobody an answer', async (t) => {
    const live = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(await refusedPortOf(t), live.port));
    const clients = Array.from({ length: 5 }, () => clientOf(t, plane));
    for (let round = 0; round < 20; round++) {
      // One at a time: all at once would need more retries than a fresh budget has.
      for (const client of clients) assert.equal(await askedOn(client, GET), 200);
    }
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 100, bad: 0, ignored: 0, slow: 0 });
  });

  it('that does not answer is a 504 after the time to the first byte', async (t) => {
    const silent = await upstreamOf(t, () => undefined);
    const { plane, assertInnocent } = await scene(t, [silent.port], { timeouts: { firstByteMs: 100 } });
    const started = performance.now();
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/bad', CLOSE))), [504]);
    assert.ok(performance.now() - started < TIMEOUTS.firstByteMs / 2);
    assertReason(plane, REASON.responseTimeout);
    await closedSocket(silent.sockets[0] as Socket);
    await assertInnocent();
  });

  it('that stalls within its response is cut off, so that the client can tell', async (t) => {
    const half = await answeringOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    const { plane, assertInnocent } = await scene(t, [half.port], { timeouts: { bodyIdleMs: 100 } });
    assert.match(await sendAndClose(plane.port, getOf('/bad')), /\r\n\r\nhalf$/);
    assertReason(plane, REASON.upstreamTruncated);
    await assertInnocent();
  });
});

describe('an upstream that closes its idle connection just as a request arrives', () => {
  /** Answers the first request of each connection and closes at the second. */
  async function raced(
    t: TestContext,
    close: (socket: Socket) => void,
  ): Promise<{ plane: TestPlane; client: RawClient; readonly connections: () => number }> {
    const served = new Set<Socket>();
    const upstream = await upstreamOf(t, (socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      if (served.has(socket)) close(socket);
      else socket.write(OK);
      served.add(socket);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    return { plane, client, connections: () => upstream.sockets.length };
  }

  for (const [how, close] of [
    ['with FIN', (socket: Socket) => socket.end()],
    ['with RST', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`${how} costs a GET nothing`, async (t) => {
      const { plane, client, connections } = await raced(t, close);
      assert.equal(await askedOn(client, GET), 200);
      assert.equal(connections(), 2);
      assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    });

    it(`${how} costs a POST its answer: it may have been done`, async (t) => {
      const { plane, client, connections } = await raced(t, close);
      assert.equal(await askedOn(client, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'), 502);
      assert.equal(connections(), 1);
      assertReason(plane, REASON.upstreamReset);
    });
  }
});

describe('a client', () => {
  it('that stops within its head is a 408 within the limit', async (t) => {
    const { plane, assertInnocent } = await scene(t, [], { timeouts: { headMs: 150 } });
    const started = performance.now();
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, 'GET /bad HTTP/1.1\r\nHost: a')), [408]);
    const tookMs = performance.now() - started;
    assert.ok(tookMs >= 100 && tookMs < TIMEOUTS.headMs / 2, `${tookMs} ms`);
    assert.equal(reasonCount(plane, GATEWAY_CELL, REASON.headTimeout), 1);
    await assertInnocent();
  });

  it('that stops within its body is a 408 within the limit', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const { plane, assertInnocent } = await scene(t, [upstream.port], { timeouts: { bodyIdleMs: 150 } });
    const post = 'POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [408]);
    assertReason(plane, REASON.bodyTimeout);
    await closedSocket(upstream.sockets[0] as Socket);
    assert.doesNotMatch(
      upstream.received[0] as string,
      /\r\n0\r\n\r\n$/,
      'the upstream must see that it is incomplete',
    );
    await assertInnocent();
  });

  it('that keeps an idle connection loses it after the limit', async (t) => {
    const { plane, assertInnocent } = await scene(t, [], { timeouts: { idleMs: 150 } });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/nowhere')), 404);
    await client.closed();
    await assertInnocent();
  });

  it('too many of them: further ones are closed at once, those that are there go on', async (t) => {
    const { plane, assertInnocent } = await scene(t, [], { limits: { connectionsMax: 10 } });
    await eventually(() => plane.plane.listener.connections === 1, 'the innocent client');
    const clients = Array.from({ length: 30 }, () => clientOf(t, plane));
    await eventually(() => reasonCount(plane, GATEWAY_CELL, REASON.shed) === 21, 'twenty-one are closed');
    assert.equal(plane.plane.listener.connections, 10);
    for (const client of clients) client.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 1, 'all places are free again');
    await assertInnocent();
  });
});

it('a full queue sheds at once with 503, and the queue is served afterwards', async (t) => {
  const held: Socket[] = [];
  const slow = await upstreamOf(
    t,
    perHead((socket) => held.push(socket)),
  );
  const limits = { endpointConnectionsMax: 2, endpointPendingMax: 3 };
  const { plane, assertInnocent } = await scene(t, [slow.port], { limits });
  const clients = Array.from({ length: 20 }, () => clientOf(t, plane));
  for (const client of clients) client.send(getOf('/bad', CLOSE));
  await eventually(() => reasonCount(plane, FIRST_CELL, REASON.shed) === 15, 'fifteen are shed');
  await eventually(() => held.length === 2, 'two are sent');
  for (let n = 0; n < 5; n++) {
    await eventually(() => held.length > n, `request ${n}`);
    held[n]?.write(OK);
  }
  const statuses = await Promise.all(clients.map(async (client) => statusesOf(await client.closed())[0]));
  assert.equal(statuses.filter((status) => status === 200).length, 5);
  assert.equal(statuses.filter((status) => status === 503).length, 15);
  await assertInnocent();
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [slow.port]);
});
