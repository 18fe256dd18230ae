/** The course of an exchange: attempts, retries on another endpoint, and one record whatever happens. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { readCell } from '../../../support/plane.ts';
import {
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
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';

/** A port that refuses connections. */
async function refusedPort(t: TestContext): Promise<number> {
  const gone = await upstreamOf(t, () => undefined);
  await gone.close();
  return gone.port;
}

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
    const dead = await refusedPort(t);
    const live = await upstreamOf(
      t,
      perHead((socket) => socket.write(OK)),
    );
    const plane = await planeOf(t, oneVersion(dead, live.port));
    for (let i = 0; i < 10; i++) {
      const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 0\r\n\r\n`;
      assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [200]);
    }
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });

  it('happens only within the budget: when all fails, most requests fail at once', async (t) => {
    const dead = await refusedPort(t);
    const plane = await planeOf(t, oneVersion(dead));
    const client = clientOf(t, plane);
    const started = performance.now();
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
    const upstream = await upstreamOf(
      t,
      perHead((socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno')),
    );
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
    assert.equal(upstream.sockets.length, 1, 'no second attempt');
    await closedSocket(upstream.sockets[0] as Socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(endpointWord(plane, upstream.port, 'bad'), 1);
  });

  it('with 504 when the upstream lets a client wait for 100 Continue: its silence, not the client’s', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { firstByteMs: 150, bodyIdleMs: 150 } });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, post)), [504]);
    assert.equal(readCell(plane, FIRST_CELL).bad, 1, 'a version that hangs this way would never be found bad');
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

describe('an endpoint that is out', () => {
  it('gets nothing while another one is in, and everything, counted, when none is', async (t) => {
    const [a, b] = [
      await upstreamOf(
        t,
        perHead((socket) => socket.write(OK)),
      ),
      await upstreamOf(
        t,
        perHead((socket) => socket.write(OK)),
      ),
    ];
    const plane = await planeOf(t, oneVersion(a.port, b.port));
    setCapacity(plane.endpointDials, a.port % 1000, 0);
    const client = clientOf(t, plane);
    for (let n = 0; n < 10; n++) assert.equal(await askedOn(client, GET), 200);
    assert.deepEqual([endpointWord(plane, a.port, 'finished'), endpointWord(plane, b.port, 'finished')], [0, 10]);
    setCapacity(plane.endpointDials, b.port % 1000, 0);
    for (let n = 0; n < 10; n++) assert.equal(await askedOn(client, GET), 200);
    assert.equal(endpointWord(plane, a.port, 'panics') + endpointWord(plane, b.port, 'panics'), 10);
  });
});
