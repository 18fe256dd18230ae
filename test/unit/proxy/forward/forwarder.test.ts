/** The course of an exchange: attempts, retries on another endpoint, and one record whatever happens. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { RetryConfig } from '#src/model/config.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { blackholeOf } from '../../../support/http/blackhole.ts';
import { endpointIdOf, type PlaneSketch, readCell } from '../../../support/plane.ts';
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
} from '../../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';

describe('a retry', () => {
  it('after a reset is made once, on a fresh connection, and seen by nobody', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, _path, nth) => (nth === 0 ? socket.resetAndDestroy() : socket.write(OK))),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 1, bad: 0, ignored: 0, slow: 0 });
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 1);
    assert.deepEqual(
      [endpointWord(plane, upstream.port, 'finished'), endpointWord(plane, upstream.port, 'bad')],
      [2, 1],
    );
    assert.equal(upstream.received[0], upstream.received[1], 'the same bytes');
  });

  it('after a status sends the same bytes, though its connection served another one meanwhile', WAITS, async (t) => {
    const held: { path: string; socket: Socket }[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => void held.push({ path, socket })),
    );
    const silent = await blackholeOf(t);
    turningClock(t);
    const retry = { statuses: [503], retriesMax: 2, backoffMs: 1 };
    const sketch = oneVersion(upstream.port, silent);
    const plane = await planeOf(t, { routes: [{ ...sketch.routes[0]!, retry }], timeouts: { connectMs: 2000 } });
    setCapacity(plane.endpointDials, endpointIdOf(silent), 0);
    const ask = (path: string): Promise<string> => sendAndClose(plane.port, getOf(path, CLOSE));
    const answer = async (nth: number, bytes: string): Promise<void> => {
      await eventually(() => held.length > nth, `request ${nth}`);
      held[nth]?.socket.write(bytes);
    };
    const kept = ask('/');
    await answer(0, OK);
    await kept;
    const first = ask('/first');
    await eventually(() => held.length === 2, 'the first one is on the kept connection');
    setCapacity(plane.endpointDials, endpointIdOf(silent), 1000);
    await answer(1, OK.replace('200 OK', '503 No'));
    await eventually(() => endpointWord(plane, silent, 'inFlight') === 1, 'its retry waits for the other endpoint');
    setCapacity(plane.endpointDials, endpointIdOf(silent), 0);
    const second = ask('/second');
    await answer(2, OK);
    await answer(3, OK);
    assert.deepEqual([...statusesOf(await first), ...statusesOf(await second)], [200, 200]);
    assert.deepEqual(
      held.map(({ path }) => path),
      ['/', '/first', '/second', '/first'],
    );
    assert.equal(held[1]?.socket, held[2]?.socket);
  });

  it('is not made for a POST whose bytes went out', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const plane = await planeOf(t, oneVersion(upstream.port));
    const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 5\r\n\r\nhello`;
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [502]);
    assert.equal(upstream.sockets.length, 1);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamReset), 1);
  });

  it('is not made once the response has begun', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart', () => socket.resetAndDestroy()),
      ),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    await sendAndClose(plane.port, getOf('/'));
    assert.equal(upstream.sockets.length, 1);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1);
  });

  it('after the keep-alive race says nothing about the endpoint: no failure, and no success either', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) =>
        path === '/race' && socket.bytesWritten > 0 ? socket.resetAndDestroy() : socket.write(OK),
      ),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/')), 200);
    assert.equal(await askedOn(client, getOf('/race')), 200);
    const words = (['finished', 'good', 'bad', 'consecutive', 'answered'] as const).map((word) =>
      endpointWord(plane, upstream.port, word),
    );
    assert.deepEqual(words, [3, 2, 0, 0, 2]);
  });

  it('takes the other endpoint', async (t) => {
    const dead = await refusedPortOf(t);
    const live = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(dead, live.port));
    for (let i = 0; i < 10; i++) {
      const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 0\r\n\r\n`;
      assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [200]);
    }
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });

  it('happens only within the budget: when all fails, most requests fail at once', async (t) => {
    const dead = await refusedPortOf(t);
    const started = performance.now();
    const plane = await planeOf(t, oneVersion(dead));
    const client = clientOf(t, plane);
    for (let i = 0; i < 60; i++) assert.equal(await askedOn(client, GET), 502);
    const seconds = (performance.now() - started) / 1000;
    const retries = plane.count(FIRST_CELL, CELL.retries);
    assert.ok(retries >= 3 && retries <= 3 + 6 + 3 * seconds + 1, `${retries} retries in ${seconds} s`);
    assert.equal(endpointWord(plane, dead, 'connectFailures'), 60 + retries);
    assert.equal(readCell(plane, FIRST_CELL).bad, 60);
  });
});

describe('an exchange ends', () => {
  it('with 503 when its version has no endpoints', async (t) => {
    const plane = await planeOf(t, oneVersion());
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [503]);
    assert.match(received, /error=destination_unavailable/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.noEndpoint), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], []);
  });

  it('with the upstream’s own 5xx, which is bad but not ours', async (t) => {
    const upstream = await answeringOf(t, 'HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno');
    const plane = await planeOf(t, oneVersion(upstream.port));
    assert.match(await sendAndClose(plane.port, getOf('/', CLOSE)), /^HTTP\/1\.1 503 Busy\r\n[^]*\r\n\r\nno$/);
    assert.equal(readCell(plane, FIRST_CELL).bad, 1);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.none), 1);
    assert.equal(endpointWord(plane, upstream.port, 'bad'), 1);
  });

  it('with 504 when the first byte does not come in time, and the upstream request is canceled', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { firstByteMs: 100 } });
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [504]);
    assert.match(received, /error=http_response_timeout/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.responseTimeout), 1);
    await eventually(() => upstream.sockets.length === 2, 'one more attempt');
    for (const socket of upstream.sockets) await closedSocket(socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(endpointWord(plane, upstream.port, 'bad'), 2);
  });

  it('with 408 when a client waits for a 100 Continue that does not come: it owes its body, and may send it unasked', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { firstByteMs: 150, bodyIdleMs: 150 } });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [408]);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0, 'anybody could make a version bad');
  });

  it('with 504 when the route’s own time is over', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const sketch = oneVersion(upstream.port);
    const plane = await planeOf(t, { routes: [{ ...sketch.routes[0]!, requestTimeoutMs: 100 }] });
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [504]);
  });

  it('and its connection goes on after an answer of the gateway', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => (path === '/ok' ? socket.write(OK) : undefined)),
    );
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { firstByteMs: 100 } });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/slow')), 504);
    plane.swap(oneVersion(upstream.port));
    assert.equal(await askedOn(client, getOf('/ok')), 200);
  });

  it('once, though client and upstream fail at the same time', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, oneVersion(upstream.port));
    for (let round = 0; round < 20; round++) {
      const client = clientOf(t, plane);
      client.send(GET);
      await eventually(() => upstream.received[round]?.endsWith('\r\n\r\n') === true, 'the request');
      upstream.sockets[round]?.resetAndDestroy();
      client.socket.resetAndDestroy();
    }
    await eventually(() => plane.plane.listener.connections === 0, 'all clients are gone');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    for (const cell of [ROUTE_CELL, FIRST_CELL]) {
      const { finished, ignored } = readCell(plane, cell);
      assert.equal(finished + ignored, 20);
    }
  });
});

describe('the route’s retries', () => {
  const retrying = (retry: Partial<RetryConfig>, ...ports: number[]): PlaneSketch => ({
    routes: [{ ...oneVersion(...ports).routes[0]!, retry }],
  });
  const BUSY = 'HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno';

  it('follow a status they name, and the client sees the answer that is none of them', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => socket.write(upstream.received.join('').split('GET ').length > 3 ? OK : BUSY)),
    );
    const plane = await planeOf(t, retrying({ retriesMax: 3, statuses: [503], backoffMs: 1 }, upstream.port));
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [200]);
    assert.doesNotMatch(received, /Busy/);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 2);
    assert.equal(endpointWord(plane, upstream.port, 'bad'), 2);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('end with the last answer as it is', async (t) => {
    const upstream = await answeringOf(t, BUSY);
    const plane = await planeOf(t, retrying({ retriesMax: 2, statuses: [503], backoffMs: 1 }, upstream.port));
    assert.match(await sendAndClose(plane.port, getOf('/', CLOSE)), /^HTTP\/1\.1 503 Busy\r\n[^]*\r\n\r\nno$/);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 2);
  });

  it('do not follow an answer to a POST', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.write(BUSY));
    const plane = await planeOf(t, retrying({ statuses: [503] }, upstream.port));
    const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 2\r\n\r\nhi`;
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [503]);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 0);
  });

  it('do not follow an answer of which something reached the client', async (t) => {
    const upstream = await answeringOf(t, `HTTP/1.1 103 Early Hints\r\n\r\n${BUSY}`);
    const plane = await planeOf(t, retrying({ statuses: [503] }, upstream.port));
    assert.match(await sendAndClose(plane.port, getOf('/', CLOSE)), /103 Early[^]*503 Busy/);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 0);
  });

  it('give an attempt its own time, within the time of the request', async (t) => {
    turningClock(t);
    const mute = await upstreamOf(t, () => undefined);
    const live = await answeringOf(t);
    const plane = await planeOf(t, retrying({ attemptTimeoutMs: 300 }, mute.port, live.port));
    for (let n = 0; n < 6; n++) assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    await eventually(() => mute.sockets.every((socket) => socket.destroyed), 'late attempts are canceled');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [mute.port, live.port]);
  });

  it('leave a connection that does not open in the time of an attempt', async (t) => {
    const hole = await blackholeOf(t);
    const plane = await planeOf(t, { ...retrying({ attemptTimeoutMs: 60 }, hole), timeouts: { connectMs: 60_000 } });
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [504]);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [hole]);
  });

  it('wait before the second, and a client that leaves meanwhile ends it', async (t) => {
    const dead = await refusedPortOf(t);
    const plane = await planeOf(t, retrying({ retriesMax: 5, backoffMs: 60_000 }, dead));
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => plane.count(FIRST_CELL, CELL.retries) === 2, 'the second retry waits');
    const before = endpointWord(plane, dead, 'connectFailures');
    client.socket.destroy();
    await eventually(() => readCell(plane, FIRST_CELL).ignored === 1, 'it is over');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [dead]);
    assert.equal(endpointWord(plane, dead, 'connectFailures'), before);
  });

  it('end with the time of the request, also while they wait', async (t) => {
    const dead = await refusedPortOf(t);
    const sketch = retrying({ retriesMax: 5, backoffMs: 30_000 }, dead);
    const plane = await planeOf(t, { routes: [{ ...sketch.routes[0]!, requestTimeoutMs: 200 }] });
    const status = statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE)))[0] as number;
    assert.ok(status === 502 || status === 504, String(status));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [dead]);
  });
});

describe('the keep-alive race', () => {
  /** Answers the first request of each connection and closes it when the next one comes. */
  const closing = (t: TestContext): ReturnType<typeof upstreamOf> =>
    upstreamOf(t, (socket, received) => {
      if (received.split('\r\n\r\n').length === 2) socket.write(OK);
      else socket.resetAndDestroy();
    });

  it('is lost without anybody noticing, however often, and with an empty budget', async (t) => {
    const upstream = await closing(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    for (let n = 0; n < 60; n++) assert.equal(await askedOn(client, GET), 200);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    assert.equal(endpointWord(plane, upstream.port, 'bad'), 0, 'no failure of the endpoint');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('is run again on a fresh connection even where no more are allowed', async (t) => {
    const upstream = await closing(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { endpointConnectionsMax: 1 } });
    const client = clientOf(t, plane);
    for (let n = 0; n < 20; n++) assert.equal(await askedOn(client, GET), 200);
  });

  it('is not run again for a POST', async (t) => {
    const upstream = await closing(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    assert.equal(await askedOn(client, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'), 502);
    assert.equal(upstream.sockets.length, 1);
  });

  it('is run again once per exchange', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.includes('/second')) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const plane = await planeOf(t, {
      routes: [{ ...oneVersion(upstream.port).routes[0]!, retry: { retriesMax: 0 } }],
    });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/first')), 200);
    assert.equal(await askedOn(client, getOf('/second')), 502);
    assert.equal(upstream.sockets.length, 2);
  });
});

describe('the time that a client allows', () => {
  const FIELD = 'X-Envoy-Expected-Rq-Timeout-Ms';
  const LEFT = /X-Envoy-Expected-Rq-Timeout-Ms: (\d+)\r\n/gi;

  /** The values that the two attempts brought to an upstream that thinks for a while, and resets. */
  async function told(t: TestContext, value: string, trustedProxies: readonly string[]): Promise<number[]> {
    const reset = perHead((socket) => void setTimeout(() => socket.resetAndDestroy(), 20));
    const upstream = await upstreamOf(t, reset);
    const route = { ...oneVersion(upstream.port).routes[0]!, retry: { attemptTimeoutMs: 20_000 } };
    const plane = await planeOf(t, { routes: [route], trustedProxies });
    const received = await sendAndClose(plane.port, getOf('/', `${FIELD}: ${value}\r\n${CLOSE}`));
    assert.deepEqual(statusesOf(received), [502]);
    assert.equal(upstream.received.length, 2);
    return [...upstream.received.join('').matchAll(LEFT)].map((match) => Number(match[1]));
  }

  it('goes on with each attempt as what is left of it, within the attempt’s own, if the client is trusted', async (t) => {
    const [first = 0, second = 0, ...more] = await told(t, '19000', ['127.0.0.1']);
    assert.ok(first <= 19_000 && second < first && second >= 1, `${first}, ${second}`);
    assert.deepEqual([more, await told(t, '59000', ['127.0.0.1'])], [[], [20_000, 20_000]]);
  });

  it('bounds the time of the request', WAITS, async (t) => {
    turningClock(t);
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), trustedProxies: ['127.0.0.1'] });
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', `${FIELD}: 1500\r\n${CLOSE}`))), [504]);
    assert.ok(Number([...(upstream.received[0] as string).matchAll(LEFT)][0]?.[1]) <= 1500);
  });

  it('ends here when anybody else says it', async (t) => assert.deepEqual(await told(t, '300', []), []));
  it('ends here when it is no number', async (t) => assert.deepEqual(await told(t, '3e2', ['127.0.0.1']), []));
});
