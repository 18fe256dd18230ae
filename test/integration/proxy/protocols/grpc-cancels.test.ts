/**
 * Calls of gRPC that are cancelled, frame by frame: the endpoint gets RST_STREAM with CANCEL for that call alone, however it ended for
 * its client. Servers of gRPC know of a call's end by their own clocks too, or take any other code for a cancel.
 * Source: RFC 9113 sections 5.4.2, 7; the specification "gRPC over HTTP2", HTTP2 Transport Mapping, Errors.
 */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import * as endpoint from '../../../support/http/h2-endpoint.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  ERROR,
  type Fields,
  frame,
  headers,
  type RawHttp2,
  rawHttp2,
  request,
  TYPE,
  word,
} from '../../../support/http/http2.ts';
import { eventually, planeOf, turningClock } from '../../../support/proxy/running.ts';

/** Streams of the client: one that is cancelled beside another. */
const OTHER = 1;
const CALL = 3;
/** A message of 2 bytes: not compressed, its length, itself. */
const MESSAGE = Buffer.from('0000000002', 'hex');
const ANSWER = { ':status': '200', 'content-type': 'application/grpc' };

interface Scene {
  readonly client: RawHttp2;
  readonly behind: endpoint.RawHttp2;
  /** Of the call, at the endpoint. */
  readonly id: number;
}

function callOf(id: number, more: Fields = []): Buffer {
  const fields: Fields = [['content-type', 'application/grpc'], ['te', 'trailers'], ...more];
  const message = Buffer.concat([MESSAGE, Buffer.from('hi')]);
  return Buffer.concat([headers(id, request('POST', '/shop.Shop/Hold', fields), END_HEADERS), data(id, message, 0)]);
}

/** Two calls that have come to one connection of the endpoint, as a whole but for their ends. */
async function sceneOf(t: TestContext, more: Fields = []): Promise<Scene> {
  const behind = await endpoint.rawHttp2Of(t, {});
  const versions = [{ name: 'v1', ports: [behind.port], weight: 1, protocol: 'grpc' as const }];
  const plane = await planeOf(t, { http2: true, routes: [{ versions }] });
  const client = rawHttp2(t, plane.port);
  const heads = (): number[] => behind.frames.filter(({ type }) => type === TYPE.headers).map(({ id }) => id);
  const bodies = (): number => behind.frames.filter(({ type }) => type === TYPE.data).length;
  client.send(callOf(OTHER));
  await eventually(() => heads().length === 1 && bodies() === 1, 'the other call is there');
  client.send(callOf(CALL, more));
  await eventually(() => heads().length === 2 && bodies() === 2, 'the call is there');
  assert.equal(behind.sockets.length, 1);
  return { client, behind, id: heads()[1] as number };
}

function resetsIn({ behind }: Scene): [id: number, code: number][] {
  return behind.frames
    .filter(({ type }) => type === TYPE.reset)
    .map(({ id, payload }) => [id, payload.readUInt32BE(0)]);
}

/** The endpoint was told of that call's end, once, and the other goes on to its own. */
async function assertCancelled(scene: Scene): Promise<void> {
  await eventually(() => resetsIn(scene).length > 0, 'the endpoint is told');
  const { client, behind, id } = scene;
  const other = behind.frames.find(({ type }) => type === TYPE.headers)?.id as number;
  const [socket] = behind.sockets;
  socket?.write(endpoint.headers(other, ANSWER));
  socket?.write(endpoint.headers(other, { 'grpc-status': '0' }, END_STREAM));
  await client.until((frames) => frames.some(({ id: of, flags }) => of === OTHER && (flags & END_STREAM) !== 0));
  // Who is done with a call says nothing more of it, or that there was no error.
  const calls = resetsIn(scene).filter(([of, code]) => of !== other || code !== ERROR.none);
  assert.deepEqual(calls, [[id, ERROR.cancel]]);
  assert.equal(behind.sockets.length, 1);
}

describe('a call of gRPC', () => {
  it('that its client cancels before any answer is cancelled at its endpoint', async (t) => {
    const scene = await sceneOf(t);
    scene.client.send(frame(TYPE.reset, 0, CALL, word(ERROR.cancel)));
    await assertCancelled(scene);
  });

  it('that its client cancels after the first message of the answer is cancelled at its endpoint', async (t) => {
    const scene = await sceneOf(t);
    const { client, behind, id } = scene;
    behind.sockets[0]?.write(endpoint.headers(id, ANSWER));
    behind.sockets[0]?.write(endpoint.frame(TYPE.data, 0, id, Buffer.concat([MESSAGE, Buffer.from('ho')])));
    await client.until((frames) => frames.some((one) => one.id === CALL && one.type === TYPE.data));
    client.send(frame(TYPE.reset, 0, CALL, word(ERROR.cancel)));
    await assertCancelled(scene);
  });

  it('whose deadline is over is cancelled at its endpoint, which does nothing by itself', async (t) => {
    turningClock(t);
    const scene = await sceneOf(t, [['grpc-timeout', '500m']]);
    await scene.client.until((frames) => frames.some(({ id, flags }) => id === CALL && (flags & END_STREAM) !== 0));
    await assertCancelled(scene);
  });

  it('whose client is gone is cancelled at its endpoint, and so is every other of that client', async (t) => {
    const scene = await sceneOf(t);
    scene.client.socket.resetAndDestroy();
    await eventually(() => resetsIn(scene).length === 2, 'the endpoint is told of both');
    assert.deepEqual(
      resetsIn(scene).map(([, code]) => code),
      [ERROR.cancel, ERROR.cancel],
    );
  });
});
