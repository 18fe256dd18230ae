/** An upstream connection: used again only when nothing can be mixed up, and paused while its client is slow. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { UpstreamConnection } from '#src/proxy/http1/upstream.ts';
import { type PlaneSketch, readCell } from '../../../support/plane.ts';
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
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { dripping } from '../../../support/proxy/upgrade.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';

/** One version whose idle connections are not closed by time within a test. */
function patient(port: number): PlaneSketch {
  return { ...oneVersion(port), timeouts: { upstreamIdleMs: 600_000 } };
}

describe('a connection is used again', () => {
  for (const [name, answer] of [
    ['a measured response', OK],
    ['a chunked one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['an empty one', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['an interim and a final one', `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`],
    ['HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok'],
  ] as const) {
    it(`after ${name}`, async (t) => {
      const upstream = await answeringOf(t, answer);
      const plane = await planeOf(t, patient(upstream.port));
      for (let i = 0; i < 3; i++) await sendAndClose(plane.port, getOf('/', CLOSE));
      assert.equal(upstream.sockets.length, 1);
      assert.deepEqual(
        [endpointWord(plane, upstream.port, 'connects'), endpointWord(plane, upstream.port, 'open')],
        [1, 1],
      );
    });
  }
});

describe('a connection is not used again', () => {
  for (const [name, answer] of [
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    [
      'bytes after a chunked body',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n',
    ],
  ] as const) {
    it(`after ${name}`, async (t) => {
      const upstream = await answeringOf(t, answer);
      const plane = await planeOf(t, patient(upstream.port));
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
      }
      assert.equal(upstream.sockets.length, 3);
      assert.equal(endpointWord(plane, upstream.port, 'open'), 0);
    });
  }

  it('after bytes that nobody asked for, while it is idle', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, patient(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await closedSocket(upstream.sockets[0] as Socket);
    assert.equal(await askedOn(client, GET), 200);
    assert.doesNotMatch(client.received(), /poison/);
    assert.equal(upstream.sockets.length, 2);
  });

  it('after an early answer: the rest of the request may still be on its way', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('hello') || /GET[^]*\r\n\r\n$/.test(received)) socket.write(OK);
    });
    const plane = await planeOf(t, patient(upstream.port));
    const received = await sendAndClose(plane.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello');
    assert.deepEqual(statusesOf(received), [200]);
    await closedSocket(upstream.sockets[0] as Socket);
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    assert.equal(upstream.sockets.length, 2);
  });

  it('after an answer to a request of which the upstream has not taken everything', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, patient(upstream.port));
    const client = clientOf(t, plane);
    const backedUp = t.mock.getter(UpstreamConnection.prototype, 'isBackedUp', () => true);
    assert.equal(await askedOn(client, GET), 200);
    await closedSocket(upstream.sockets[0] as Socket);
    backedUp.mock.restore();
    for (let n = 0; n < 2; n++) assert.equal(await askedOn(client, GET), 200);
    assert.equal(upstream.sockets.length, 2);
  });

  it('after its client left in the middle of a response', async (t) => {
    const upstream = await answeringOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    const plane = await planeOf(t, patient(upstream.port));
    const client = clientOf(t, plane);
    client.send(GET);
    await client.until((text) => text.endsWith('part'));
    client.socket.destroy();
    await closedSocket(upstream.sockets[0] as Socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.clientClosed), 1);
  });

  it('beyond its idle time', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { upstreamIdleMs: 100 } });
    await sendAndClose(plane.port, getOf('/', CLOSE));
    await closedSocket(upstream.sockets[0] as Socket);
    await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'it is counted as closed');
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });
});

describe('a response', () => {
  it('may arrive byte by byte', async (t) => {
    const text =
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nT: u\r\n\r\n';
    const upstream = await upstreamOf(
      t,
      perHead((socket) => {
        let sent = 0;
        const next = (): void => {
          if (sent < text.length) socket.write(text[sent++] as string, () => setImmediate(next));
        };
        next();
      }),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.match(received, /^HTTP\/1\.1 103 [^]*HTTP\/1\.1 200 OK\r\n[^]*1\r\no\r\n1\r\nk\r\n0\r\n\r\n$/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('whose head trickles in is looked at as often as it has lines, not bytes', async (t) => {
    const head = `HTTP/1.1 200 OK\r\n${`A: ${'x'.repeat(500)}\r\n`.repeat(4)}Content-Length: 0\r\n\r\n`;
    const upstream = await upstreamOf(t, perHead(dripping(head)));
    const plane = await planeOf(t, oneVersion(upstream.port));
    const parse = t.mock.method(ResponseHead.prototype, 'parse');
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    const looks = parse.mock.callCount();
    // Two for each line, at its CR and at its LF, and one for each byte of the version.
    assert.ok(looks <= 2 * 7 + 13, `${looks} looks at ${head.length} bytes`);
  });

  it('that stalls is cut off and the upstream’s fault', async (t) => {
    const upstream = await answeringOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { bodyIdleMs: 100 } });
    const client = clientOf(t, plane);
    client.send(GET);
    assert.match(await client.closed(), /part$/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1);
    assert.equal(readCell(plane, FIRST_CELL).bad, 1);
    await closedSocket(upstream.sockets[0] as Socket);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('that waits for a slow client is complete although the upstream closed meanwhile', async (t) => {
    const body = Buffer.alloc(8 * 1_048_576, 'x');
    const upstream = await upstreamOf(
      t,
      perHead((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.end(body);
      }),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.socket.pause();
    client.send(getOf('/', CLOSE));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 1, 'the exchange is under way');
    client.socket.resume();
    const received = await client.closed();
    assert.equal(received.length - received.indexOf('\r\n\r\n') - 4, body.length);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 1, bad: 0, ignored: 0, slow: 0 });
  });
});

describe('a short answer', () => {
  it('to a client that does not read stays its own, whatever others get meanwhile', WAITS, async (t) => {
    const bodyOf = (path: string): string => path.padEnd(1800, path);
    let answered = 0;
    const upstream = createServer((request, response) => {
      answered++;
      response.end(bodyOf(request.url as string));
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    t.after(() => upstream.closeAllConnections());
    t.after(() => upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const plane = await planeOf(t, { ...patient(port), timeouts: { upstreamIdleMs: 600_000, headMs: 600_000 } });
    const asked = Array.from({ length: 4000 }, (_, n) => `/${n}`);
    const slow = clientOf(t, plane);
    slow.socket.pause();
    slow.send(asked.map((path) => getOf(path, path === asked.at(-1) ? CLOSE : '')).join(''));
    // Until its answers do not move any more although others' do.
    for (let [before, still] = [-1, 0]; still < 20; still = answered - 1 === before ? still + 1 : 0) {
      before = answered;
      const other = await sendAndClose(plane.port, getOf('/other', CLOSE));
      assert.ok(other.endsWith(bodyOf('/other')));
    }
    assert.ok(answered < asked.length, 'the client is too slow');
    slow.socket.resume();
    const bodies = (await slow.closed()).split(/HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n/s).slice(1);
    assert.equal(bodies.length, asked.length);
    assert.equal(
      bodies.findIndex((body, n) => body !== bodyOf(asked[n] as string)),
      -1,
    );
  });
});

describe('a failed connection', () => {
  it('is a 502 connect_refused, counted for the endpoint', async (t) => {
    const port = await refusedPortOf(t);
    const plane = await planeOf(t, oneVersion(port));
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [502]);
    assert.match(received, /Proxy-Status: sluice; error=connection_refused/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.connectRefused), 1);
    assert.equal(endpointWord(plane, port, 'connectFailures'), 2, 'both attempts');
    assert.equal(endpointWord(plane, port, 'open'), 0);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });

  it('by reset before the answer is a 502, its detail without secrets', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const plane = await planeOf(t, oneVersion(upstream.port));
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [502]);
    assert.match(received, /Proxy-Status: sluice; error=connection_terminated/);
    assert.doesNotMatch(received, /127\.0\.0\.1/);
  });
});
