/** One stream and what becomes of it, with a client of node:http2 and real upstreams. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { HTTP2_WORD } from '#src/model/threads/load/http2.ts';
import {
  data,
  END_HEADERS,
  ERROR,
  frame,
  headers,
  isAnswered,
  rawHttp2,
  request,
  resetOf,
  setting,
  TYPE,
  word,
} from '../../../support/http/http2.ts';
import type { PlaneSketch, TestPlane } from '../../../support/plane.ts';
import {
  eventually,
  FIRST_CELL,
  httpUpstreamOf,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  refusedPortOf,
  turningClock,
} from '../../../support/proxy/running.ts';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  readonly code: number;
}

function sessionOf(t: TestContext, plane: TestPlane): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${plane.port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let body = '';
  stream.on('response', (got) => {
    headers = got;
  });
  stream.on('trailers', (got) => {
    trailers = got;
  });
  stream.on('error', () => undefined);
  stream.setEncoding('latin1');
  stream.on('data', (chunk: string) => {
    body += chunk;
  });
  await new Promise((resolve) => stream.on('close', resolve));
  return { status: Number(headers[':status'] ?? 0), headers, body, trailers, code: stream.rstCode ?? 0 };
}

function reasonIn({ body }: Answer): string {
  return (JSON.parse(body) as { readonly reason: string }).reason;
}

async function sceneOf(
  t: TestContext,
  answer: Parameters<typeof httpUpstreamOf>[1],
  sketch: Partial<PlaneSketch> = {},
): Promise<{ plane: TestPlane; session: ClientHttp2Session }> {
  const port = await httpUpstreamOf(t, answer);
  const plane = await planeOf(t, { ...oneVersion(port), http2: true, ...sketch });
  return { plane, session: sessionOf(t, plane) };
}

describe('a stream', () => {
  it('is a request like any other: routed, counted once, with the gateway’s own fields', async (t) => {
    let seen: NodeJS.Dict<string | string[]> = {};
    const { plane, session } = await sceneOf(t, (request, response) => {
      seen = request.headers;
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end('hello');
    });
    const answer = await answerOf(session.request({ ':path': '/x?y=z', 'x-y': 'z' }));
    assert.deepEqual([answer.status, answer.body, answer.code], [200, 'hello', NGHTTP2_NO_ERROR]);
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.deepEqual([answer.headers['connection'], answer.headers['transfer-encoding']], [undefined, undefined]);
    assert.equal(answer.headers['via'], '1.1 sluice');
    assert.equal(seen['host'], `127.0.0.1:${plane.port}`);
    assert.deepEqual([seen['x-y'], seen['via'], seen['x-forwarded-for']], ['z', '2 sluice', '127.0.0.1']);
    assert.equal(plane.count(FIRST_CELL, CELL.finished), 1);
    assert.equal(plane.count(ROUTE_CELL, CELL.inFlight), 0);
    assert.equal(plane.count(GATEWAY_CELL, CELL.http2 + HTTP2_WORD.requests), 1);
  });

  it('gives bodies and trailers of both sides', async (t) => {
    const { session } = await sceneOf(t, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write(`${body}|${request.trailers['x-end'] ?? ''}`);
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      });
    });
    const stream = session.request({ ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes', host: 'evil' }));
    stream.write('a'.repeat(100_000));
    stream.end('z');
    const answer = await answerOf(stream);
    assert.equal(answer.body, `${'a'.repeat(100_000)}z|yes`);
    assert.equal(answer.trailers['x-sum'], '42');
  });

  it('with a length gets the trailers of its answer, and leaves nothing behind', async (t) => {
    const { plane, session } = await sceneOf(t, (request, response) => {
      request.resume().on('end', () => {
        response.write('a'.repeat(30_000));
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      });
    });
    const stream = session.request({ ':method': 'POST', te: 'trailers', 'content-length': '70000' });
    stream.end(Buffer.alloc(70_000));
    const answer = await answerOf(stream);
    assert.deepEqual([answer.body.length, answer.trailers['x-sum'], answer.code], [30_000, '42', NGHTTP2_NO_ERROR]);
    await plane.plane.drain();
  });

  it('has no trailers for a client that asked for none', async (t) => {
    const { session } = await sceneOf(t, (_request, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
    const answer = await answerOf(session.request({}));
    assert.deepEqual([answer.body, answer.trailers['x-sum'], answer.code], ['body', undefined, NGHTTP2_NO_ERROR]);
  });

  it('passes interim responses on', async (t) => {
    const { session } = await sceneOf(t, (_request, response) => {
      response.writeContinue();
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('done');
    });
    const stream = session.request({});
    const interims: unknown[] = [];
    stream.on('headers', (headers: IncomingHttpHeaders) => interims.push([headers[':status'], headers['link']]));
    const answer = await answerOf(stream);
    assert.equal(answer.body, 'done');
    assert.deepEqual(interims, [
      [100, undefined],
      [103, '</a.css>; rel=preload'],
    ]);
  });

  it('has no body for HEAD, 204 and 304', async (t) => {
    const { session } = await sceneOf(t, (request, response) => {
      const status = Number(request.url?.slice(1));
      response.writeHead(status, status === 200 ? { 'Content-Length': '5' } : {});
      response.end();
    });
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      const answer = await answerOf(session.request({ ':method': method, ':path': `/${status}` }));
      assert.deepEqual([answer.status, answer.body, answer.code], [status, '', NGHTTP2_NO_ERROR]);
    }
  });

  it('that the client resets ends its upstream’s exchange, and nobody else’s', async (t) => {
    let hanging = 0;
    let aborted = 0;
    const { plane, session } = await sceneOf(t, (request, response) => {
      if (request.url === '/ok') return void response.end('ok');
      hanging++;
      response.on('close', () => aborted++);
    });
    const stream = session.request({ ':path': '/hangs' });
    stream.on('error', () => undefined);
    await eventually(() => hanging === 1, 'the exchange');
    stream.close(NGHTTP2_CANCEL);
    await eventually(() => aborted === 1, 'the upstream hears of it');
    assert.equal(plane.count(ROUTE_CELL, CELL.reasons + REASON.clientClosed), 1);
    assert.equal((await answerOf(session.request({ ':path': '/ok' }))).body, 'ok');
  });

  it('is reset when its upstream dies within the answer', async (t) => {
    const { plane, session } = await sceneOf(t, (_request, response) => {
      response.writeHead(200, { 'Content-Length': 100 });
      response.write('half', () => response.destroy());
    });
    const answer = await answerOf(session.request({}));
    assert.deepEqual([answer.status, answer.body, answer.code], [200, 'half', NGHTTP2_INTERNAL_ERROR]);
    assert.equal(plane.count(ROUTE_CELL, CELL.reasons + REASON.upstreamTruncated), 1);
  });

  it('is refused like any other: 404, 413, 431, 421 apart, each with its reason', async (t) => {
    const { session } = await sceneOf(t, (request, response) => request.resume().on('end', () => response.end('ok')), {
      limits: { bodyBytesMax: 10, headBytesMax: 1000, headerCountMax: 5 },
    });
    const long = await answerOf(session.request({ 'x-long': 'y'.repeat(1000) }));
    assert.deepEqual([long.status, reasonIn(long)], [431, 'head_too_large']);
    const many = await answerOf(session.request({ a: '1', b: '1', c: '1', d: '1', e: '1', f: '1' }));
    assert.equal(many.status, 431);
    const body = session.request({ ':method': 'POST' });
    body.end('more than ten');
    assert.equal((await answerOf(body)).status, 413);
    const announced = session.request({ ':method': 'POST', 'content-length': '11' });
    announced.end('more than t');
    assert.equal((await answerOf(announced)).status, 413);
    const crumbs = Array.from({ length: 30 }, (_, n) => `c${n}=1`);
    assert.equal((await answerOf(session.request({ cookie: crumbs }))).status, 200, 'crumbs are one field');
  });

  it('answers for the gateway: no endpoint, HEAD too, and OPTIONS', async (t) => {
    const plane = await planeOf(t, { ...oneVersion(await refusedPortOf(t)), http2: true });
    const session = sessionOf(t, plane);
    const answer = await answerOf(session.request({}));
    assert.deepEqual([answer.status, reasonIn(answer)], [502, 'connect_refused']);
    assert.match(String(answer.headers['proxy-status']), /connection_refused/);
    assert.deepEqual((await answerOf(session.request({ ':method': 'HEAD' }))).body, '');
    assert.equal((await answerOf(session.request({ ':method': 'OPTIONS', ':path': '*' }))).status, 204);
  });

  it('is answered before its body has ended, and then reset without an error', async (t) => {
    const { session } = await sceneOf(t, (_request, response) => response.end('early'));
    const stream = session.request({ ':method': 'POST' });
    stream.write('begun');
    const answer = await answerOf(stream);
    assert.deepEqual([answer.status, answer.body, answer.code], [200, 'early', NGHTTP2_NO_ERROR]);
  });

  it('is answered before its body has ended, and takes the rest while its answer waits', async (t) => {
    const port = await httpUpstreamOf(t, (_request, response) => response.end('early'));
    const plane = await planeOf(t, { ...oneVersion(port), http2: true });
    const client = rawHttp2(t, plane.port);
    client.send(frame(TYPE.settings, 0, 0, setting(4, 0)), headers(1, request('POST', '/'), END_HEADERS));
    await eventually(() => plane.count(FIRST_CELL, CELL.finished) === 1, 'it is answered');
    const openings = (): number => client.frames.filter(({ type, id }) => type === TYPE.window && id === 1).length;
    for (let n = 1; n <= 3; n++) {
      for (let k = 0; k < 40; k++) client.send(data(1, Buffer.alloc(1000), 0));
      await client.until(() => openings() >= n);
    }
    client.send(frame(TYPE.window, 0, 1, word(1000)));
    await client.until((frames) => resetOf(frames, 1) !== null);
    assert.deepEqual([isAnswered(client.frames, 1), resetOf(client.frames, 1)], [true, ERROR.none]);
  });

  it('is answered before its body has ended with trailers too, as gRPC says why', async (t) => {
    const { session } = await sceneOf(t, (_request, response) => {
      response.writeHead(200, { Trailer: 'Grpc-Status' });
      response.write('early');
      response.addTrailers({ 'Grpc-Status': '8' });
      response.end();
    });
    const stream = session.request({ ':method': 'POST', te: 'trailers' });
    stream.write('begun');
    const answer = await answerOf(stream);
    assert.deepEqual([answer.body, answer.trailers['grpc-status'], answer.code], ['early', '8', NGHTTP2_NO_ERROR]);
  });

  it('that is slow to read holds its upstream up, and others of its connection not', async (t) => {
    let written = 0;
    let isStuck = false;
    const { plane, session } = await sceneOf(t, (request, response) => {
      if (request.url === '/small') {
        response.end('small');
        return;
      }
      const more = (): void => {
        while (written < 64 * 1_048_576) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) {
            isStuck = true;
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const slow = session.request({ ':path': '/big' });
    slow.on('error', () => undefined);
    slow.pause();
    await once(slow, 'response');
    await eventually(() => isStuck, 'the upstream is held up');
    let before = -1;
    await eventually(() => {
      const isSame = written === before;
      before = written;
      return isSame;
    }, 'it stays so');
    assert.ok(written < 16 * 1_048_576, `${written} bytes went out`);
    assert.equal((await answerOf(session.request({ ':path': '/small' }))).body, 'small');
    slow.close(NGHTTP2_CANCEL);
    await eventually(() => plane.count(ROUTE_CELL, CELL.inFlight) === 0, 'the exchange ends');
  });

  it('whose upstream does not read stops its client, and goes on when it does', async (t) => {
    const size = 12 * 1_048_576;
    let goOn: (() => void) | null = null;
    let got = 0;
    const { session } = await sceneOf(t, (request, response) => {
      request.pause();
      goOn = () => {
        request.on('data', (chunk: Buffer) => {
          got += chunk.length;
        });
        request.on('end', () => response.end(String(got)));
        request.resume();
      };
    });
    const stream = session.request({ ':method': 'POST', 'content-length': String(size) });
    let sent = 0;
    const pieces = async (): Promise<void> => {
      for (; sent < size; sent += 65_536) {
        if (!stream.write(Buffer.alloc(65_536))) await once(stream, 'drain');
      }
      stream.end();
    };
    const sending = pieces();
    let before = -1;
    await eventually(() => {
      const isSame = before === sent && goOn !== null;
      before = sent;
      return isSame;
    }, 'it stands still');
    assert.ok(sent < size / 2, `${sent} bytes were taken`);
    (goOn as unknown as () => void)();
    const answering = answerOf(stream);
    await sending;
    assert.equal((await answering).body, String(size));
  });

  it('is cut, and no clean end, without a length too', async (t) => {
    const { session } = await sceneOf(t, (_request, response) => {
      response.writeHead(200);
      response.write('half', () => response.destroy());
    });
    const answer = await answerOf(session.request({}));
    assert.equal(answer.code, NGHTTP2_INTERNAL_ERROR);
  });

  it('whose client owes the rest of its body is answered with 408 and not kept', async (t) => {
    const { plane, session } = await sceneOf(t, (request) => void request.resume(), { timeouts: { bodyIdleMs: 50 } });
    const stream = session.request({ ':method': 'POST' });
    stream.write('begun');
    const answer = await answerOf(stream);
    assert.deepEqual([answer.status, answer.code], [408, NGHTTP2_NO_ERROR]);
    assert.equal(plane.count(ROUTE_CELL, CELL.reasons + REASON.bodyTimeout), 1);
  });

  it('whose client does not take its answer is reset', async (t) => {
    turningClock(t);
    const { plane, session } = await sceneOf(t, (_request, response) => response.end(Buffer.alloc(8 * 1_048_576)), {
      timeouts: { bodyIdleMs: 200 },
    });
    const stream = session.request({});
    stream.on('error', () => undefined);
    stream.pause();
    const closed = new Promise((resolve) => stream.on('close', resolve));
    await once(stream, 'response');
    await eventually(() => plane.count(ROUTE_CELL, CELL.reasons + REASON.clientClosed) === 1, 'it is given up');
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, NGHTTP2_INTERNAL_ERROR);
  });
});
