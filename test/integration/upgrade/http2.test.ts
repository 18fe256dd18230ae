/** WebSocket over streams of HTTP/2 (RFC 8441) through the gateway, to `ws` and raw servers: opened, carried, refused, ended. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { WebSocket } from 'ws';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import {
  assertQuiet,
  eventually,
  FIRST_CELL,
  httpUpstreamOf,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  upstreamOf,
} from '../../support/proxy/running.ts';
import {
  acceptOf,
  assertEnds,
  closeCode,
  extendedConnect,
  http2To,
  openSessions,
  textFrame,
  webSocketOver,
  webSocketUpstream,
} from '../../support/proxy/upgrade.ts';
import { heldBytes } from '../../support/readings/heap.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
const MEGABYTE = 1_000_000;
/** Reached only when something hangs. */
const LIMIT = { timeout: 240_000 };

async function message(socket: WebSocket): Promise<Buffer> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data;
}

async function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return headers;
}

/** Resolves once it is closed; `once` would fail with its error. */
async function closed(stream: ClientHttp2Stream): Promise<void> {
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve));
}

/** A 101 for the key that a head has. */
function switchingFor(received: string, lines = ''): Buffer {
  const key = /\r\nSec-WebSocket-Key: (\S+)\r\n/.exec(received)?.[1] ?? '';
  const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  return Buffer.from(`${head}Sec-WebSocket-Accept: ${acceptOf(key)}\r\n${lines}\r\n`, 'latin1');
}

describe('a WebSocket over HTTP/2', LIMIT, () => {
  it('is offered, carries messages both ways beside others, and is counted as any session', async (t) => {
    const upstream = await webSocketUpstream(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true, limits: { connectionsMax: 2 } });
    const session = await http2To(t, plane);
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const one = await webSocketOver(session, { ':path': '/chat?room=1' });
    const two = await webSocketOver(session);
    const large = randomBytes(2 * MEGABYTE);
    const heard = Promise.all([message(one), message(two)]);
    one.send(large);
    two.send('hello');
    const [first, second] = await heard;
    assert.ok(large.equals(first));
    assert.equal(String(second), 'hello');
    assert.equal(openSessions(plane), 2);
    assert.equal(plane.plane.listener.connections, 1);
    assert.equal(plane.count(FIRST_CELL, CELL.statusClass + 1), 2);
    // Two streams are one connection: there is room for another.
    await http2To(t, plane);
    one.close(1000);
    assert.equal(await closeCode(one), 1000);
    two.close(1000);
    await assertEnds(plane, { client_closed: 2 });
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('asks the endpoint as HTTP/1.1 does, with a key of its own, and answers 200 without what belongs to that', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n'))
        socket.write(switchingFor(received, 'Sec-WebSocket-Protocol: chat\r\nX-A: b\r\n'));
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const session = await http2To(t, plane);
    const stream = extendedConnect(session, {
      ':path': '/chat?room=1',
      'sec-websocket-protocol': 'chat, other',
      'sec-websocket-key': 'c3VwcGxpZWQgYnkgY2xpZW50',
      cookie: ['a=1', 'b=2'],
    });
    const answer = await headOf(stream);
    assert.deepEqual(
      [answer[':status'], answer['sec-websocket-protocol'], answer['x-a'], answer['via']],
      [200, 'chat', 'b', '1.1 sluice'],
    );
    for (const name of ['connection', 'upgrade', 'sec-websocket-accept']) assert.equal(answer[name], undefined, name);
    const asked = upstream.received[0] ?? '';
    assert.match(asked, /^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
    assert.match(asked, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    assert.match(asked, /\r\ncookie: a=1; b=2\r\n/i);
    assert.match(asked, /\r\nVia: 2 sluice\r\n/i);
    assert.equal(asked.match(/sec-websocket-key/gi)?.length, 1);
    assert.doesNotMatch(asked, /c3VwcGxpZWQ|transfer-encoding|content-length/i);
  });

  it('gives nothing to the endpoint before its 101, and what came meanwhile after it', async (t) => {
    let agree = (): void => undefined;
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) agree = () => void socket.write(switchingFor(received));
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const session = await http2To(t, plane);
    const stream = extendedConnect(session);
    stream.write(textFrame('early'));
    await eventually(() => (upstream.received[0] ?? '').endsWith('\r\n\r\n'), 'it is asked');
    // An answer to a PING says that what was sent before was read.
    await new Promise((resolve) => session.ping(resolve));
    assert.doesNotMatch(upstream.received[0] ?? '', /early/);
    agree();
    await eventually(() => (upstream.received[0] ?? '').endsWith('early'), 'it follows');
  });
});

describe('an extended CONNECT is refused', LIMIT, () => {
  it('with 501 by a route without upgrades, for another protocol, and towards endpoints that speak HTTP/2', async (t) => {
    const port = await httpUpstreamOf(t, () => assert.fail('the endpoint was asked'));
    const route = oneVersion(port).routes[0];
    assert.ok(route !== undefined);
    const none = { ...route, upgrade: { protocols: [], onRollback: 'close' } } as const;
    const other = { ...route, upgrade: { protocols: ['chat'], onRollback: 'close' } } as const;
    const spoken = { versions: [{ name: 'v1', ports: [port], weight: 1, protocol: 'h2c' }] } as const;
    for (const [at, protocol] of [
      [none, 'websocket'],
      [spoken, 'websocket'],
      [route, 'connect-udp'],
      [other, 'chat'],
    ] as const) {
      const plane = await planeOf(t, { routes: [at], http2: true });
      const stream = extendedConnect(await http2To(t, plane), { ':protocol': protocol });
      const answer = await headOf(stream);
      assert.equal(answer[':status'], 501);
      assert.equal((JSON.parse(await text(stream)) as { reason: string }).reason, 'upgrade_refused');
      assert.equal(stream.rstCode, NGHTTP2_NO_ERROR);
      assert.equal(reasonCount(plane, ROUTE_CELL, REASON.upgradeRefused), 1);
      assert.equal(plane.count(ROUTE_CELL, CELL.bad), 0);
    }
  });

  it('as malformed where it has a length, no path, or another method', async (t) => {
    const plane = await planeOf(t, { ...oneVersion(1), http2: true });
    const session = await http2To(t, plane);
    for (const headers of [{ 'content-length': '3' }, { ':method': 'GET' }, { ':protocol': 'web socket' }]) {
      const stream = extendedConnect(session, headers);
      await closed(stream);
      assert.equal(stream.rstCode, constants.NGHTTP2_PROTOCOL_ERROR, JSON.stringify(headers));
    }
    const fine = extendedConnect(session);
    assert.equal((await headOf(fine))[':status'], 502);
  });

  it('by its endpoint, whose answer passes as it is', async (t) => {
    for (const framing of ['length', 'chunked'] as const) {
      const upstream = await upstreamOf(t, (socket, received) => {
        if (!received.endsWith('\r\n\r\n')) return;
        const body =
          framing === 'length'
            ? 'Content-Length: 5\r\n\r\nsorry'
            : 'Transfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n';
        socket.write(`HTTP/1.1 403 Forbidden\r\nX-Why: no\r\n${body}`);
      });
      const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
      const stream = extendedConnect(await http2To(t, plane));
      const answer = await headOf(stream);
      assert.deepEqual([answer[':status'], answer['x-why'], await text(stream)], [403, 'no', 'sorry']);
      await closed(stream);
      assert.equal(stream.rstCode, NGHTTP2_NO_ERROR);
      assert.equal(plane.count(FIRST_CELL, CELL.statusClass + 4), 1);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
      assert.equal(plane.plane.listener.connections, 1);
      await plane.plane.drain();
    }
  });

  it('with 502 when the 101 does not answer the key', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(switchingFor('\r\nSec-WebSocket-Key: another\r\n'));
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const stream = extendedConnect(await http2To(t, plane));
    assert.equal((await headOf(stream))[':status'], 502);
    assert.match(await text(stream), /Sec-WebSocket-Accept is missing or wrong/);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamProtocol), 1);
  });
});

describe('a WebSocket over HTTP/2 ends', LIMIT, () => {
  it('half-way: the other direction goes on until its own end', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write(switchingFor(received));
      socket.prependListener('end', () => socket.end(Buffer.from(textFrame('after'), 'latin1')));
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const stream = extendedConnect(await http2To(t, plane));
    await headOf(stream);
    stream.end('last words');
    stream.setEncoding('latin1');
    assert.equal(await text(stream), textFrame('after'));
    assert.match(upstream.received[0] ?? '', /last words$/);
    await closed(stream);
    assert.equal(stream.rstCode, NGHTTP2_NO_ERROR);
    await assertEnds(plane, { client_abnormal: 1 });
  });

  it('for the endpoint with a reset when the client resets the stream, or its connection is lost', async (t) => {
    for (const way of ['stream', 'connection'] as const) {
      let broken = '';
      const upstream = await upstreamOf(t, (socket, received) => {
        if (received.endsWith('\r\n\r\n')) socket.write(switchingFor(received));
        socket.on('error', (error: NodeJS.ErrnoException) => {
          broken = error.code ?? '';
        });
      });
      const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
      const session = await http2To(t, plane);
      const stream = extendedConnect(session);
      await headOf(stream);
      if (way === 'stream') stream.close(NGHTTP2_CANCEL);
      else session.destroy();
      await eventually(() => broken === 'ECONNRESET', 'the endpoint hears of it');
      await assertEnds(plane, { client_abnormal: 1 });
    }
  });

  it('for the client with RST_STREAM (CANCEL) when the endpoint breaks, and the connection goes on', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(switchingFor(received));
      else socket.resetAndDestroy();
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const session = await http2To(t, plane);
    const stream = extendedConnect(session);
    await headOf(stream);
    stream.write('x');
    await closed(stream);
    assert.equal(stream.rstCode, NGHTTP2_CANCEL);
    await assertEnds(plane, { upstream_abnormal: 1 });
    assert.equal((await headOf(extendedConnect(session)))[':status'], 200);
  });

  it('with a close frame when it is idle, and with a drain, which leaves no connection', async (t) => {
    const upstream = await webSocketUpstream(t);
    const idle = await planeOf(t, { ...oneVersion(upstream.port), http2: true, timeouts: { upgradeIdleMs: 150 } });
    assert.equal(await closeCode(await webSocketOver(await http2To(t, idle))), 1001);
    await assertEnds(idle, { idle_timeout: 1 });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const code = closeCode(await webSocketOver(await http2To(t, plane)));
    await plane.plane.drain();
    assert.equal(await code, 1001);
    await assertEnds(plane, { drained: 1 });
    assert.equal(plane.plane.listener.connections, 0);
  });
});

describe('back-pressure over HTTP/2', LIMIT, () => {
  it('stops the endpoint when the client does not read, and the client when the endpoint does not', async (t) => {
    for (const stalled of ['client', 'upstream'] as const) {
      const upstream = await webSocketUpstream(t, () => undefined);
      const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
      const socket = await webSocketOver(await http2To(t, plane));
      const [atUpstream] = [...upstream.server.clients] as [WebSocket];
      const [writer, reader] = stalled === 'client' ? [atUpstream, socket] : [socket, atUpstream];
      reader.pause();
      const before = await heldBytes();
      for (let n = 0; n < 32; n++) writer.send(Buffer.alloc(MEGABYTE));
      let left = writer.bufferedAmount;
      await eventually(() => {
        const isStill = writer.bufferedAmount === left;
        left = writer.bufferedAmount;
        return isStill;
      }, 'nothing moves');
      // Loopback's own buffers take some megabytes; what is left over is not in the gateway.
      assert.ok(left > 16 * MEGABYTE, `${left} bytes wait at the writer`);
      const grown = (await heldBytes()) - before - 32 * MEGABYTE;
      assert.ok(grown < 8 * MEGABYTE, `${grown} bytes are held elsewhere in this process`);
      let received = 0;
      const all = new Promise<void>((resolve) => {
        reader.on('message', () => {
          if (++received === 32) resolve();
        });
      });
      reader.resume();
      await all;
    }
  });
});
