/** What an HTTP/1.1 client would get, said to a real stream of HTTP/2: the same however it is cut into writes. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { StreamOutlet } from '#src/proxy/http2/outlet.ts';

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** Answers one request with the outlet of its stream. */
async function answeredBy(t: TestContext, answer: (out: StreamOutlet) => void, method = 'GET'): Promise<Got> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const out = new StreamOutlet(stream, () => undefined);
    out.isHead = method === 'HEAD';
    answer(out);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    session.destroy();
    server.close();
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

  it('that is large is sent from where it stands, and backs up until it has left', async (t) => {
    const size = 60_000;
    let flushed = 0;
    const server: { out?: StreamOutlet } = {};
    const got = await answeredBy(t, (out) => {
      server.out = out;
      out.writeText(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      assert.equal(out.isBackedUp, false);
      out.writeBytes(Buffer.alloc(size, 'x'), 0, size);
      assert.equal(out.isBackedUp, true);
      flushed = out.bytesSent;
    });
    assert.equal(got.body.length, size);
    assert.ok(flushed > size);
    assert.equal(server.out?.isBackedUp, false);
  });

  it('to a stream that is gone is dropped', async (t) => {
    const server = createServer();
    const written = new Promise<void>((resolve) => {
      server.on('stream', (stream: ServerHttp2Stream) => {
        stream.on('error', () => undefined);
        const out = new StreamOutlet(stream, () => undefined);
        stream.destroy();
        out.writeText('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        assert.equal(out.isOver, false);
        resolve();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    t.after(() => {
      session.destroy();
      server.close();
    });
    session.request({}).on('error', () => undefined);
    await written;
  });
});
