/**
 * An exception that nobody expected (an allocation that fails, an assertion) ended the connection in whose turn it came up only when that
 * was a client's of HTTP/2: in the turn of an upstream, or of a time that was over, it ended the worker, and with it all connections.
 */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { BodyReader } from '#src/proxy/http1/body.ts';
import { ClientConnection } from '#src/proxy/http1/connection.ts';
import { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { FrameSender } from '#src/proxy/http2/session/sender.ts';
import { ClientStream } from '#src/proxy/http2/stream.ts';
import { http2EndpointOf, oneHttp2 } from '../support/http/h2-endpoint.ts';
import { GET, headers, isAnswered, type RawHttp2, rawHttp2, request, resetOf } from '../support/http/http2.ts';
import type { RouteSketch, TestPlane } from '../support/plane.ts';
import { clientOf, eventually, getOf, type Held, heldOf, oneVersion, planeOf } from '../support/proxy/running.ts';

const UNEXPECTED = 'nobody expected this';

/** Has a method throw when it is called next, and then be as it was. */
function failOnce<T extends object>(t: TestContext, of: T, method: keyof T & string): () => number {
  const real = Reflect.get(of, method) as (...args: unknown[]) => unknown;
  let count = 0;
  Reflect.set(of, method, function (this: T, ...args: unknown[]): unknown {
    if (count > 0) return Reflect.apply(real, this, args);
    count++;
    throw new Error(UNEXPECTED);
  });
  t.after(() => Reflect.set(of, method, real));
  return () => count;
}

interface Scene {
  readonly held: Held;
  readonly plane: TestPlane;
  /** Who has a request under way, and nothing to do with the other. */
  readonly innocent: RawHttp2;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const held = await heldOf(t);
  const routes = oneVersion(held.upstream.port).routes.map((route) => ({ ...route, retry: { retriesMax: 0 } }));
  const plane = await planeOf(t, { routes, http2: true });
  const innocent = rawHttp2(t, plane.port);
  innocent.send(headers(1, request('GET', '/innocent')));
  await eventually(() => held.paths.length === 1, 'it is under way');
  return { held, plane, innocent };
}

async function assertServed({ held, plane, innocent }: Scene): Promise<void> {
  held.answer(held.paths.indexOf('/innocent'));
  await innocent.until((frames) => isAnswered(frames, 1));
  await eventually(() => plane.count(0, CELL.inFlight) === 0, 'nothing is left');
}

describe('a defect', () => {
  for (const method of ['headers', 'data'] as const) {
    it(`while an upstream’s answer is said (${method}) ends the client’s connection, and no other`, async (t) => {
      const scene = await sceneOf(t);
      const client = rawHttp2(t, scene.plane.port);
      client.send(headers(1, GET), headers(3, request('GET', '/3')));
      await eventually(() => scene.held.paths.length === 3, 'both are under way');
      const failed = failOnce(t, FrameSender.prototype, method);
      scene.held.answer(scene.held.paths.indexOf('/3'));
      await client.closed();
      assert.equal(failed(), 1);
      await assertServed(scene);
    });
  }

  it('when the time of a stream is over ends that stream, and no other', async (t) => {
    const scene = await sceneOf(t);
    const client = rawHttp2(t, scene.plane.port);
    const streams: ClientStream[] = [];
    const begin = Reflect.get(ClientStream.prototype, 'begin');
    t.mock.method(ClientStream.prototype, 'begin', function (this: ClientStream, fields: readonly string[]) {
      streams.push(this);
      begin.call(this, fields);
    });
    client.send(headers(1, request('GET', '/1')), headers(3, request('GET', '/3')));
    await eventually(() => scene.held.paths.length === 3, 'both are under way');
    const failed = failOnce(t, ClientStream.prototype, 'expire');
    (streams[0] as ClientStream).deadlineAtMs = 0;
    await client.until((frames) => resetOf(frames, 1) !== null);
    scene.held.answer(scene.held.paths.indexOf('/3'));
    await client.until((frames) => isAnswered(frames, 3));
    assert.equal(failed(), 1);
    await assertServed(scene);
  });

  it('while an answer is read fails its exchange, and no other', async (t) => {
    const scene = await sceneOf(t);
    const client = clientOf(t, scene.plane);
    client.send(getOf('/read'));
    await eventually(() => scene.held.paths.length === 2, 'it is under way');
    const failed = failOnce(t, ResponseHead.prototype, 'parse');
    scene.held.answer(1);
    await client.until((text) => text.startsWith('HTTP/1.1 502 '));
    assert.equal(failed(), 1);
    await assertServed(scene);
  });

  it('while an answer of HTTP/2 is read fails its exchange, and no other', async (t) => {
    const endpoint = await http2EndpointOf(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    const held = await heldOf(t);
    const matches = [{ path: { type: 'PathPrefix', value: '/h2' } as const, method: null, headers: [], query: [] }];
    const plane = await planeOf(t, {
      http2: true,
      routes: [
        ...oneVersion(held.upstream.port).routes,
        { ...oneHttp2([endpoint.port]).routes[0], name: 'h2', matches } as RouteSketch,
      ],
    });
    const innocent = rawHttp2(t, plane.port);
    innocent.send(headers(1, request('GET', '/innocent')));
    await eventually(() => held.paths.length === 1, 'it is under way');
    const failed = failOnce(t, ResponseHead.prototype, 'parse');
    const client = clientOf(t, plane);
    client.send(getOf('/h2'));
    await client.until((text) => text.startsWith('HTTP/1.1 502 '));
    assert.equal(failed(), 1);
    client.send(getOf('/h2'));
    await client.until((text) => text.includes('HTTP/1.1 200 '));
    await assertServed({ held, plane, innocent });
  });

  it('while a request is read, or its time is over, ends its connection, and no other', async (t) => {
    const scene = await sceneOf(t);
    const reading = clientOf(t, scene.plane);
    const failed = failOnce(t, BodyReader.prototype, 'start');
    reading.send(getOf('/'));
    await reading.closed();
    assert.equal(failed(), 1);
    const expired = failOnce(t, ClientConnection.prototype, 'expire');
    const waiting = clientOf(t, scene.plane);
    const connected = t.mock.method(ClientConnection.prototype, 'received');
    waiting.send('GET / HT');
    await eventually(() => connected.mock.callCount() === 1, 'it has begun');
    const [begun] = connected.mock.calls;
    assert.ok(begun?.this instanceof ClientConnection);
    begun.this.deadlineAtMs = 0;
    await waiting.closed();
    assert.equal(expired(), 1);
    await assertServed(scene);
  });
});
