/** Bodies of requests into streams: unframed, kept for another attempt, no faster than the endpoint reads. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { chunkOf, endsWithoutTrailers } from '#src/proxy/forward/http2/body.ts';
import { fieldIn, http2EndpointOf, oneHttp2 } from '../../../../support/http/h2-endpoint.ts';
import { clientOf, planeOf } from '../../../../support/proxy/running.ts';

const CLOSE = 'Connection: close\r\n';

interface Taken {
  readonly body: string;
  readonly length: string;
}

/** An endpoint that notes bodies, and refuses the first request in some way. */
async function taking(t: TestContext, refuse: (nth: number) => boolean = () => false) {
  const taken: Taken[] = [];
  let count = 0;
  const endpoint = await http2EndpointOf(t, (stream, raw) => {
    count++;
    const parts: Buffer[] = [];
    const isRefused = refuse(count);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      taken.push({ body: Buffer.concat(parts).toString('latin1'), length: fieldIn(raw, 'content-length') });
      if (isRefused) stream.close(7);
      else stream.respond({ ':status': 204 }, { endStream: true });
    });
  });
  return { taken, plane: await planeOf(t, oneHttp2([endpoint.port])) };
}

describe('a body', () => {
  const bodies: [string, string[], Taken][] = [
    [
      'of a length',
      [`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n${CLOSE}\r\nabc`],
      { body: 'abc', length: '3' },
    ],
    [
      'in chunks that came with the head',
      [`PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`],
      { body: 'abc', length: '' },
    ],
    [
      'in chunks that came later',
      [
        `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n2\r\na`,
        'b\r\n',
        '1\r\nc\r\n0\r\n',
        '\r\n',
      ],
      { body: 'abc', length: '' },
    ],
    [
      'that is empty',
      [`PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n0\r\n\r\n`],
      { body: '', length: '' },
    ],
  ];

  for (const [name, parts, expected] of bodies) {
    it(`${name} arrives, also by a second attempt`, async (t) => {
      for (const refuses of [false, true]) {
        const { taken, plane } = await taking(t, (nth) => refuses && nth === 1);
        const client = clientOf(t, plane);
        for (const part of parts) {
          client.send(part);
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.match(await client.closed(), /^HTTP\/1\.1 204 /);
        assert.deepEqual(taken, refuses ? [expected, expected] : [expected]);
      }
    });
  }

  it('that is large arrives as it was sent', async (t) => {
    const { taken, plane } = await taking(t);
    const large = Buffer.alloc(3_000_000, 'sluice over h2 ').toString('latin1');
    for (const method of ['PUT', 'POST']) {
      const client = clientOf(t, plane);
      client.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${large.length}\r\n${CLOSE}\r\n${large}`);
      assert.match(await client.closed(), /^HTTP\/1\.1 204 /);
      assert.equal(taken.at(-1)?.body === large, true, method);
    }
  });
});

describe('a body that came along with its head', () => {
  const ends = (text: string, pieces: Buffer[] = [], requestDone = true): boolean =>
    endsWithoutTrailers({ requestDone, replay: { text, pieces, byteCount: text.length } });

  it('ends without trailers when its last chunk is its end', () => {
    assert.equal(ends('3\r\nabc\r\n0\r\n\r\n'), true);
    assert.equal(ends('0\r\n\r\n'), true);
  });

  it('has trailers, or may have some, in any other case', () => {
    assert.equal(ends('3\r\nabc\r\n0\r\nX-Sum: 10\r\n\r\n'), false);
    assert.equal(ends('0\r\nX: 0\r\n\r\n'), false);
    assert.equal(ends('3\r\nabc\r\n', [], false), false);
    assert.equal(ends('3\r\nabc\r\n', [Buffer.from('0\r\n\r\n')]), false);
    assert.equal(endsWithoutTrailers({ requestDone: true, replay: null }), false);
  });
});

describe('a chunk', () => {
  it('is framed in one piece', () => {
    assert.equal(String(chunkOf(Buffer.from('0123456789abcdef'))), '10\r\n0123456789abcdef\r\n');
    assert.equal(chunkOf(Buffer.alloc(0)).length, 0);
  });
});
