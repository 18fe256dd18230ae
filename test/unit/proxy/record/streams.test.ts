/** Streams that the gateway ends: which of them, when, and how that looks to their clients and endpoints. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import { fieldIn, http2EndpointOf } from '../../../support/http/h2-endpoint.ts';
import type { RouteSketch, TestPlane } from '../../../support/plane.ts';
import { bench } from '../../../support/proxy/parts.ts';
import {
  clientOf,
  closedSocket,
  eventually,
  FIRST_CELL,
  getOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import type { RawClient, RawUpstream } from '../../../support/raw.ts';
import { begun, sketch } from '../../../support/readings/recorded.ts';
import { WAITS } from '../../../support/runner/depth.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 120_000 };
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const UNTIL_CLOSE_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const EVENT = '8\r\ndata:1\n\n\r\n';
const LAST = '0\r\n\r\n';
const CLOSE = { streams: { closeAfterMs: 0 } };
const V2 = 'X-Release-Stage: v2\r\n';

/** Answers `/events` with a stream that has had one event, and anything else at once. */
function streamingOf(t: TestContext): Promise<RawUpstream> {
  return upstreamOf(
    t,
    perHead((socket: Socket, path: string) => socket.write(path.startsWith('/events') ? HEAD + EVENT : OK)),
  );
}

/** Two versions that get traffic, told apart by color. */
async function twoVersions(
  t: TestContext,
  ...routes: Partial<RouteSketch>[]
): Promise<[TestPlane, RawUpstream, RawUpstream]> {
  const [stable, canary] = await Promise.all([streamingOf(t), streamingOf(t)]);
  const versions = [
    { name: 'v1', ports: [stable.port], weight: 1 },
    { name: 'v2', ports: [canary.port], weight: 1, colors: ['v2'] },
  ];
  const plane = await planeOf(t, { routes: routes.map((route) => ({ versions, ...route })), http2: true });
  return [plane, stable, canary];
}

async function reading(t: TestContext, plane: TestPlane, request: string): Promise<RawClient> {
  const client = clientOf(t, plane);
  client.send(request);
  await client.until((text) => text.endsWith(EVENT));
  return client;
}

describe('a rollback', LIMIT, () => {
  it('ends the event streams of its version with their bodies, and no others, where the route says so', async (t) => {
    const [plane, stable, canary] = await twoVersions(t, CLOSE);
    const kept = await reading(t, plane, getOf('/events', 'X-Release-Stage: v1\r\n'));
    const ended = await reading(t, plane, getOf('/events', V2));
    Atomics.store(plane.dials, SECOND_CELL, 0);
    await ended.until((text) => text.endsWith(`${EVENT}${LAST}`));
    await closedSocket(canary.sockets[0] as Socket);
    await eventually(() => reasonCount(plane, SECOND_CELL, REASON.streamEnded) === 1, 'it is told');
    assert.deepEqual([plane.count(SECOND_CELL, CELL.finished), plane.count(SECOND_CELL, CELL.bad)], [1, 0]);
    // The connection goes on: who reads the stream again comes to stable.
    ended.send(getOf('/'));
    await ended.until((text) => text.endsWith('ok'));
    stable.sockets[0]?.write(EVENT);
    await kept.until((text) => text.endsWith(EVENT + EVENT));
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.streamEnded), 0);
  });

  it('leaves them where the route says nothing, for as long as it says, and where a color pinned them before', async (t) => {
    const path = (value: string): Pick<RouteSketch, 'matches'> => ({
      matches: [{ path: { type: 'PathPrefix', value }, method: null, headers: [], query: [] }],
    });
    const after = { streams: { closeAfterMs: 3_600_000 } };
    const [plane, , canary] = await twoVersions(
      t,
      { ...CLOSE, ...path('/events/ends') },
      { ...path('/events/stays') },
      { ...after, ...path('/events/later') },
    );
    const request = (what: string): string => getOf(`/events/${what}`, V2);
    const clients: RawClient[] = [];
    for (const what of ['stays', 'later', 'ends']) clients.push(await reading(t, plane, request(what)));
    for (const dial of [SECOND_CELL, 100 + SECOND_CELL, 200 + SECOND_CELL]) Atomics.store(plane.dials, dial, 0);
    await clients[2]?.until((text) => text.endsWith(LAST));
    const pinned = await reading(t, plane, request('ends'));
    const first = clients[2] as RawClient;
    // It is looked at again with each sweep: a stream that began after it has been, and stays.
    Atomics.store(plane.dials, SECOND_CELL, 1);
    const second = await reading(t, plane, request('ends'));
    Atomics.store(plane.dials, SECOND_CELL, 0);
    await second.until((text) => text.endsWith(LAST));
    for (const socket of canary.sockets) if (!socket.destroyed) socket.write(EVENT);
    for (const client of [...clients.slice(0, 2), pinned]) await client.until((text) => text.endsWith(EVENT + EVENT));
    assert.ok(first.received().endsWith(LAST));
    // The drain's end is the end of all of them.
    const over = [...clients.slice(0, 2), pinned].map((client) => client.closed());
    await plane.plane.drain();
    for (const text of await Promise.all(over)) assert.ok(text.endsWith(`${EVENT}${EVENT}${LAST}`));
  });
});

describe('a rollback that is over before the answer begins', LIMIT, () => {
  it('ends the stream of a request that was decided before it, drawn or pinned, and no other', async (t) => {
    const canary = await upstreamOf(t, () => undefined);
    const stable = await streamingOf(t);
    const versions = [
      { name: 'v1', ports: [stable.port], weight: 0, colors: ['v1'] },
      { name: 'v2', ports: [canary.port], weight: 1, colors: ['v2'] },
    ];
    const plane = await planeOf(t, { routes: [{ versions, ...CLOSE }] });
    const asked = async (lines: string, count: number): Promise<RawClient> => {
      const client = clientOf(t, plane);
      client.send(getOf('/events', lines));
      await eventually(() => canary.received.filter((text) => text.endsWith('\r\n\r\n')).length === count, 'asked');
      return client;
    };
    const before = [await asked('', 1), await asked(V2, 2)];
    Atomics.store(plane.dials, FIRST_CELL, 1);
    Atomics.store(plane.dials, SECOND_CELL, 0);
    const after = await asked(V2, 3);
    for (const socket of canary.sockets) socket.write(HEAD + EVENT);
    for (const client of before) await client.until((text) => text.endsWith(`${EVENT}${LAST}`));
    assert.equal(reasonCount(plane, SECOND_CELL, REASON.streamEnded), 2);
    // Two sweeps and more have passed over it.
    canary.sockets[2]?.write(EVENT);
    await after.until((text) => text.endsWith(EVENT + EVENT));
  });
});

describe('an event stream without chunks, which ends with its connection,', LIMIT, () => {
  it('is ended by a rollback as any other', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => void socket.write(`${UNTIL_CLOSE_HEAD}data:1\n\n`)),
    );
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ versions, ...CLOSE }] });
    const client = await reading(t, plane, getOf('/events'));
    Atomics.store(plane.dials, FIRST_CELL, 0);
    await client.until((text) => text.endsWith(`${EVENT}${LAST}`));
    await closedSocket(upstream.sockets[0] as Socket);
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.streamEnded) === 1, 'it is told');
    assert.deepEqual([plane.count(FIRST_CELL, CELL.finished), plane.count(FIRST_CELL, CELL.bad)], [1, 0]);
  });
});

describe('a drain', LIMIT, () => {
  it('ends event streams with their bodies, for clients of HTTP/1.0 with their connections, and waits for nothing else', async (t) => {
    const [plane] = await twoVersions(t, {});
    const first = await reading(t, plane, getOf('/events', V2));
    const second = clientOf(t, plane);
    second.send(`GET /events HTTP/1.0\r\nHost: a\r\n\r\n`);
    await second.until((text) => text.endsWith('data:1\n\n'));
    const texts = Promise.all([first.closed(), second.closed()]);
    await plane.plane.drain();
    const [one, two] = await texts;
    assert.ok(one.endsWith(`${EVENT}${LAST}`));
    assert.ok(two.endsWith('data:1\n\n'));
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.streamEnded), 2);
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 0);
  });

  it('cuts the stream of a client that does not take what there is', WAITS, async (t) => {
    const chunk = `100000\r\n${'x'.repeat(1_048_576)}\r\n`;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => {
        socket.write(HEAD);
        for (let n = 0; n < 32; n++) socket.write(chunk);
      }),
    );
    const plane = await planeOf(t, { routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }] });
    const client = clientOf(t, plane);
    client.send(getOf('/events'));
    await client.until((text) => text.includes('xxx'));
    client.socket.pause();
    await eventually(() => (upstream.sockets[0]?.writableLength ?? 0) > 0, 'it is backed up');
    await plane.plane.drain();
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.streamEnded), 1);
    assert.ok(!client.received().endsWith(LAST));
  });
});

describe('a call of gRPC', LIMIT, () => {
  interface Ended {
    readonly trailers: IncomingHttpHeaders;
    readonly code: number;
  }

  async function endOf(call: ClientHttp2Stream): Promise<Ended> {
    let trailers: IncomingHttpHeaders = {};
    call.on('trailers', (got) => {
      trailers = got;
    });
    call.resume();
    if (!call.destroyed) await new Promise((resolve) => call.once('close', resolve));
    return { trailers, code: call.rstCode ?? -1 };
  }

  it('ends with the trailers of UNAVAILABLE, or is cut where its client takes none; its endpoint is told', async (t) => {
    const asked: ServerHttp2Stream[] = [];
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      asked.push(stream);
      stream.respond({ ':status': 200, 'content-type': fieldIn(raw, 'content-type') });
      stream.write(Buffer.from([0, 0, 0, 0, 1, 7]));
    });
    const versions = [{ name: 'v1', ports: [endpoint.port], weight: 1, protocol: 'h2c' as const }];
    const plane = await planeOf(t, { routes: [{ versions, ...CLOSE }], http2: true });
    const session = connect(`http://127.0.0.1:${plane.port}`);
    t.after(() => session.destroy());
    const call = (headers: Readonly<Record<string, string>>): ClientHttp2Stream => {
      const stream = session.request(
        { ':method': 'POST', 'content-type': 'application/grpc', ...headers },
        { endStream: false },
      );
      stream.on('error', () => undefined);
      return stream;
    };
    const calls = [call({ te: 'trailers' }), call({})];
    await Promise.all(calls.map((one) => once(one, 'data')));
    const ends = Promise.all(calls.map(endOf));
    Atomics.store(plane.dials, FIRST_CELL, 0);
    const [first, second] = await ends;
    assert.equal(first?.trailers['grpc-status'], '14');
    assert.match(String(first?.trailers['grpc-message']), /rollback/);
    assert.equal(first?.code, constants.NGHTTP2_NO_ERROR);
    assert.deepEqual([second?.trailers['grpc-status'], second?.code], [undefined, constants.NGHTTP2_INTERNAL_ERROR]);
    await eventually(() => asked.every(({ rstCode }) => rstCode === constants.NGHTTP2_CANCEL), 'the endpoint is told');
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.streamEnded) === 2, 'both are counted');
    assert.deepEqual([plane.count(FIRST_CELL, CELL.finished), plane.count(FIRST_CELL, CELL.bad)], [2, 0]);
  });
});

describe('streams', () => {
  it('that are over are kept by nobody', () => {
    const on = bench(sketch());
    const x = begun(on);
    const [open, other] = [on.lane.streams.begin(x, false), on.lane.streams.begin(x, true)];
    on.lane.streams.ended(other);
    retryingOf(x).streaming = { firstAtMs: 0, endsAtMs: Number.POSITIVE_INFINITY, open };
    on.lane.recorder.end(Object.assign(x, { status: 200, endedAtMs: x.startedAtMs }));
    assert.deepEqual([open.place, other.place], [-1, -1]);
    on.lane.streams.drain();
    assert.equal(on.lane.deadlines.size, 0);
  });
});
