/** Copies for a mirror: complete, bounded, counted, and without any effect on whoever sent the original. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { CELL, CELL_WORDS, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { COPIES_MAX } from '#src/proxy/forward/mirror/mirror.ts';
import { Streams } from '#src/proxy/record/streams.ts';
import { blackholeOf } from '../../../../support/http/blackhole.ts';
import { brokeredOf, countingOf, plain, postOf } from '../../../../support/http/brokered.ts';
import { authorityOf } from '../../../../support/http/certificates.ts';
import { SORRY } from '../../../../support/http/fallen.ts';
import { END_STREAM, headers, perRequest, rawHttp2Of, TYPE } from '../../../../support/http/h2-endpoint.ts';
import { headers as asked, data, END_HEADERS, rawHttp2, request } from '../../../../support/http/http2.ts';
import { endpointIdOf, listenLoopback, type PlaneSketch, readCell, type TestPlane } from '../../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  refusedPortOf,
  turningClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import type { RawUpstream } from '../../../../support/raw.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const POST = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n';

function mirroring(port: number, mirrorPort: number, ratio = 1, timeouts = {}): PlaneSketch {
  const [route] = oneVersion(port).routes;
  return { routes: [{ ...route!, mirror: { ports: [mirrorPort], ratio } }], timeouts };
}

/** Sent, skipped, failed. */
function outcomes(plane: TestPlane): number[] {
  return [CELL.mirrorSent, CELL.mirrorSkipped, CELL.mirrorFailed].map((word) => plane.count(ROUTE_CELL, word));
}

function answered(t: TestContext): Promise<RawUpstream> {
  return upstreamOf(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n') || received.endsWith('hi')) socket.write(OK);
  });
}

describe('a mirror', () => {
  it('that answers with a stream leaves nothing of its copies with the streams that are open', async (t) => {
    const begun = t.mock.method(Streams.prototype, 'begin');
    const events =
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n';
    const [version, mirror] = [await answered(t), await answeringOf(t, events)];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    const client = clientOf(t, plane);
    for (let n = 0; n < 3; n++) assert.equal(await askedOn(client, GET), 200);
    await eventually(() => outcomes(plane)[0] === 3, 'all copies were answered');
    assert.equal(begun.mock.callCount(), 0);
  });

  it('gets what the version gets, over connections it keeps, and its answers go nowhere', async (t) => {
    const [version, mirror] = [
      await answered(t),
      await upstreamOf(t, (socket) => socket.write('HTTP/1.1 500 Mirror\r\nContent-Length: 6\r\n\r\nmirror')),
    ];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    const client = clientOf(t, plane);
    for (const [nth, request] of [getOf('/1'), `${POST}hi`, getOf('/2')].entries()) {
      assert.equal(await askedOn(client, request), 200);
      await eventually(() => outcomes(plane)[0] === nth + 1, 'the copy is answered');
    }
    assert.equal(mirror.received.join(''), version.received.join(''));
    assert.doesNotMatch(client.received(), /mirror/i);
    assert.equal(readCell(plane, FIRST_CELL).finished, 3);
    assert.equal(readCell(plane, ROUTE_CELL).bad, 0);
  });

  it('gets copies in what its endpoints speak', async (t) => {
    const version = await answered(t);
    const mirror = await rawHttp2Of(
      t,
      perRequest((id) => headers(id, { ':status': '200' }, END_STREAM)),
    );
    const [route] = mirroring(version.port, mirror.port).routes;
    const copies = { ports: [mirror.port], ratio: 1, protocol: 'h2c' as const };
    const plane = await planeOf(t, { routes: [{ ...route!, mirror: copies }] });
    assert.equal(await askedOn(clientOf(t, plane), `${POST}hi`), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'a copy is answered');
    const sent = mirror.frames.filter(({ type }) => type === TYPE.data).map(({ payload }) => String(payload));
    assert.equal(sent.join(''), 'hi');
  });

  it('gets the share that is configured', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const plane = await planeOf(t, { ...mirroring(version.port, mirror.port, 0.25), seed: 5 });
    t.diagnostic('seed 5');
    const client = clientOf(t, plane);
    for (let n = 0; n < 400; n++) assert.equal(await askedOn(client, GET), 200);
    const total = (): number => outcomes(plane).reduce((sum, count) => sum + count, 0);
    // 100 expected, a standard deviation of 8.7.
    assert.ok(total() > 60 && total() < 140, String(total()));
  });

  it('gets a body that comes after its head when all of it is here', async (t) => {
    const ended = (received: string): boolean => received.endsWith('hi') || received.endsWith('\r\n0\r\n\r\n');
    const [version, mirror] = [
      await upstreamOf(t, (socket, received) => ended(received) && socket.write(OK)),
      await upstreamOf(t, (socket, received) => ended(received) && socket.write(OK)),
    ];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    const client = clientOf(t, plane);
    client.send(POST);
    await eventually(() => version.received.length === 1, 'the head');
    assert.equal(mirror.received.length, 0);
    assert.equal(await askedOn(client, 'hi'), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    assert.equal(mirror.received.join(''), version.received.join(''));
    client.send('POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await eventually(() => version.received.join('').endsWith('abc\r\n'), 'the first chunk');
    assert.equal(await askedOn(client, '2\r\nde\r\n0\r\n\r\n'), 200);
    await eventually(() => outcomes(plane)[0] === 2, 'the second copy is answered');
    assert.deepEqual(outcomes(plane), [2, 0, 0]);
    const bodies = [mirror, version].map(({ received }) => received.join('').split('\r\n\r\n').slice(1).join('|'));
    assert.equal(bodies[0], bodies[1]);
  });

  it('gets bodies of HTTP/2, in what its endpoints speak', async (t) => {
    const version = await upstreamOf(t, (socket, received) => received.endsWith('\r\n0\r\n\r\n') && socket.write(OK));
    const whole = await upstreamOf(t, (socket, received) => received.endsWith('\r\n0\r\n\r\n') && socket.write(OK));
    const framed = await rawHttp2Of(t, {
      on: (socket, { flags, id }) =>
        void ((flags & END_STREAM) !== 0 && socket.write(headers(id, { ':status': '200' }, END_STREAM))),
    });
    for (const [port, protocol] of [
      [whole.port, 'http1'],
      [framed.port, 'h2c'],
    ] as const) {
      const [route] = oneVersion(version.port).routes;
      const mirror = { ports: [port], ratio: 1, ...(protocol === 'h2c' && { protocol }) };
      const plane = await planeOf(t, { routes: [{ ...route!, mirror }], http2: true });
      const session = connect(`http://127.0.0.1:${plane.port}`);
      t.after(() => session.destroy());
      const stream = session.request({ ':method': 'POST', ':path': '/p', ':authority': 'a' });
      stream.write('one');
      await eventually(() => version.received.join('').includes('one'), 'the first of it');
      stream.end('two');
      stream.resume();
      await once(stream, 'end');
      await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    }
    assert.equal(whole.received.join('').split('\r\n\r\n').slice(1).join(''), '3\r\none\r\n3\r\ntwo\r\n0');
    const sent = framed.frames.filter(({ type }) => type === TYPE.data).map(({ payload }) => String(payload));
    assert.equal(sent.join(''), 'onetwo');
  });

  it('gets no body that is larger than what is kept of one, nor one that does not end', async (t) => {
    const version = await upstreamOf(t, (socket, received) => received.endsWith('\r\n0\r\n\r\n') && socket.write(OK));
    const mirror = await answered(t);
    const plane = await planeOf(t, { ...mirroring(version.port, mirror.port), limits: { replayBodyBytesMax: 10 } });
    const client = clientOf(t, plane);
    client.send('POST /long HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await eventually(() => version.received.length === 1, 'the head');
    assert.equal(await askedOn(client, 'b\r\nhello world\r\n0\r\n\r\n'), 200);
    assert.deepEqual(outcomes(plane), [0, 1, 0]);
    client.send(POST);
    await eventually(() => version.received.join('').includes('/p '), 'the head of another');
    client.socket.destroy();
    await eventually(() => outcomes(plane)[1] === 2, 'it is skipped');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [version.port]);
    assert.equal(mirror.sockets.length, 0);
  });

  it('gets no body that a key had held, if it is larger', async (t) => {
    const mirror = await answered(t);
    const { port, bodies } = await countingOf(t, plain);
    const more = { mirror: { ports: [mirror.port], ratio: 1 }, sketch: { limits: { replayBodyBytesMax: 10 } } };
    const plane = await brokeredOf(t, port, {}, more);
    assert.equal(await askedOn(clientOf(t, plane), postOf('k', 'hello world')), 201);
    assert.equal(await askedOn(clientOf(t, plane), postOf('l', 'hi')), 201);
    await eventually(() => outcomes(plane)[0] === 1, 'the other one is sent');
    assert.deepEqual([bodies, outcomes(plane), mirror.sockets.length], [['hello world', 'hi'], [1, 1, 0], 1]);
  });

  it('gets nothing of a request that is given up at once, while its answer takes its time', async (t) => {
    const mirror = await answered(t);
    const [route] = mirroring(await refusedPortOf(t), mirror.port).routes;
    const versions = [{ name: 'v1', ports: [], weight: 1 }];
    const fallback = [{ ...SORRY, body: 's'.repeat(300_000) }];
    const plane = await planeOf(t, { http2: true, routes: [{ ...route!, versions, fallback }] });
    const client = rawHttp2(t, plane.port);
    client.send(asked(1, request('POST', '/', [['content-length', '2']]), END_HEADERS), data(1, 'hi'));
    await client.until((frames) => frames.some(({ type }) => type === TYPE.headers));
    await eventually(() => outcomes(plane)[1] === 1, 'it is skipped');
    assert.equal(mirror.sockets.length, 0);
  });

  for (const [name, target] of [
    ['is down', 'down'],
    ['is mute', 'mute'],
    ['cannot be reached', 'hole'],
    ['breaks the protocol', 'broken'],
  ] as const) {
    it(`that ${name} changes nothing for users, holds a bounded number of copies and is counted`, WAITS, async (t) => {
      turningClock(t);
      const version = await answered(t);
      const port = await targetOf(t, target);
      const plane = await planeOf(t, mirroring(version.port, port, 1, { firstByteMs: 1000, connectMs: 1000 }));
      const client = clientOf(t, plane);
      const count = COPIES_MAX + 20;
      for (let n = 0; n < count; n++) assert.equal(await askedOn(client, GET), 200);
      assert.equal(version.sockets.length, 1);
      const { finished, bad } = readCell(plane, ROUTE_CELL);
      assert.deepEqual([finished, bad, readCell(plane, FIRST_CELL).bad], [count, 0, 0]);
      await eventually(() => outcomes(plane).reduce((sum, each) => sum + each, 0) === count, 'every copy is counted');
      const [sent, skipped, failed] = outcomes(plane) as [number, number, number];
      assert.deepEqual([sent, skipped + failed], [0, count]);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [version.port]);
      assert.equal(plane.count(ROUTE_CELL, CELL.retries), 0);
      const base = endpointIdOf(port) * ENDPOINT_WORDS;
      const own = [...plane.tallies.endpoints.subarray(base, base + ENDPOINT_WORDS)];
      assert.deepEqual(new Set(own), new Set([0]), 'in no endpoint’s account');
    });
  }

  it('that is mute holds 64 copies, and further ones are skipped', async (t) => {
    const version = await answered(t);
    const mirror = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, mirroring(version.port, mirror.port, 1, { firstByteMs: 600_000 }));
    const client = clientOf(t, plane);
    for (let n = 0; n < COPIES_MAX + 7; n++) assert.equal(await askedOn(client, GET), 200);
    assert.deepEqual(outcomes(plane), [0, 7, 0]);
    plane.close();
    await eventually(() => mirror.sockets.every((socket: Socket) => socket.destroyed), 'they end with the plane');
    assert.deepEqual(outcomes(plane), [0, 7, COPIES_MAX]);
  });

  it('is not kept from others by bodies that take their time', WAITS, async (t) => {
    const version = await upstreamOf(
      t,
      perHead((socket, path) => void (path === '/' && socket.write(OK))),
    );
    const mirror = await answered(t);
    const limits = { endpointConnectionsMax: COPIES_MAX + 1 };
    const plane = await planeOf(t, { ...mirroring(version.port, mirror.port, 1, { bodyIdleMs: 600_000 }), limits });
    for (let n = 0; n < COPIES_MAX; n++) clientOf(t, plane).send(POST);
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === COPIES_MAX, 'as many as there may be wait');
    const client = clientOf(t, plane);
    await eventually(async () => {
      assert.equal(await askedOn(client, GET), 200);
      return (outcomes(plane)[0] as number) > 0;
    }, 'a copy is answered');
    assert.doesNotMatch(mirror.received.join(''), /^POST/m);
  });

  it('of another configuration keeps no connections of the old one', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const sketch = mirroring(version.port, mirror.port, 1, { upstreamIdleMs: 600_000 });
    const plane = await planeOf(t, sketch);
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    plane.swap(sketch);
    await eventually(() => mirror.sockets[0]?.destroyed === true, 'the idle connection is closed');
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => outcomes(plane)[0] === 2, 'the next copy is answered');
  });

  it('is counted in the route’s cell alone', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    assert.equal(plane.tallies.cells[FIRST_CELL * CELL_WORDS + CELL.mirrorSent], 0);
  });
});

async function targetOf(t: TestContext, kind: 'down' | 'mute' | 'hole' | 'broken'): Promise<number> {
  if (kind === 'hole') return blackholeOf(t);
  if (kind === 'mute') return (await upstreamOf(t, () => undefined)).port;
  if (kind === 'down') return refusedPortOf(t);
  return (await answeringOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx')).port;
}

describe('a mirror with TLS', () => {
  it('is spoken to as its version is', async (t) => {
    const authority = authorityOf(t);
    const { pem } = authority.issue('mirror', { names: 'IP:127.0.0.1' });
    const asked: (string | undefined)[] = [];
    const server = createServer(pem, (request, response) => {
      asked.push(request.url);
      response.end();
    });
    const port = await listenLoopback(server);
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const version = await answered(t);
    const [route] = oneVersion(version.port).routes;
    const mirror = { ports: [port], ratio: 1, tls: { key: 'm', serverName: null } };
    const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
    const tls = { doors: ['plain'] as const, upstreams: new Map([['m', material]]) };
    const plane = await planeOf(t, { routes: [{ ...route!, mirror }], tls });
    assert.equal(await askedOn(clientOf(t, plane), getOf('/copied')), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    assert.deepEqual(asked, ['/copied']);
  });
});
