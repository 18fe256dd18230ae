/** Client requests through a real socket (RFC 9112): what is refused never reaches the upstream and closes the connection. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startPlane, type TestPlane } from '../support/plane.ts';
import { answering, type RawUpstream, rawClient, sendAndClose, statusesOf } from '../support/raw.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HOST = 'Host: a\r\n';
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

let upstream: RawUpstream;
let plane: TestPlane;

before(async () => {
  upstream = await answering(OK);
  plane = await startPlane({
    routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }],
    limits: { bodyBytesMax: 1000 },
  });
});

after(async () => {
  plane.close();
  await upstream.close();
});

describe('a refused request is answered, closed and followed by nothing', () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ['CL.TE', `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['TE.CL', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`, 400],
    ['TE.TE', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n`, 400],
    ['an obfuscated coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
    ['a bare LF', `GET / HTTP/1.1\n${HOST}\r\n`, 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`, 400],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
    ['a long target', `GET /${'x'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
    ['a big head', `GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['a body that is too long', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1001\r\n\r\n`, 413],
  ];
  for (const [name, bytes, status] of refused) {
    it(`${name}: ${status}`, async () => {
      const seen = upstream.received.join('').length;
      const received = await sendAndClose(plane.port, bytes + SMUGGLED);
      assert.deepEqual(statusesOf(received), [status], received);
      assert.match(received, /Connection: close\r\n/);
      assert.match(received, /Content-Type: application\/problem\+json\r\n/);
      assert.equal(upstream.received.join('').length, seen, 'the upstream must see nothing');
    });
  }

  const broken: readonly (readonly [string, string, number])[] = [
    ['a bad chunk size', 'zz\r\n', 400],
    ['a chunk size with a sign', '+1\r\na\r\n', 400],
    ['a chunk size with 0x', '0x1\r\na\r\n', 400],
    ['a chunk size of 17 digits', '00000000000000001\r\na\r\n', 400],
    ['a bare LF after the size', '1\na\r\n0\r\n\r\n', 400],
    ['a bare LF after the data', '1\r\na\n0\r\n\r\n', 400],
    ['data longer than its size', '1\r\nab\r\n0\r\n\r\n', 400],
    ['white space before the CRLF', '1 \r\na\r\n0\r\n\r\n', 400],
    ['2 KiB of extensions', `1;${'x'.repeat(2048)}\r\na\r\n0\r\n\r\n`, 400],
    ['16 KiB of trailers', `0\r\nA: ${'x'.repeat(16_384)}\r\n\r\n`, 400],
    ['a malformed trailer', '0\r\nA b\r\n\r\n', 400],
    ['more than the limit', `${'64\r\n'.concat('x'.repeat(100), '\r\n').repeat(11)}0\r\n\r\n`, 413],
  ];
  for (const [name, body, status] of broken) {
    it(`a chunked body with ${name}: ${status}`, async () => {
      const bytes = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`;
      const client = rawClient(plane.port);
      client.send(bytes + SMUGGLED);
      const received = await client.closed();
      // The upstream here answers a head before its body: then the answer stands and the connection closes all the same.
      const statuses = statusesOf(received);
      assert.equal(statuses.length <= 1, true, received);
      assert.ok(statuses.length === 0 || statuses[0] === status || statuses[0] === 200, received);
      assert.doesNotMatch(upstream.received.join(''), /smuggled/);
    });
  }
});

describe('requests on one connection', () => {
  it('are answered in order when pipelined', async () => {
    const client = rawClient(plane.port);
    client.send(
      `GET /1 HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\n${HOST}\r\nGET /3 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
    );
    const received = await client.closed();
    assert.deepEqual(statusesOf(received), [200, 200, 200]);
    const paths = [...upstream.received.join('').matchAll(/GET (\/[123]) /g)].map((match) => match[1]);
    assert.deepEqual(paths, ['/1', '/2', '/3']);
  });

  it('go on after a 404 of the gateway', async () => {
    const strict = await startPlane({
      routes: [
        {
          matches: [{ path: { type: 'Exact', value: '/x' }, method: null, headers: [], query: [] }],
          versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }],
        },
      ],
    });
    const client = rawClient(strict.port);
    client.send(`GET /nope HTTP/1.1\r\n${HOST}\r\nGET /x HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    assert.deepEqual(statusesOf(await client.closed()), [404, 200]);
    strict.close();
  });

  it('may be one byte each', async () => {
    const client = rawClient(plane.port);
    for (const byte of `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`) client.send(byte);
    assert.deepEqual(statusesOf(await client.closed()), [200]);
  });

  it('end after HTTP/1.0 without keep-alive, and go on with it', async () => {
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, 'GET / HTTP/1.0\r\n\r\n')), [200]);
    const client = rawClient(plane.port);
    client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    assert.match(await client.until((text) => text.endsWith('ok')), /Connection: keep-alive\r\n/);
    client.send('GET / HTTP/1.0\r\n\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [200, 200]);
  });

  it('OPTIONS * and OPTIONS with no forwards left are answered by the gateway itself', async () => {
    const seen = upstream.received.join('').length;
    const last = `OPTIONS /x HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\nConnection: close\r\n\r\n`;
    assert.match(await sendAndClose(plane.port, last), /^HTTP\/1\.1 204 No Content\r\nAllow: /);
    const received = await sendAndClose(plane.port, `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    assert.match(received, /^HTTP\/1\.1 204 No Content\r\nAllow: /);
    assert.equal(upstream.received.join('').length, seen);
  });
});
