/** Few connections and many streams: how many, who waits, and who is refused. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  END_STREAM,
  frame,
  headers,
  oneHttp2,
  rawHttp2Of,
  settings,
  TYPE,
} from '../../../../support/http/h2-endpoint.ts';
import { type PlaneSketch, readCell, type TestPlane } from '../../../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  closedSocket,
  eventually,
  FIRST_CELL,
  getOf,
  planeOf,
  ROUTE_CELL,
  turningClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import type { RawClient } from '../../../../support/raw.ts';

/** SETTINGS_MAX_CONCURRENT_STREAMS. */
const STREAMS_MAX = 3;

interface Held {
  readonly plane: TestPlane;
  readonly port: number;
  readonly sockets: readonly { destroyed: boolean }[];
  /** Requests under way, by connection. */
  readonly open: number[];
  readonly asked: () => number;
  readonly answer: (nth: number) => void;
}

/** A plane in front of an endpoint that takes so many streams per connection, and answers when told to. */
async function heldOf(t: TestContext, streamsMax: number, sketch: Partial<PlaneSketch> = {}): Promise<Held> {
  const answers: (() => void)[] = [];
  const open: number[] = [];
  const endpoint = await rawHttp2Of(t, {
    first: settings([[STREAMS_MAX, streamsMax]]),
    on: (socket, { type, id }) => {
      if (type !== TYPE.headers) return;
      const at = endpoint.sockets.indexOf(socket);
      open[at] = (open[at] ?? 0) + 1;
      answers.push(() => {
        open[at] = (open[at] as number) - 1;
        const head = headers(id, { ':status': '200', 'content-length': '2' });
        socket.write(Buffer.concat([head, frame(TYPE.data, END_STREAM, id, 'ok')]));
      });
    },
  });
  const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), ...sketch });
  const { port, sockets } = endpoint;
  return { plane, port, sockets, open, asked: () => answers.length, answer: (nth) => answers[nth]?.() };
}

async function ask(t: TestContext, { plane }: Held, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let n = 0; n < count; n++) {
    const client = clientOf(t, plane);
    const before = readCell(plane, FIRST_CELL).inFlight;
    client.send(getOf(`/${n}`));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === before + 1, `request ${n} is under way`);
    clients.push(client);
  }
  return clients;
}

async function whole(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) await client.until((text) => text.endsWith('ok'));
}

describe('streams', () => {
  it('are as many as the endpoint takes, then there is another connection, then a queue', async (t) => {
    const held = await heldOf(t, 2);
    const clients = await ask(t, held, 2);
    await eventually(() => held.asked() === 2, 'two requests');
    clients.push(...(await ask(t, held, 2)));
    await eventually(() => held.asked() === 4, 'four requests');
    assert.deepEqual(held.open, [2, 2]);
    clients.push(...(await ask(t, held, 2)));
    held.answer(0);
    await eventually(() => held.asked() === 5, 'a fifth');
    assert.deepEqual(held.open, [2, 2], 'in the place that was free');
    for (let n = 1; n < 5; n++) held.answer(n);
    await eventually(() => held.asked() === 6, 'a sixth');
    held.answer(5);
    await whole(clients);
    assert.equal(held.sockets.length, 2);
    await assertQuiet(held.plane, [ROUTE_CELL, FIRST_CELL], [held.port]);
  });

  it('are as many as the configuration allows, and so are connections', async (t) => {
    const held = await heldOf(t, 100, { limits: { sessionStreamsMax: 2, endpointSessionsMax: 1 } });
    const clients = await ask(t, held, 3);
    await eventually(() => held.asked() === 2, 'two requests');
    held.answer(0);
    await eventually(() => held.asked() === 3, 'the third');
    held.answer(1);
    held.answer(2);
    await whole(clients);
    assert.equal(held.sockets.length, 1);
  });

  it('that the endpoint takes fewer of than waited for it are asked for elsewhere', async (t) => {
    const held = await heldOf(t, 1, { limits: { endpointSessionsMax: 4 } });
    const clients = ['/a', '/b', '/c'].map((path) => {
      const client = clientOf(t, held.plane);
      client.send(getOf(path));
      return client;
    });
    await eventually(() => held.asked() === 3, 'three requests');
    for (const nth of [0, 1, 2]) held.answer(nth);
    await whole(clients);
    assert.equal(readCell(held.plane, FIRST_CELL).bad, 0);
  });

  it('that wait for connections wait on while each takes one of them', async (t) => {
    const [count, endpointSessionsMax] = [5, 3];
    const [asked, opens]: [(() => void)[], (() => void)[]] = [[], []];
    const endpoint = await rawHttp2Of(t, {
      opening: () => new Promise((resolve) => opens.push(resolve)),
      first: settings([[STREAMS_MAX, 1]]),
      on: (socket, { type, id }) => {
        const ok = [headers(id, { ':status': '200', 'content-length': '2' }), frame(TYPE.data, END_STREAM, id, 'ok')];
        if (type === TYPE.headers) asked.push(() => socket.write(Buffer.concat(ok)));
      },
    });
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), limits: { endpointSessionsMax } });
    const clients = Array.from({ length: count }, () => clientOf(t, plane));
    for (const client of clients) client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === count, 'all wait');
    for (let n = 0; n < endpointSessionsMax; n++) {
      await eventually(() => opens.length === n + 1, `connection ${n}`);
      opens[n]?.();
    }
    for (let n = 0; n < count; n++) {
      await eventually(() => asked.length > n, `request ${n}`);
      asked[n]?.();
    }
    await whole(clients);
    assert.equal(endpoint.sockets.length, endpointSessionsMax);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.deepEqual([readCell(plane, FIRST_CELL).finished, readCell(plane, FIRST_CELL).bad], [count, 0]);
  });
});

describe('the queue', () => {
  const limits = { sessionStreamsMax: 1, endpointSessionsMax: 1, endpointPendingMax: 1 };

  it('refuses with 503 when it is full', async (t) => {
    const held = await heldOf(t, 1, { limits });
    const clients = await ask(t, held, 2);
    const refused = clientOf(t, held.plane);
    refused.send(getOf('/refused'));
    assert.match(await refused.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 503 [^]*Retry-After/);
    await eventually(() => held.asked() === 1, 'the first');
    held.answer(0);
    await eventually(() => held.asked() === 2, 'the second');
    held.answer(1);
    await whole(clients);
  });

  it('is not waited in for long', async (t) => {
    turningClock(t);
    const held = await heldOf(t, 1, { limits, timeouts: { pendingMs: 100 } });
    const [, second] = await ask(t, held, 2);
    assert.match((await second?.until((text) => text.includes('\r\n\r\n'))) ?? '', /^HTTP\/1\.1 503 /);
  });

  it('is left by a client that goes away', async (t) => {
    const held = await heldOf(t, 1, { limits });
    const clients = await ask(t, held, 2);
    clients[1]?.socket.destroy();
    await eventually(() => readCell(held.plane, FIRST_CELL).ignored === 1, 'the second left');
    const third = await ask(t, held, 1);
    held.answer(0);
    await eventually(() => held.asked() === 2, 'the third');
    held.answer(1);
    await whole(third);
  });
});

describe('an endpoint that left the configuration', () => {
  it('loses its idle connections at once, and the others after their exchanges', async (t) => {
    const held = await heldOf(t, 10);
    const clients = await ask(t, held, 1);
    await eventually(() => held.asked() === 1, 'a request');
    const other = await upstreamOf(t, () => undefined);
    held.plane.swap(oneHttp2([other.port]));
    held.answer(0);
    await whole(clients);
    await closedSocket(held.sockets[0] as never);
  });
});

describe('an upgrade', () => {
  it('is served as a plain request', async (t) => {
    const held = await heldOf(t, 10);
    const client = clientOf(t, held.plane);
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
    client.send(getOf('/', `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`));
    await eventually(() => held.asked() === 1, 'a request');
    held.answer(0);
    await whole([client]);
  });
});
