/** What an HTTP/1.1 client would get, said to a real stream of HTTP/2: the same however it is cut into writes. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { StreamOutlet } from '#src/proxy/http2/outlet.ts';
import { END_STREAM, frame, GET, headers, setting, TYPE, word } from '../../../support/http/http2.ts';
import { Recorder, servedOverSockets, sessionScene } from '../../../support/proxy/wires/own-session.ts';

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** Answers one request with the outlet of its stream. */
async function answeredBy(t: TestContext, answer: (out: StreamOutlet) => void, method = 'GET'): Promise<Got> {
  const session = await servedOverSockets(t, (stream) => {
    stream.owner = new Recorder();
    const out = new StreamOutlet(stream);
    out.isHead = method === 'HEAD';
    answer(out);
  });
  const stream = session.request({ ':method': method });
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (got) => {
    headers = got;
  });
  stream.on('trailers', (got) => {
    trailers = got;
  });
  const body: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => body.push(chunk));
  await once(stream, 'close');
  return { status: Number(headers[':status']), headers, body: Buffer.concat(body), trailers };
}

const CHUNKED =
  'HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 42\r\n\r\n';

describe('an answer', () => {
  it('in chunks with trailers is the same wherever it is cut, as text and as bytes', async (t) => {
    for (let cut = 1; cut <= CHUNKED.length; cut += 4) {
      const got = await answeredBy(t, (out) => {
        out.wantsTrailers = true;
        const bytes = Buffer.from(`room${CHUNKED}room`, 'latin1');
        out.writeBytes(bytes, 4, 4 + cut);
        const rest = Math.ceil((CHUNKED.length - cut) / 2);
        if (rest > 0) out.writeText(CHUNKED.slice(cut, cut + rest));
        if (rest > 0) out.writeBytes(bytes, 4 + cut + rest, 4 + CHUNKED.length);
        assert.equal(out.isOver, true);
      });
      assert.deepEqual(
        [got.status, got.body.toString(), got.headers['x-a'], got.trailers['x-sum']],
        [200, 'abcde', '1', '42'],
      );
    }
  });

  it('with a length ends with its last byte', async (t) => {
    const got = await answeredBy(t, (out) => {
      out.writeText('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nab');
      assert.equal(out.isOver, false);
      out.writeText('cd');
      assert.equal(out.isOver, true);
    });
    assert.deepEqual([got.status, got.body.toString(), got.headers['content-length']], [404, 'abcd', '4']);
  });

  it('to HEAD has a head only, whatever length it names', async (t) => {
    const got = await answeredBy(t, (out) => out.writeText('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'), 'HEAD');
    assert.deepEqual([got.body.length, got.headers['content-length']], [0, '4']);
  });

  it('comes behind interim ones', async (t) => {
    const got = await answeredBy(t, (out) => {
      out.writeText('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
      assert.equal(out.isOver, false);
      out.writeText('HTTP/1.1 204 No Content\r\n\r\n');
    });
    assert.equal(got.status, 204);
  });

  it('that is small leaves in two frames, the second with the end, and in chunks too', () => {
    for (const text of [
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    ]) {
      const scene = sessionScene();
      scene.give(headers(1, GET));
      const out = new StreamOutlet(scene.begun[0]?.stream as (typeof scene.begun)[number]['stream']);
      assert.equal(out.writeSoon(Buffer.from(text), 0, text.length), true);
      const frames = scene.said();
      assert.deepEqual(
        frames.map(({ type, flags }) => [type, flags & END_STREAM]),
        [
          [TYPE.headers, 0],
          [TYPE.data, END_STREAM],
        ],
      );
      assert.equal(out.isOver, true);
    }
  });

  it('that the client has no window for backs up until it has left', () => {
    const size = 60_000;
    const scene = sessionScene();
    scene.give(frame(TYPE.settings, 0, 0, setting(4, 100)), headers(1, GET));
    const { stream, owner } = scene.begun[0] as (typeof scene.begun)[number];
    const out = new StreamOutlet(stream);
    out.writeText(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    assert.equal(out.isBackedUp, false);
    assert.equal(out.writeSoon(Buffer.alloc(size, 'x'), 0, size), false);
    assert.deepEqual([out.isBackedUp, out.isOver], [true, true]);
    assert.ok(out.bytesSent > size);
    scene.give(frame(TYPE.window, 0, 1, word(size)));
    assert.deepEqual([out.isBackedUp, owner.told], [false, ['finished', 'closed ', 'flushed']]);
  });

  it('to a stream that is gone is dropped', () => {
    const scene = sessionScene();
    scene.give(headers(1, GET), frame(TYPE.reset, 0, 1, word(8)));
    scene.give(headers(3, GET));
    const { stream } = scene.begun[0] as (typeof scene.begun)[number];
    const out = new StreamOutlet(stream);
    stream.cut();
    scene.said();
    out.writeText('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    assert.deepEqual([out.isOver, scene.said()], [false, []]);
  });
});
