/** One request and its response over HTTP/2: nothing lost, nothing added, and no cut taken for an end. */

import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import {
  block,
  END_STREAM,
  type Frame,
  fieldIn,
  frame,
  goaway,
  headers,
  http2EndpointOf,
  oneHttp2,
  perRequest,
  rawHttp2Of,
  reset,
  TYPE,
} from '../../../../support/http/h2-endpoint.ts';
import { readCell } from '../../../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  turningClock,
} from '../../../../support/proxy/running.ts';
import { sendAndClose } from '../../../../support/raw.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';
const OK = { ':status': '200' };

/** The answer of a plane in front of an endpoint that answers every request with these frames of its stream. */
async function answerOf(t: TestContext, frames: (id: number, nth: number) => Buffer[], request = GET) {
  const endpoint = await rawHttp2Of(
    t,
    perRequest((id, _socket, nth) => Buffer.concat(frames(id, nth))),
  );
  const plane = await planeOf(t, oneHttp2([endpoint.port]));
  const text = await sendAndClose(plane.port, request.replace('\r\n\r\n', `\r\n${CLOSE}\r\n`));
  return { text, plane, endpoint };
}

function bodyIn(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

describe('a request', () => {
  it('goes with its method, target, fields and body, and the answer comes back', async (t) => {
    let asked: readonly string[] = [];
    let body = '';
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      asked = raw;
      stream.setEncoding('latin1').on('data', (text: string) => {
        body += text;
      });
      stream.on('end', () => {
        stream.respond({
          ':status': 201,
          'x-a': ['1', '2'],
          date: 'Sun, 06 Nov 1994 08:49:37 GMT',
          'content-length': 3,
        });
        stream.end('yes');
      });
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const head = `POST /a?b HTTP/1.1\r\nHost: shop\r\nX-One: \xe9\r\nx-one: 2\r\nContent-Length: 5\r\n${CLOSE}\r\n`;
    const text = await sendAndClose(plane.port, Buffer.from(`${head}h\xe9llo`, 'latin1'));
    assert.deepEqual(asked.slice(0, 8), [':method', 'POST', ':scheme', 'http', ':path', '/a?b', ':authority', 'shop']);
    assert.deepEqual(asked.slice(8, 14), ['x-one', '\xe9', 'x-one', '2', 'content-length', '5']);
    assert.equal(fieldIn(asked, 'x-forwarded-host'), 'shop');
    assert.equal(fieldIn(asked, 'via'), '1.1 sluice');
    assert.equal(fieldIn(asked, 'connection'), '');
    assert.equal(body, 'h\xe9llo');
    assert.match(text, /^HTTP\/1\.1 201 Created\r\nx-a: 1\r\nx-a: 2\r\ndate: .*\r\ncontent-length: 3\r\n/);
    assert.match(text, /\r\nVia: 2 sluice\r\n/);
    assert.equal(bodyIn(text), 'yes');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.deepEqual([readCell(plane, FIRST_CELL).finished, readCell(plane, FIRST_CELL).bad], [1, 0]);
    assert.equal(endpointWord(plane, endpoint.port, 'good'), 1);
  });

  it('takes its trailers along, and gets those of the answer', async (t) => {
    const seen: (readonly string[])[] = [];
    const endpoint = await http2EndpointOf(t, (stream) => {
      stream.on('trailers', (_fields, _flags, raw: string[]) => seen.push(raw));
      stream.resume();
      stream.on('end', () => respondWith(stream, { 'x-sum': '7', 'content-type': 'no/trailer' }));
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const head = `PUT / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const text = await sendAndClose(plane.port, `${head}3\r\nabc\r\n0\r\nX-Check: 1\r\nHost: b\r\n\r\n`);
    assert.deepEqual(seen, [['x-check', '1']]);
    assert.equal(bodyIn(text), '2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n');
  });

  it('waits for a 100 if it expects one', async (t) => {
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      assert.equal(fieldIn(raw, 'expect'), '100-continue');
      stream.additionalHeaders({ ':status': 100 });
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    await client.until((text) => text.includes(' 103 '));
    assert.match(
      client.received(),
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\n/,
    );
    client.send('body');
    await client.until((text) => text.endsWith('4\r\nbody\r\n0\r\n\r\n'));
  });

  it('that its client gives up is canceled', async (t) => {
    const endpoint = await rawHttp2Of(t, {});
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => endpoint.frames.some(({ type }) => type === TYPE.headers), 'the request');
    client.socket.destroy();
    await eventually(() => endpoint.frames.some(({ type }) => type === TYPE.reset), 'its end');
    const ended = endpoint.frames.find(({ type }) => type === TYPE.reset);
    assert.deepEqual([ended?.id, ended?.payload.readUInt32BE()], [1, 8]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
  });
});

function respondWith(stream: ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end('ok');
}

describe('an answer', () => {
  it('to HEAD, and one without a body, is complete with its head', async (t) => {
    const { text } = await answerOf(
      t,
      (id) => [headers(id, { ...OK, 'content-length': '9' }, END_STREAM)],
      'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    assert.match(text, /^HTTP\/1\.1 200 OK\r\ncontent-length: 9\r\n/);
    assert.equal(bodyIn(text), '');
    const empty = await answerOf(t, (id) => [headers(id, OK, END_STREAM)]);
    assert.match(empty.text, /\r\ncontent-length: 0\r\n/);
  });

  it('whose stream is reset is cut, whatever the code', async (t) => {
    for (const code of [0, 2, 8]) {
      const { text, plane } = await answerOf(t, (id) => [
        headers(id, OK),
        frame(TYPE.data, 0, id, 'abc'),
        reset(id, code),
      ]);
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(text, /\r\n0\r\n/, `the last chunk after code ${code}`);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], []);
      assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1, `code ${code}`);
    }
  });

  it('whose connection ends is cut', async (t) => {
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id, socket) => {
        setImmediate(() => socket.end());
        return Buffer.concat([headers(id, OK), frame(TYPE.data, 0, id, 'abc')]);
      }),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const text = await sendAndClose(plane.port, GET);
    assert.doesNotMatch(text, /\r\n0\r\n/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1);
  });

  it('with another length than announced is no success', async (t) => {
    const cases: [string, (id: number) => Buffer[]][] = [
      ['more', (id) => [headers(id, { ...OK, 'content-length': '2' }), frame(TYPE.data, END_STREAM, id, 'abc')]],
      ['less', (id) => [headers(id, { ...OK, 'content-length': '4' }), frame(TYPE.data, END_STREAM, id, 'abc')]],
      ['none', (id) => [headers(id, { ...OK, 'content-length': '4' }, END_STREAM)]],
      [
        'two lengths',
        (id) => [headers(id, { ...OK, 'content-length': '3, 3' }), frame(TYPE.data, END_STREAM, id, 'abc')],
      ],
    ];
    for (const [name, frames] of cases) {
      const { plane } = await answerOf(t, frames);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], []);
      assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamProtocol), 1, name);
      assert.equal(readCell(plane, FIRST_CELL).bad, 1, name);
    }
  });

  it('with a malformed head is a 502', async (t) => {
    for (const fields of [
      { ':status': '200', connection: 'close' },
      { ':status': '200', 'transfer-encoding': 'chunked' },
      { 'x-a': 'b' },
      { ':status': '101' },
    ]) {
      const { text } = await answerOf(t, (id) => [headers(id, fields), frame(TYPE.data, END_STREAM, id, 'abc')]);
      assert.doesNotMatch(text, /^HTTP\/1\.1 200 /, JSON.stringify(fields));
      assert.match(text, /^HTTP\/1\.1 502 /, JSON.stringify(fields));
    }
  });

  it('loses a field with a line break in it', async (t) => {
    const { text } = await answerOf(t, (id) => [headers(id, { ...OK, 'x-a': 'b\r\nx: y', 'x-c': 'd' }, END_STREAM)]);
    assert.match(text, /\r\nx-c: d\r\n/);
    assert.doesNotMatch(text, /x-a|x: y/);
  });

  it('with more interim responses than anybody needs is a 502', async (t) => {
    const { text } = await answerOf(t, (id) => [
      ...Array.from({ length: 11 }, () => headers(id, { ':status': '103' })),
      headers(id, OK, END_STREAM),
    ]);
    assert.match(text, /HTTP\/1\.1 502 /);
  });

  it('to a request that is not complete is enough', async (t) => {
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) => headers(id, { ':status': '403', 'content-length': '0' }, END_STREAM)),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nabc');
    assert.match(await client.closed(), /^HTTP\/1\.1 403 [^]*Connection: close/);
    await eventually(() => endpoint.frames.some(({ type }) => type === TYPE.reset), 'the rest is not sent');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
  });
});

describe('a stream that the endpoint has not looked at', () => {
  const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';

  it('is sent again once, whatever the method is', async (t) => {
    const { text, plane, endpoint } = await answerOf(
      t,
      (id, nth) => [nth === 1 ? reset(id, 7) : headers(id, OK, END_STREAM)],
      POST,
    );
    assert.match(text, /^HTTP\/1\.1 200 /);
    const bodies = endpoint.frames.filter(({ type }) => type === TYPE.data).map(({ payload }) => String(payload));
    assert.equal(bodies.join('').endsWith('abc'), true);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });

  it('and is refused again is given up', async (t) => {
    const { text, endpoint } = await answerOf(t, (id) => [reset(id, 7)], POST);
    assert.match(text, /^HTTP\/1\.1 503 /);
    assert.equal(endpoint.frames.filter(({ type }) => type === TYPE.headers).length, 2);
  });

  it('goes to another endpoint', async (t) => {
    let busyPort = 0;
    const on = (socket: Socket, { type, id }: Frame): void => {
      if (type !== TYPE.headers) return;
      busyPort ||= socket.localPort as number;
      socket.write(socket.localPort === busyPort ? reset(id, 7) : headers(id, OK, END_STREAM));
    };
    const endpoints = [await rawHttp2Of(t, { on }), await rawHttp2Of(t, { on })];
    const ports = endpoints.map(({ port }) => port);
    // Whoever asks has the same one picked each time, as long as it is not to be avoided.
    const versions = [{ name: 'v1', ports, weight: 1, protocol: 'h2c' as const, balancer: 'consistentHash' as const }];
    const plane = await planeOf(t, { routes: [{ versions, retry: { retriesMax: 0 } }] });
    const text = await sendAndClose(plane.port, POST.replace('Host', `${CLOSE}Host`));
    assert.match(text, /^HTTP\/1\.1 200 /);
    for (const { frames } of endpoints) assert.equal(frames.filter(({ type }) => type === TYPE.headers).length, 1);
  });

  it('is not one of which it has said something: a POST is not sent again', async (t) => {
    const { text, endpoint } = await answerOf(t, (id) => [headers(id, { ':status': '103' }), reset(id, 7)], POST);
    assert.match(text, /\r\n\r\nHTTP\/1\.1 503 /);
    assert.equal(endpoint.frames.filter(({ type }) => type === TYPE.headers).length, 1);
  });

  it('because of a GOAWAY goes on over another connection', async (t) => {
    const { text, endpoint } = await answerOf(
      t,
      (id, nth) => [nth === 1 ? goaway(0) : headers(id, OK, END_STREAM)],
      POST,
    );
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.equal(endpoint.sockets.length, 2);
  });

  it('is not known of one that a reset ended: a POST is not sent again', async (t) => {
    const { text, endpoint } = await answerOf(t, (id) => [reset(id, 2)], POST);
    assert.match(text, /^HTTP\/1\.1 502 /);
    assert.equal(endpoint.frames.filter(({ type }) => type === TYPE.headers).length, 1);
  });
});

describe('back-pressure', () => {
  const MIB = 1_048_576;

  it('reaches an endpoint whose client does not read', async (t) => {
    let sent = 0;
    const endpoint = await http2EndpointOf(t, (stream) => {
      stream.respond({ ':status': 200 });
      const fill = (): void => {
        while (sent < 64 * MIB && !stream.destroyed) {
          sent += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) return void stream.once('drain', fill);
        }
        stream.end();
      };
      fill();
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    client.socket.pause();
    client.send(GET);
    let before = -1;
    let same = 0;
    await eventually(() => {
      same = sent === before ? same + 1 : 0;
      before = sent;
      return sent > 0 && same > 50;
    }, 'a standstill');
    assert.ok(sent < 16 * MIB, `${sent} bytes were sent to nobody`);
    client.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
  });

  it('reaches a client whose endpoint does not read', WAITS, async (t) => {
    turningClock(t);
    const endpoint = await http2EndpointOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), timeouts: { bodyIdleMs: 1000 } });
    const client = clientOf(t, plane);
    client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
    client.socket.write(Buffer.alloc(64 * MIB));
    assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 504 /);
    assert.ok(client.socket.writableLength > 0, 'not all of it was taken');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
  });
});

describe('an endpoint', () => {
  it('that answers in a trickle of frames is relayed frame by frame', async (t) => {
    const { text } = await answerOf(t, (id) => [
      frame(TYPE.headers, 4, id, block({ ...OK, 'x-a': 'b' })),
      ...[...'abc'].map((char) => frame(TYPE.data, 0, id, char)),
      frame(TYPE.data, 0, id),
      frame(TYPE.data, END_STREAM, id),
    ]);
    assert.equal(bodyIn(text), '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n');
  });

  it('is counted as one whether it answers or not', async (t) => {
    const { plane, endpoint } = await answerOf(t, (id) => [reset(id, 2)]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.deepEqual(
      [endpointWord(plane, endpoint.port, 'bad'), endpointWord(plane, endpoint.port, 'connects')],
      [1, 1],
    );
  });
});
