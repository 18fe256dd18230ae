/** Connections of HTTP/2: counted, limited and ended like any other, and told before. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { HTTP2_WORD } from '#src/model/threads/load/http2.ts';
import { LINGER_MS } from '#src/proxy/http1/client-terms.ts';
import { Http2Connection } from '#src/proxy/http2/connection.ts';
import { Session } from '#src/proxy/http2/session/session.ts';
import { ClientStream } from '#src/proxy/http2/stream.ts';
import {
  ACK,
  abusesOf,
  END_STREAM,
  ERROR,
  frame,
  GET,
  goawayOf,
  headers,
  isAnswered,
  type RawHttp2,
  rawHttp2,
  request,
  resetOf,
  setting,
  shown,
  TYPE,
  word,
} from '../../../support/http/http2.ts';
import type { PlaneSketch, TestPlane } from '../../../support/plane.ts';
import { TIMEOUTS } from '../../../support/proxy/limits.ts';
import {
  answeringOf,
  eventually,
  heldOf,
  httpUpstreamOf,
  oneVersion,
  planeOf,
  settled,
  stoppedClock,
  turningClock,
} from '../../../support/proxy/running.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const PRIORITY = frame(TYPE.priority, 0, 1, Buffer.alloc(5));
/** Of loopback connections, both ends of two together. */
const MORE_THAN_KERNELS_HOLD = 48 * 1_048_576;

async function answeringPlane(t: TestContext, sketch: Partial<PlaneSketch> = {}): Promise<TestPlane> {
  const upstream = await answeringOf(t);
  return planeOf(t, { ...oneVersion(upstream.port), http2: true, ...sketch });
}

async function ask(session: ClientHttp2Session, path = '/'): Promise<number> {
  const stream = session.request({ ':path': path });
  stream.resume();
  const [response] = (await once(stream, 'response')) as [{ ':status': number }];
  return response[':status'];
}

/** A connection whose client has asked until it is read from no more, and has taken nothing. */
interface Stuffed {
  readonly plane: TestPlane;
  readonly client: RawHttp2;
  readonly connection: Http2Connection;
  /** Requests that were sent, and those of them that were begun. All of the latter are answered. */
  readonly asked: number;
  readonly begun: () => number;
}

async function stuffedOf(t: TestContext): Promise<Stuffed> {
  const head = `HTTP/1.1 200 OK\r\nX-Long: ${'y'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`;
  const plane = await planeOf(t, { ...oneVersion((await answeringOf(t, head)).port), http2: true });
  const connections = new Set<Http2Connection>();
  const begins = Reflect.get(Http2Connection.prototype, 'begins');
  t.mock.method(
    Http2Connection.prototype,
    'begins',
    function (this: Http2Connection, ...args: Parameters<Http2Connection['begins']>) {
      connections.add(this);
      begins.apply(this, args);
    },
  );
  const client = rawHttp2(t, plane.port);
  await client.until((frames) => frames.length > 0);
  client.socket.pause();
  const begun = (): number => plane.count(GATEWAY_CELL, CELL.http2 + HTTP2_WORD.requests);
  let asked = 0;
  // What the kernel holds for it comes before.
  while (begun() === asked && asked < 3000) {
    client.send(...Array.from({ length: 90 }, (_, n) => headers(2 * (asked + n) + 1, GET)));
    asked += 90;
    await settled(begun, 1);
    await eventually(() => plane.count(0, CELL.inFlight) === 0, 'all that was begun is answered');
  }
  assert.ok(begun() < asked, `${begun()} of ${asked} requests were begun`);
  return { plane, client, connection: [...connections][0] as Http2Connection, asked, begun };
}

function answersIn({ frames }: RawHttp2): number {
  return frames.filter(({ flags, type }) => type === TYPE.headers && (flags & END_STREAM) !== 0).length;
}

/** @returns the most reads of connections in one round of the loop so far. */
function mostReadsARound(t: TestContext): () => number {
  const received = Reflect.get(Http2Connection.prototype, 'received');
  let reads = 0;
  let most = 0;
  t.mock.method(Http2Connection.prototype, 'received', function (this: Http2Connection, count: number) {
    most = Math.max(most, ++reads);
    received.call(this, count);
  });
  const look = (): void => {
    reads = 0;
    round = setImmediate(look);
  };
  let round = setImmediate(look);
  t.after(() => clearImmediate(round));
  return () => most;
}

/** Resolves when all that is due has expired. */
function swept({ lane: { deadlines } }: Http2Connection): Promise<void> {
  return new Promise((resolve) => {
    const witness = {
      deadlineAtMs: 0,
      slot: -1,
      expire: () => {
        deadlines.remove(witness);
        resolve();
      },
    };
    deadlines.add(witness);
  });
}

describe('a connection of HTTP/2', () => {
  it('is counted, and is one of the connections that there may be', async (t) => {
    const plane = await answeringPlane(t, { limits: { connectionsMax: 1 } });
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, GET));
    await client.until((frames) => isAnswered(frames, 1));
    assert.equal(plane.plane.listener.connections, 1);
    assert.equal(plane.count(GATEWAY_CELL, CELL.http2 + HTTP2_WORD.connections), 1);
    const refused = rawHttp2(t, plane.port);
    assert.equal(shown(await refused.closed()), '');
    client.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
    assert.deepEqual(abusesOf(plane), {});
  });

  it('serves many streams at once, and refuses one beyond the limit, which may be begun again', async (t) => {
    const held = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(held.upstream.port), http2: true, limits: { http2StreamsMax: 3 } });
    const client = rawHttp2(t, plane.port);
    await client.until((frames) => frames.length > 0);
    for (const id of [1, 3, 5]) client.send(headers(id, request('GET', `/${id}`)));
    await eventually(() => held.paths.length === 3, 'three are under way');
    held.answer(held.paths.indexOf('/5'));
    await client.until((frames) => isAnswered(frames, 5));
    client.send(headers(7, request('GET', '/7')));
    await eventually(() => held.paths.includes('/7'), 'there is room again');
    client.send(headers(9, request('GET', '/9')));
    await client.until((frames) => resetOf(frames, 9) !== null);
    assert.equal(resetOf(client.frames, 9), ERROR.refused);
    held.answer(held.paths.indexOf('/1'));
    await client.until((frames) => isAnswered(frames, 1));
    client.send(headers(11, request('GET', '/9')));
    await eventually(() => held.paths.includes('/9'), 'it is begun again');
    assert.deepEqual([goawayOf(client.frames), abusesOf(plane)], [null, {}]);
  });

  it('ends with the number of requests that a connection may have', WAITS, async (t) => {
    const plane = await answeringPlane(t, { limits: { requestsPerConnectionMax: 2 } });
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, GET), headers(3, GET));
    await client.closed();
    assert.ok(isAnswered(client.frames, 1) && isAnswered(client.frames, 3), shown(client.frames));
    assert.equal(goawayOf(client.frames), ERROR.none);
  });

  it('that is idle is told, and closed', async (t) => {
    turningClock(t);
    const plane = await answeringPlane(t, { timeouts: { idleMs: 50 } });
    const session = connect(`http://127.0.0.1:${plane.port}`);
    t.after(() => session.destroy());
    assert.equal(await ask(session), 200);
    await once(session, 'close');
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
    assert.deepEqual(abusesOf(plane), {});
  });

  it('drains: says so first, finishes what is under way, then says which was the last', WAITS, async (t) => {
    turningClock(t);
    const held = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(held.upstream.port), http2: true });
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, request('GET', '/1')));
    await eventually(() => held.paths.length === 1, 'it is under way');
    const drained = plane.plane.drain();
    const goaways = () => client.frames.filter(({ type }) => type === TYPE.goaway);
    await client.until(() => goaways().length === 1);
    assert.equal(goaways()[0]?.payload.readUInt32BE(0), 2 ** 31 - 1);
    // Begun before the client has said that it heard of it.
    client.send(headers(3, request('GET', '/3')));
    await eventually(() => held.paths.length === 2, 'that one is served too');
    await client.until(() => goaways().length === 2);
    assert.equal(goaways()[1]?.payload.readUInt32BE(0), 3);
    held.answer(0);
    held.answer(1);
    await client.closed();
    assert.ok(isAnswered(client.frames, 1) && isAnswered(client.frames, 3), shown(client.frames));
    await drained;
  });

  it('with nothing under way drains at once', async (t) => {
    const plane = await answeringPlane(t);
    const session = connect(`http://127.0.0.1:${plane.port}`);
    t.after(() => session.destroy());
    assert.equal(await ask(session), 200);
    const closed = once(session, 'close');
    await plane.plane.drain();
    await closed;
  });

  it('is told with its next answer when another process accepts from its socket', WAITS, async (t) => {
    const plane = await answeringPlane(t);
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, GET));
    await client.until((frames) => isAnswered(frames, 1));
    plane.plane.leave();
    client.send(headers(3, GET));
    await client.closed();
    assert.ok(isAnswered(client.frames, 3), shown(client.frames));
    assert.equal(goawayOf(client.frames), ERROR.none);
  });

  it('that is cut takes its streams along, each recorded once', async (t) => {
    const held = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(held.upstream.port), http2: true });
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, GET), headers(3, GET));
    await eventually(() => held.paths.length === 2, 'both are under way');
    client.socket.resetAndDestroy();
    await eventually(() => plane.count(0, CELL.inFlight) === 0, 'both are over');
    assert.equal(plane.count(0, CELL.ignored), 2);
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
  });

  it('ends with the plane', async (t) => {
    const plane = await answeringPlane(t);
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, GET));
    await client.until((frames) => isAnswered(frames, 1));
    plane.close();
    await client.closed();
    assert.equal(plane.plane.listener.connections, 0);
  });

  it('whose client asks and takes nothing is not read from any more, and goes on when it does', async (t) => {
    const { client, asked } = await stuffedOf(t);
    client.socket.resume();
    await client.until(() => answersIn(client) === asked);
    assert.equal(goawayOf(client.frames), null);
  });

  it('that asks for very much at once is read once in a round of the loop', async (t) => {
    const plane = await answeringPlane(t, { limits: { requestsPerConnectionMax: 1_000_000 } });
    const most = mostReadsARound(t);
    const client = rawHttp2(t, plane.port);
    await client.until((frames) => frames.length > 0);
    const count = 12_000;
    client.send(...Array.from({ length: count }, (_, n) => headers(2 * n + 1, request('OPTIONS', '*'))));
    await client.until((frames) => isAnswered(frames.slice(-200), 2 * count - 1));
    assert.equal(most(), 1);
  });

  it('that sends very many frames at once is read once in a round of the loop, so that others have their turns', async (t) => {
    const limits = { http2AbuseMax: 1_000_000 };
    const plane = await answeringPlane(t, { limits });
    const most = mostReadsARound(t);
    const client = rawHttp2(t, plane.port);
    await client.until((frames) => frames.length > 0);
    client.send(Buffer.alloc(60_000 * PRIORITY.length, PRIORITY), frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
    await client.until((frames) => frames.some(({ type, flags }) => type === TYPE.ping && flags === ACK));
    assert.equal(most(), 1);
  });

  it('whose client does not acknowledge the settings in time is ended with SETTINGS_TIMEOUT, and counted', async (t) => {
    const clock = turningClock(t);
    const held = await heldOf(t);
    const sketch = { http2: true, timeouts: { headMs: 100 } };
    const plane = await planeOf(t, { ...oneVersion(held.upstream.port), ...sketch });
    const client = rawHttp2(t, plane.port, undefined, false);
    client.send(headers(1, GET));
    await client.closed();
    assert.equal(goawayOf(client.frames), ERROR.settingsTimeout);
    assert.deepEqual(abusesOf(plane), { stalled: 1 });
    const good = rawHttp2(t, plane.port);
    good.send(headers(1, GET));
    await good.until((frames) => frames.length > 0);
    await clock.passed(300);
    good.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
    await good.until((frames) => frames.some(({ type }) => type === TYPE.ping));
    assert.deepEqual([goawayOf(good.frames), abusesOf(plane)], [null, { stalled: 1 }]);
  });

  it('that ends waits for a client that is slow to take its last answers, and from then on as for any other', async (t) => {
    const pass = stoppedClock(t);
    const { client, connection, begun } = await stuffedOf(t);
    client.socket.allowHalfOpen = true;
    connection.drain();
    connection.expire(nowMs());
    pass(TIMEOUTS.bodyIdleMs - 1);
    await swept(connection);
    const last = begun();
    client.socket.resume();
    await client.until((frames) => answersIn(client) === last && goawayOf(frames) === ERROR.none);
    await eventually(() => connection.deadlineAtMs === nowMs() + LINGER_MS, 'it lingers');
  });

  it('that ends gives a client up that takes nothing for long', async (t) => {
    const pass = stoppedClock(t);
    const { plane, connection } = await stuffedOf(t);
    connection.drain();
    connection.expire(nowMs());
    pass(TIMEOUTS.bodyIdleMs);
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
  });

  it('whose client says that it goes, and FIN, is told the rest', async (t) => {
    const { plane, client, connection, begun } = await stuffedOf(t);
    client.socket.allowHalfOpen = true;
    connection.drain();
    connection.expire(nowMs());
    const heard = t.mock.method(Http2Connection.prototype, 'ended');
    client.socket.end();
    await eventually(() => heard.mock.callCount() === 1, 'it has heard of that');
    const last = begun();
    client.socket.resume();
    await client.until((frames) => answersIn(client) === last && goawayOf(frames) === ERROR.none);
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
  });

  it('that meets a defect of ours while it sends ends, and nothing else does', async (t) => {
    const port = await httpUpstreamOf(t, (_request, response) => response.end(Buffer.alloc(MORE_THAN_KERNELS_HOLD)));
    const plane = await planeOf(t, { ...oneVersion(port), http2: true });
    const begins = t.mock.method(Http2Connection.prototype, 'begins');
    const flushed = t.mock.method(ClientStream.prototype, 'flushed', () => {
      throw new Error('nobody expected this');
    });
    const client = rawHttp2(t, plane.port);
    const most = 2 ** 31 - 1;
    client.send(frame(TYPE.settings, 0, 0, setting(4, most)), frame(TYPE.window, 0, 0, word(most - 65_535)));
    client.socket.pause();
    client.send(headers(1, GET));
    await eventually(() => begins.mock.calls[0]?.arguments[0].isBackedUp === true, 'the client is too slow');
    client.socket.resume();
    await client.closed();
    assert.equal(flushed.mock.callCount(), 1);
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
    await eventually(() => plane.count(0, CELL.inFlight) === 0, 'its exchange is over');
  });

  it('that meets a defect of ours when its time is over ends, and nothing else does', async (t) => {
    const plane = await answeringPlane(t, { timeouts: { idleMs: 50 } });
    const leave = t.mock.method(Session.prototype, 'leave', () => {
      throw new Error('nobody expected this');
    });
    const client = rawHttp2(t, plane.port);
    await client.closed();
    assert.equal(leave.mock.callCount(), 1);
    await eventually(() => plane.plane.listener.connections === 0, 'it is gone');
  });
});
