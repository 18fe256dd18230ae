/** A client connection: requests in order, one exchange at a time, bounded in time and memory, and cleanly ended. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { RequestHead } from '#src/proxy/http1/request-head.ts';
import { readCell } from '../../../support/plane.ts';
import {
  answeringOf,
  assertQuiet,
  clientOf,
  closedSocket,
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
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { dripping } from '../../../support/proxy/upgrade.ts';
import { rawClient, sendAndClose, statusesOf } from '../../../support/raw.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';

/** An answer that says which request it belongs to. */
function named(path: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
}

describe('pipelined requests', () => {
  it('are answered in order even when the first is the slowest', async (t) => {
    const held: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => (path === '/1' ? held.push(socket) : socket.write(named(path)))),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(getOf('/1') + getOf('/2') + getOf('/3', CLOSE));
    await eventually(() => held.length === 1, 'the first request arrives');
    assert.doesNotMatch(upstream.received.join(''), /GET \/2/, 'one exchange at a time');
    held[0]?.write(named('/1'));
    const received = await client.closed();
    assert.deepEqual(received.match(/\/\d$|\/\d(?=HTTP)/g), ['/1', '/2', '/3']);
  });

  it('that the gateway answers itself keep their place', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => setImmediate(() => socket.write(named(path)))),
    );
    const sketch = oneVersion(upstream.port);
    const matches = [{ path: { type: 'PathPrefix', value: '/ok' } as const, method: null, headers: [], query: [] }];
    const plane = await planeOf(t, { routes: [{ ...sketch.routes[0]!, matches }] });
    const client = clientOf(t, plane);
    client.send(getOf('/ok') + getOf('/no') + getOf('/ok') + getOf('/no') + getOf('/ok', CLOSE));
    assert.deepEqual(statusesOf(await client.closed()), [200, 404, 200, 404, 200]);
  });

  it('in thousands are answered one after another without using the stack', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const client = clientOf(t, plane);
    client.send(GET.repeat(4999) + getOf('/', CLOSE));
    const statuses = statusesOf(await client.closed());
    assert.equal(statuses.length, 5000);
    assert.ok(statuses.every((status) => status === 404));
    assert.equal(plane.count(GATEWAY_CELL, CELL.ignored), 5000);
  });

  it('end with the limit of requests per connection, and say so', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => socket.write(named(path))),
    );
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { requestsPerConnectionMax: 2 } });
    const received = await sendAndClose(plane.port, getOf('/1') + getOf('/2') + getOf('/3'));
    assert.deepEqual(statusesOf(received), [200, 200]);
    assert.equal(received.split('Connection: close').length - 1, 1);
    assert.doesNotMatch(upstream.received.join(''), /GET \/3/);
  });
});

describe('a head', () => {
  it('that does not arrive in time is a 408', async (t) => {
    turningClock(t);
    const plane = await planeOf(t, { routes: [], timeouts: { headMs: 100 } });
    const received = await sendAndClose(plane.port, 'GET / HTTP/1.1\r\nHost:');
    assert.deepEqual(statusesOf(received), [408]);
    assert.match(received, /Connection: close/);
    assert.equal(reasonCount(plane, GATEWAY_CELL, REASON.headTimeout), 1);
  });

  it('that trickles in is looked at as often as it has lines, not bytes', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const parse = t.mock.method(RequestHead.prototype, 'parse');
    const client = clientOf(t, plane);
    const head = getOf('/', `A: ${'x'.repeat(500)}\r\n`.repeat(4));
    dripping(head)(client.socket);
    await client.until((text) => text.endsWith('ok'));
    const looks = parse.mock.callCount();
    // At the CR and the LF of each of seven lines, and at the first bytes, which may be an empty line.
    assert.ok(looks <= 2 * 7 + 3, `${looks} looks at ${head.length} bytes`);
  });

  it('that trickles in is late all the same', async (t) => {
    turningClock(t);
    const plane = await planeOf(t, { routes: [], timeouts: { headMs: 150 } });
    const client = clientOf(t, plane);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n');
    const trickle = setInterval(() => client.send('A: b\r\n'), 20);
    t.after(() => clearInterval(trickle));
    assert.deepEqual(statusesOf(await client.closed()), [408]);
  });

  it('that never begins closes the connection without a word', async (t) => {
    const plane = await planeOf(t, { routes: [], timeouts: { headMs: 100 } });
    assert.equal(await clientOf(t, plane).closed(), '');
  });

  it('of the next request may take as long as the first', async (t) => {
    turningClock(t);
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { headMs: 100, idleMs: 10_000 } });
    const client = clientOf(t, plane);
    client.send(`${GET}GET / HT`);
    const received = await client.closed();
    assert.deepEqual(statusesOf(received), [200, 408]);
  });
});

describe('between requests', () => {
  it('a connection is closed after the idle limit, without an answer', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { idleMs: 100 } });
    const client = clientOf(t, plane);
    client.send(GET);
    assert.deepEqual(statusesOf(await client.closed()), [200]);
    assert.equal(plane.plane.listener.connections, 0);
  });

  it('an empty line is no request: the connection goes on and ends without an answer', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { headMs: 2000, idleMs: 100 } });
    const client = clientOf(t, plane);
    client.send(GET);
    await client.until((text) => text.endsWith('ok'));
    client.send('\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [200]);
  });
});

describe('a request body', () => {
  const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';

  it('that stalls is a 408 and the client’s fault', async (t) => {
    turningClock(t);
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { bodyIdleMs: 100 } });
    const received = await sendAndClose(plane.port, `${POST}Content-Length: 10\r\n\r\nhello`);
    assert.deepEqual(statusesOf(received), [408]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.bodyTimeout), 1);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    await closedSocket(upstream.sockets[0] as Socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('that stalls while its answer has begun is still the client’s fault', async (t) => {
    turningClock(t);
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\nhello'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { bodyIdleMs: 150 } });
    const client = clientOf(t, plane);
    client.send(`${POST}Content-Length: 10\r\n\r\nhello`);
    await client.until((text) => text.endsWith('ok\r\n'));
    await client.closed();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0, 'a client can make any version look bad');
  });

  it('that waits for a 100 Continue has its own time, whatever that of an attempt is', async (t) => {
    const clock = turningClock(t);
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('hello')) socket.write(OK);
    });
    const [route] = oneVersion(upstream.port).routes;
    const retry = { attemptTimeoutMs: 50, retriesMax: 1 };
    const plane = await planeOf(t, { routes: [{ ...route!, retry }], timeouts: { bodyIdleMs: 600_000 } });
    const client = clientOf(t, plane);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    await eventually(() => upstream.received.join('').includes('Expect'), 'the upstream is asked');
    await clock.passed(200);
    client.send('hello');
    await client.until((received) => received.includes('\r\n\r\n'));
    assert.deepEqual(statusesOf(client.received()), [200]);
    assert.equal(upstream.sockets.length, 1);
  });

  it('waits for its upstream without being lost', async (t) => {
    const body = 'x'.repeat(300_000);
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith(`\r\n\r\n${body}`)) socket.write(OK);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(`${POST}${CLOSE}Content-Length: ${body.length}\r\n\r\n${body}`);
    assert.deepEqual(statusesOf(await client.closed()), [200]);
  });

  it('may be followed by the next request in the same packet', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('hello') || received.endsWith('0\r\n\r\n')) socket.write(OK);
      else if (/GET \/next[^]*\r\n\r\n$/.test(received)) socket.write(OK);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    const chunked = `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
    client.send(`${POST}Content-Length: 5\r\n\r\nhello${chunked}${getOf('/next', CLOSE)}`);
    assert.deepEqual(statusesOf(await client.closed()), [200, 200, 200]);
  });

  it('in chunks beyond the limit is a 413, though it was being forwarded', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { bodyBytesMax: 10 } });
    const client = clientOf(t, plane);
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n`);
    await eventually(() => upstream.received[0]?.endsWith('12345678\r\n') === true, 'its beginning is forwarded');
    client.send('8\r\n12345678\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [413]);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    await closedSocket(upstream.sockets[0] as Socket);
  });

  it('of a refused request is never read as a request', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const received = await sendAndClose(plane.port, `${POST}Content-Length: ${GET.length}\r\n\r\n${GET}${GET}`);
    assert.deepEqual(statusesOf(received), [404]);
    assert.match(received, /Connection: close/);
  });
});

describe('after the last answer', () => {
  for (const [what, request, isGone] of [
    ['that said so in a request without a body is gone with the answer', getOf('/', CLOSE), true],
    ['that speaks HTTP/1.0 as well', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', true],
    ['that sends more all the same is read on for a while', getOf('/', CLOSE) + GET, false],
    ['whose request had a body as well', `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 1\r\n\r\nx`, false],
  ] as const) {
    it(`a client ${what}`, async (t) => {
      const upstream = await upstreamOf(t, (socket, received) => {
        if (/\r\n\r\nx?$/.test(received)) socket.write(OK);
      });
      const plane = await planeOf(t, oneVersion(upstream.port));
      const client = clientOf(t, plane);
      client.send(request);
      // The client closes in answer to the gateway's FIN: until it has, a connection that lingers is there.
      assert.deepEqual(statusesOf(await client.closed()), [200]);
      assert.equal(plane.plane.listener.connections, isGone ? 0 : 1);
    });
  }

  it('what still comes is discarded, up to 1 MiB', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const client = clientOf(t, plane);
    client.send('GARBAGE\r\n\r\n');
    // The gateway says FIN at once, and a client that goes on is cut off.
    assert.deepEqual(statusesOf(await client.until((text) => text.includes('\r\n\r\n'))), [400]);
    const flood = rawClient(plane.port);
    t.after(() => flood.socket.destroy());
    flood.send(`GARBAGE\r\n\r\n${GET.repeat(60_000)}`);
    assert.ok(statusesOf(await flood.closed()).length <= 1);
    await eventually(() => plane.plane.listener.connections === 0, 'the connections are gone');
    assert.equal(plane.count(GATEWAY_CELL, CELL.ignored), 2);
  });

  it('the connection is gone after a bounded while though the client holds it open', WAITS, async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const client = clientOf(t, plane);
    client.socket.pause();
    client.send('GARBAGE\r\n\r\n');
    await eventually(() => plane.count(GATEWAY_CELL, CELL.ignored) === 1, 'the refusal');
    await eventually(() => plane.plane.listener.connections === 0, 'the connection is gone');
  });
});

describe('a client that goes away', () => {
  for (const [how, leave] of [
    ['by FIN', (socket: Socket) => socket.end()],
    ['by RST', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`${how} before the answer is counted against nobody, and its upstream request is canceled`, async (t) => {
      const upstream = await upstreamOf(t, () => undefined);
      const plane = await planeOf(t, oneVersion(upstream.port));
      const client = clientOf(t, plane);
      client.send(GET);
      await eventually(() => upstream.received[0]?.endsWith('\r\n\r\n') === true, 'the request arrives');
      leave(client.socket);
      await closedSocket(upstream.sockets[0] as Socket);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
      assert.equal(reasonCount(plane, FIRST_CELL, REASON.clientClosed), 1);
      assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 0, bad: 0, ignored: 1, slow: 0 });
    });
  }

  it('in the middle of a head leaves nothing', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    const client = clientOf(t, plane);
    client.send('GET / HTTP/1.1\r\nHo');
    await eventually(() => plane.plane.listener.connections === 1, 'the connection');
    client.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 0, 'its end');
    assert.equal(plane.count(GATEWAY_CELL, CELL.ignored), 0);
  });

  it('in the middle of its body cancels the upstream request', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    await eventually(() => upstream.received[0]?.endsWith('hello') === true, 'the body arrives');
    client.socket.destroy();
    await closedSocket(upstream.sockets[0] as Socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.clientClosed), 1);
  });
});
