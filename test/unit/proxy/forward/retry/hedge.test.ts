/** Hedged reads: the first answer counts, the other arm leaves no trace, and either may fail. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { PROBE_RESULT, PROBE_RESULTS } from '#src/model/threads/load/capacity.ts';
import { offerProbe, setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { endpointIdOf, type PlaneSketch, readCell, type TestPlane } from '../../../../support/plane.ts';
import {
  answeringOf,
  assertQuiet,
  clientOf,
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
  turningClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import { type RawClient, type RawUpstream, sendAndClose, statusesOf } from '../../../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';
const SLOW = 'HTTP/1.1 200 Slow\r\nContent-Length: 4\r\n\r\nslow';
const RESET = 'reset';

function hedging(hedgeMs: number, ...ports: number[]): PlaneSketch {
  return { routes: [{ ...oneVersion(...ports).routes[0]!, retry: { hedgeMs } }] };
}

/** Two upstreams whose requests are held, in the order in which they came, and a client whose GET is hedged. */
interface Race {
  readonly plane: TestPlane;
  readonly client: RawClient;
  readonly ports: readonly [number, number];
  /** What the n-th request came on. */
  readonly held: readonly { readonly socket: Socket; readonly port: number }[];
}

/** @param isProbe the first arm is a probe of the first endpoint, number 10 */
async function race(t: TestContext, text = GET, isProbe = false): Promise<Race> {
  turningClock(t);
  const held: { socket: Socket; port: number }[] = [];
  const hold = async (): Promise<RawUpstream> => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => held.push({ socket, port: upstream.port })),
    );
    return upstream;
  };
  const [a, b] = [await hold(), await hold()];
  const plane = await planeOf(t, hedging(20, a.port, b.port));
  if (isProbe) {
    setCapacity(plane.endpointDials, endpointIdOf(a.port), 0);
    offerProbe(plane.endpointDials, endpointIdOf(a.port), 10);
  }
  const client = clientOf(t, plane);
  client.send(text);
  await eventually(() => held.length === 2, 'both arms');
  return { plane, client, held, ports: [a.port, b.port] };
}

function say(socket: Socket | undefined, what: string): void {
  if (what === RESET) socket?.resetAndDestroy();
  else socket?.write(what);
}

describe('a hedged read', () => {
  for (const [name, first] of [
    ['first', 0],
    ['second', 1],
  ] as const) {
    it(`is answered by the ${name} arm when that is faster, and the other is canceled`, async (t) => {
      const { plane, client, held, ports } = await race(t);
      assert.notEqual(held[0]?.port, held[1]?.port, 'at another endpoint');
      say(held[first]?.socket, OK);
      assert.match(await client.until((text) => text.endsWith('ok')), /^HTTP\/1\.1 200 OK/);
      const loser = held[1 - first];
      await eventually(() => loser?.socket.destroyed === true, 'the loser is closed');
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
      assert.deepEqual(
        ports.map((port) => [endpointWord(plane, port, 'finished'), endpointWord(plane, port, 'bad')]),
        [
          [1, 0],
          [1, 0],
        ],
      );
      assert.deepEqual([readCell(plane, FIRST_CELL).finished, plane.count(FIRST_CELL, CELL.hedges)], [1, 1]);
      assert.equal(plane.plane.listener.connections, 1, 'and the client goes on');
    });

    it(`goes on with the other when the ${name} arm fails`, async (t) => {
      const { plane, client, held, ports } = await race(t);
      say(held[first]?.socket, RESET);
      await eventually(() => ports.some((port) => endpointWord(plane, port, 'bad') === 1), 'the failure is counted');
      assert.equal(client.received(), '');
      say(held[1 - first]?.socket, OK);
      await client.until((text) => text.endsWith('ok'));
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
      assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    });
  }

  for (const [name, first, result] of [
    ['faster than its hedge is good', 0, PROBE_RESULT.good],
    ['slower than its hedge is bad, and no failure otherwise', 1, PROBE_RESULT.bad],
  ] as const) {
    it(`that is a probe and ${name}`, async (t) => {
      const { plane, client, held, ports } = await race(t, GET, true);
      assert.equal(held[0]?.port, ports[0]);
      say(held[first]?.socket, OK);
      await client.until((text) => text.endsWith('ok'));
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
      const words = [endpointWord(plane, ports[0], 'probe'), endpointWord(plane, ports[0], 'bad')];
      assert.deepEqual(words, [PROBE_RESULTS * 10 + result, 0]);
    });
  }

  it('leaves what its slower arm has kept silent with that arm’s endpoint', async (t) => {
    const { plane, client, held, ports } = await race(t);
    say(held[1]?.socket, OK);
    await client.until((text) => text.endsWith('ok'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
    for (let n = 0; n < 6; n++) {
      client.send(GET);
      await eventually(() => held.length === 3 + n, 'the next one');
      assert.equal(held[2 + n]?.port, held[1]?.port, 'at the one that answers');
      say(held[2 + n]?.socket, OK);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
    }
  });

  it('of which both arms fail is tried once more, as any other', async (t) => {
    const { plane, client, held, ports } = await race(t);
    say(held[0]?.socket, RESET);
    say(held[1]?.socket, RESET);
    await eventually(() => held.length === 3, 'a retry');
    say(held[2]?.socket, OK);
    await client.until((text) => text.endsWith('ok'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
  });

  it('whose client leaves cancels both arms', async (t) => {
    const { plane, client, held, ports } = await race(t);
    client.socket.destroy();
    await eventually(() => held.every(({ socket }) => socket.destroyed), 'both are closed');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], ports);
    assert.deepEqual([readCell(plane, FIRST_CELL).ignored, readCell(plane, FIRST_CELL).finished], [1, 0]);
  });

  it('passes no interim response on while two arms run', async (t) => {
    const { client, held } = await race(t);
    say(held[1]?.socket, `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
    assert.doesNotMatch(await client.until((text) => text.endsWith('ok')), /103/);
  });

  it('is not sent twice when it is answered in time', async (t) => {
    const upstream = await answeringOf(t);
    const other = await answeringOf(t);
    const plane = await planeOf(t, hedging(5000, upstream.port, other.port));
    for (let n = 0; n < 5; n++) assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    assert.equal(plane.count(FIRST_CELL, CELL.hedges), 0);
  });

  for (const [name, request] of [
    ['a POST', 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    ['a GET with a body', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi'],
  ] as const) {
    it(`is not ${name}`, async (t) => {
      const slow = await upstreamOf(t, (socket) => void setTimeout(() => socket.write(SLOW), 150));
      const too = await upstreamOf(t, (socket) => void setTimeout(() => socket.write(SLOW), 150));
      const plane = await planeOf(t, hedging(10, slow.port, too.port));
      assert.deepEqual(statusesOf(await sendAndClose(plane.port, request)), [200]);
      assert.equal(plane.count(FIRST_CELL, CELL.hedges), 0);
    });
  }

  it('stays within the retry budget', async (t) => {
    const sockets: Socket[] = [];
    let isHeld = true;
    const hold = perHead((socket) => (isHeld ? sockets.push(socket) : socket.write(OK)));
    const [a, b] = [await upstreamOf(t, hold), await upstreamOf(t, hold)];
    const started = performance.now();
    const plane = await planeOf(t, hedging(10, a.port, b.port));
    const clients = Array.from({ length: 20 }, () => clientOf(t, plane));
    for (const client of clients) client.send(GET);
    await eventually(() => plane.count(FIRST_CELL, CELL.hedges) >= 3 && sockets.length >= 23, 'some are hedged');
    const seconds = (performance.now() - started) / 1000;
    assert.ok(plane.count(FIRST_CELL, CELL.hedges) <= 3 + 2 + 3 * seconds + 1);
    const wanted = (): number => plane.count(FIRST_CELL, CELL.hedges) + plane.count(FIRST_CELL, CELL.retriesSkipped);
    await eventually(() => wanted() === clients.length, 'each was hedged, or would have been with a token');
    // Some may have been hedged later, and others may not even be there yet.
    isHeld = false;
    for (const socket of sockets) socket.write(OK);
    await eventually(() => clients.every((client) => client.received().endsWith('ok')), 'all are answered');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [a.port, b.port]);
  });
});

it('an arm that waits too long for a connection leaves the other', async (t) => {
  turningClock(t);
  const held: Socket[] = [];
  const upstreams = [0, 1].map(() =>
    upstreamOf(
      t,
      perHead((socket, path) => (path === '/quick' ? socket.write(OK) : held.push(socket))),
    ),
  );
  const ports = (await Promise.all(upstreams)).map(({ port }) => port);
  const versions = [{ name: 'v1', ports, weight: 1, balancer: 'roundRobin' as const }];
  const plane = await planeOf(t, {
    routes: [{ versions, retry: { hedgeMs: 10 } }],
    limits: { endpointConnectionsMax: 1 },
    timeouts: { pendingMs: 250 },
  });
  const post = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
  clientOf(t, plane).send(post);
  await eventually(() => held.length === 1, 'one endpoint is taken');
  assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/quick', CLOSE))), [200]);
  const client = clientOf(t, plane);
  client.send(getOf('/slow'));
  await eventually(() => held.length === 2, 'the second arm is at the other endpoint');
  const over = (): number => ports.reduce((sum, port) => sum + endpointWord(plane, port, 'finished'), 0);
  await eventually(() => over() === 2, 'the first arm waited too long');
  held[1]?.write(OK);
  assert.deepEqual(statusesOf(await client.until((text) => text.endsWith('ok'))), [200]);
});
