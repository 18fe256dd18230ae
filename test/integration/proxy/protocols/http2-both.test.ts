/** A client and an endpoint that both speak HTTP/2, with the gateway's two connections between them; and a PROXY header before one. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type ServerHttp2Stream,
} from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { http2EndpointOf, oneHttp2 } from '../../../support/http/h2-endpoint.ts';
import { GET, headers, isAnswered, rawHttp2, SETTINGS } from '../../../support/http/http2.ts';
import { headerOf, headersOf, LINE } from '../../../support/http/proxied.ts';
import type { TestPlane } from '../../../support/plane.ts';
import {
  assertQuiet,
  eventually,
  FIRST_CELL,
  httpUpstreamOf,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
} from '../../../support/proxy/running.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR } = constants;
const MIB = 1_048_576;

interface Scene {
  readonly plane: TestPlane;
  readonly port: number;
  readonly session: ClientHttp2Session;
  /** In the order in which they came. */
  readonly streams: ServerHttp2Stream[];
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const streams: ServerHttp2Stream[] = [];
  const { port } = await http2EndpointOf(t, (stream) => void streams.push(stream));
  const plane = await planeOf(t, { ...oneHttp2([port]), http2: true });
  const session = connect(`http://127.0.0.1:${plane.port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return { plane, port, session, streams };
}

function ask({ session }: Scene, method = 'GET'): ClientHttp2Stream {
  const stream = session.request({ ':method': method, ':authority': 'a' }, { endStream: method === 'GET' });
  stream.on('error', () => undefined);
  return stream;
}

/** Resolves when the stream is gone, whether by an error or not. */
function closed(stream: ServerHttp2Stream | ClientHttp2Stream): Promise<void> {
  if (stream.closed && stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.once('close', () => resolve()));
}

/** Resolves when the number stays the same for a while. */
async function still(count: () => number): Promise<number> {
  let before = -1;
  let same = 0;
  await eventually(() => {
    same = count() === before ? same + 1 : 0;
    before = count();
    return before > 0 && same > 50;
  }, 'a standstill');
  return before;
}

/** Writes until there is enough, as fast as it is taken. @returns how much was written so far */
function fill(stream: ServerHttp2Stream | ClientHttp2Stream, bytes: number): () => number {
  let sent = 0;
  const more = (): void => {
    while (sent < bytes && !stream.destroyed) {
      sent += 65_536;
      if (!stream.write(Buffer.alloc(65_536))) {
        stream.once('drain', more);
        return;
      }
    }
    stream.end();
  };
  more();
  return () => sent;
}

describe('between two connections of HTTP/2', () => {
  it('a reset ends the one exchange, in both directions, before and within the answer', async (t) => {
    const scene = await sceneOf(t);
    const { plane, streams } = scene;
    const other = ask(scene);
    await eventually(() => streams.length === 1, 'the first request');

    const early = ask(scene);
    await eventually(() => streams.length === 2, 'a request');
    early.close(NGHTTP2_CANCEL);
    await closed(streams[1] as ServerHttp2Stream);
    assert.equal(streams[1]?.rstCode, NGHTTP2_CANCEL);

    const late = ask(scene, 'POST');
    await eventually(() => streams.length === 3, 'a request');
    streams[2]?.respond({ ':status': 200 });
    streams[2]?.write('half');
    await once(late, 'data');
    late.close(NGHTTP2_CANCEL);
    await closed(streams[2] as ServerHttp2Stream);
    assert.equal(streams[2]?.rstCode, NGHTTP2_CANCEL);
    await eventually(() => reasonCount(plane, ROUTE_CELL, REASON.clientClosed) === 2, 'both are the client’s');

    const cut = ask(scene);
    await eventually(() => streams.length === 4, 'a request');
    streams[3]?.respond({ ':status': 200, 'content-length': '8' });
    streams[3]?.write('half');
    await once(cut, 'data');
    streams[3]?.close(NGHTTP2_ENHANCE_YOUR_CALM);
    await closed(cut);
    assert.equal(cut.rstCode, NGHTTP2_INTERNAL_ERROR);

    const refused = ask(scene, 'POST');
    await eventually(() => streams.length === 5, 'a request');
    streams[4]?.close(NGHTTP2_ENHANCE_YOUR_CALM);
    const [head] = (await once(refused, 'response')) as [{ ':status': number }];
    assert.equal(head[':status'], 502);

    other.setEncoding('latin1');
    streams[0]?.respond({ ':status': 200 });
    streams[0]?.end('whole');
    assert.deepEqual(await once(other, 'data'), ['whole'], 'the first one is none the worse');
    refused.resume();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [scene.port]);
  });

  it('who does not read holds up whoever writes, and no other stream, and gets everything later', async (t) => {
    const scene = await sceneOf(t);
    const { streams } = scene;
    const size = 8 * MIB;
    const slow = ask(scene);
    slow.pause();
    await eventually(() => streams.length === 1, 'a request');
    streams[0]?.respond({ ':status': 200 });
    const sent = fill(streams[0] as ServerHttp2Stream, size);

    const sending = ask(scene, 'POST');
    const taken = fill(sending, size);
    await eventually(() => streams.length === 2, 'a request');
    const [wrote, took] = await Promise.all([still(sent), still(taken)]);
    assert.ok(wrote < size / 2, `${wrote} bytes were sent to nobody`);
    assert.ok(took < size / 2, `${took} bytes were taken for nobody`);

    const quick = ask(scene);
    await eventually(() => streams.length === 3, 'a request');
    streams[2]?.respond({ ':status': 200 });
    streams[2]?.end('quick');
    quick.setEncoding('latin1');
    assert.deepEqual(await once(quick, 'data'), ['quick']);

    let got = 0;
    slow.on('data', (chunk: Buffer) => (got += chunk.length));
    slow.resume();
    await closed(slow);
    assert.equal(got, size);
    let arrived = 0;
    streams[1]?.on('data', (chunk: Buffer) => (arrived += chunk.length));
    await once(streams[1] as ServerHttp2Stream, 'end');
    streams[1]?.respond({ ':status': 204 }, { endStream: true });
    sending.resume();
    await closed(sending);
    assert.equal(arrived, size);
    await assertQuiet(scene.plane, [ROUTE_CELL, FIRST_CELL], [scene.port]);
  });
});

describe('a PROXY header', () => {
  it('before a connection of HTTP/2 is taken off it, however both are cut into packets', async (t) => {
    let from = '';
    const port = await httpUpstreamOf(t, (request, response) => {
      from = String(request.headers['x-forwarded-for']);
      response.end('ok');
    });
    const plane = await planeOf(t, {
      ...oneVersion(port),
      http2: true,
      proxyProtocol: 'trusted',
      trustedProxies: ['127.0.0.1'],
    });
    const rest = Buffer.concat([Buffer.from(PREFACE), SETTINGS, headers(1, GET)]);
    for (const header of [Buffer.from(LINE), headerOf()]) {
      for (const cut of [0, 5, header.length, header.length + 3]) {
        from = '';
        const bytes = Buffer.concat([header, rest]);
        const client = rawHttp2(t, plane.port, [bytes.subarray(0, cut)]);
        await once(client.socket, 'connect');
        client.send(bytes.subarray(cut));
        await client.until((frames) => isAnswered(frames, 1));
        client.send(headers(3, GET));
        await client.until((frames) => isAnswered(frames, 3));
        assert.equal(from, '203.0.113.9');
        client.socket.destroy();
      }
    }
    assert.deepEqual(headersOf(plane), { v1: 4, v2: 4 });
  });
});
