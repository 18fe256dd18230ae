/** Event streams and long polls in the plain lane: what the upstream has said is at the client before it says more. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type PlaneSketch, readCell, type TestPlane } from '../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  closedSocket,
  eventually,
  FIRST_CELL,
  httpUpstreamOf,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../../support/proxy/running.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 240_000 };
const REQUEST = 'GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n';
const EVENTS = 20;

interface Framing {
  readonly name: string;
  readonly head: string;
  readonly wrap: (event: string) => string;
  readonly end: (socket: Socket) => void;
}

const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
const FRAMINGS: readonly Framing[] = [
  {
    name: 'chunked',
    head: `${STREAM}Transfer-Encoding: chunked\r\n\r\n`,
    wrap: (event) => `${event.length.toString(16)}\r\n${event}\r\n`,
    end: (socket) => void socket.write('0\r\n\r\n'),
  },
  {
    name: 'ended by the connection',
    head: `${STREAM}\r\n`,
    wrap: (event) => event,
    end: (socket) => void socket.end(),
  },
];

function eventOf(n: number): string {
  return `id: ${n}\ndata: ${'x'.repeat(n)}\n\n`;
}

interface Scene {
  readonly plane: TestPlane;
  readonly port: number;
  /** The upstream's end of the exchange. */
  readonly asked: Promise<Socket>;
}

async function scene(t: TestContext, sketch: Partial<PlaneSketch> = {}): Promise<Scene> {
  let ask: (socket: Socket) => void = () => undefined;
  const asked = new Promise<Socket>((resolve) => {
    ask = resolve;
  });
  const { port } = await upstreamOf(
    t,
    perHead((socket) => ask(socket)),
  );
  return { plane: await planeOf(t, { ...oneVersion(port), ...sketch }), port, asked };
}

describe('an event stream', LIMIT, () => {
  for (const { name, head, wrap, end } of FRAMINGS) {
    it(`arrives event by event, each before the upstream writes the next: ${name}`, async (t) => {
      const { plane, port, asked } = await scene(t);
      const client = clientOf(t, plane);
      client.send(REQUEST);
      const upstream = await asked;
      upstream.write(head);
      await client.until((text) => text.includes('\r\n\r\n'));
      for (let n = 1; n <= EVENTS; n++) {
        upstream.write(wrap(eventOf(n)));
        // The upstream is silent until this one was seen.
        await client.until((text) => text.includes(eventOf(n)));
      }
      assert.equal(readCell(plane, FIRST_CELL).inFlight, 1);
      end(upstream);
      await client.until((text) => text.endsWith('0\r\n\r\n'));
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
      assert.equal(readCell(plane, FIRST_CELL).bad, 0);
    });
  }

  it('ends at the upstream as soon as the client leaves', async (t) => {
    const { plane, port, asked } = await scene(t);
    const client = clientOf(t, plane);
    client.send(REQUEST);
    const upstream = await asked;
    upstream.write(`${FRAMINGS[0]?.head}${FRAMINGS[0]?.wrap(eventOf(1))}`);
    await client.until((text) => text.includes(eventOf(1)));
    client.socket.destroy();
    await closedSocket(upstream);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });

  it('reads the same with fetch, from a server on node:http', async (t) => {
    let next: () => void = () => undefined;
    const port = await httpUpstreamOf(t, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      let n = 0;
      next = () => {
        n++;
        if (n > EVENTS) response.end();
        else response.write(eventOf(n));
      };
      next();
    });
    const plane = await planeOf(t, oneVersion(port));
    const response = await fetch(`http://127.0.0.1:${plane.port}/events`);
    let text = '';
    for await (const bytes of response.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(bytes).toString();
      next();
    }
    assert.equal(text, Array.from({ length: EVENTS }, (_, n) => eventOf(n + 1)).join(''));
  });
});

describe('a long poll', LIMIT, () => {
  it('is answered when the upstream answers, and kept alive meanwhile', async (t) => {
    const { plane, asked } = await scene(t);
    const client = clientOf(t, plane);
    client.send(REQUEST);
    const upstream = await asked;
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 1, 'under way');
    assert.equal(client.received(), '');
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    upstream.write('ne');
    await client.until((text) => text.endsWith('ne'));
    upstream.write('ws');
    await client.until((text) => text.endsWith('news'));
  });
});
