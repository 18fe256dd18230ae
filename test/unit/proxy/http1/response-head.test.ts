/** Response heads: what is accepted, what is refused, and that where a read splits the bytes changes nothing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';

/** Parses whole and cut at every byte; all must agree. */
function parse(text: string, isHead = false): { head: ResponseHead; result: number } {
  const head = new ResponseHead(new NameTable([]), LIMITS);
  const bytes = Buffer.from(text, 'latin1');
  const whole = head.parse(bytes, 0, bytes.length, isHead);
  for (let cut = 0; cut < bytes.length; cut++) {
    const partial = head.parse(bytes, 0, cut, isHead);
    if (partial !== 0) assert.equal(partial, whole, `cut at ${cut}`);
    else assert.ok(whole < 0 || cut < whole, `cut at ${cut} is still incomplete`);
  }
  return { head, result: head.parse(bytes, 0, bytes.length, isHead) };
}

describe('a response head is accepted', () => {
  const accepted: readonly (readonly [string, string, Partial<ResponseHead>])[] = [
    [
      'with a length',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      { status: 200, bodyLength: 5, keepAlive: true, statusText: '200 OK' },
    ],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', { bodyLength: CHUNKED, keepAlive: true }],
    ['without framing, until close', 'HTTP/1.1 200 OK\r\n\r\n', { bodyLength: UNTIL_CLOSE, keepAlive: false }],
    ['without a reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', { status: 200, bodyLength: 0 }],
    [
      'with obs-text in its reason',
      'HTTP/1.1 404 Pas trouv\xe9\r\nContent-Length: 0\r\n\r\n',
      { statusText: '404 Pas trouv\xe9' },
    ],
    [
      'with Connection: close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      { keepAlive: false },
    ],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', { minor: 0, keepAlive: false }],
    [
      'of HTTP/1.0 with keep-alive',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
      { keepAlive: true },
    ],
    ['with 204', 'HTTP/1.1 204 No Content\r\n\r\n', { bodyLength: 0, keepAlive: true }],
    [
      'with 304 and the length it would have',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      { bodyLength: 0, keepAlive: true },
    ],
    ['interim', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', { status: 103, bodyLength: 0 }],
    ['with status 599', 'HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n', { status: 599 }],
  ];
  for (const [name, text, expected] of accepted) {
    it(name, () => {
      const { head, result } = parse(text);
      assert.equal(result, text.length, head.detail);
      for (const [key, value] of Object.entries(expected)) assert.equal(head[key as keyof ResponseHead], value, key);
    });
  }

  it('to HEAD without a body, whatever its fields say', () => {
    for (const framing of ['Content-Length: 9\r\n', 'Transfer-Encoding: chunked\r\n', '']) {
      const { head, result } = parse(`HTTP/1.1 200 OK\r\n${framing}\r\n`, true);
      assert.ok(result > 0);
      assert.deepEqual([head.bodyLength, head.keepAlive], [0, true]);
    }
  });

  it('in the middle of other bytes', () => {
    const head = new ResponseHead(new NameTable([]), LIMITS);
    const bytes = Buffer.from('junkHTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\nabc');
    assert.equal(head.parse(bytes, 4, bytes.length, false), bytes.length - 3);
    assert.deepEqual([head.statusText, head.bodyLength, head.fields.kept()], ['200 Fine', 3, 'Content-Length: 3\r\n']);
  });
});

describe('a response head is refused', () => {
  const refused: readonly string[] = [
    'HTTP/1.1 099 Low\r\n\r\n',
    'HTTP/1.1 600 High\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1\t200 OK\r\n\r\n',
    'HTTP/1.1 200\tOK\r\n\r\n',
    'HTTP/1.1 +20 OK\r\n\r\n',
    'HTTP/1.2 200 OK\r\n\r\n',
    'HTTP/2.0 200 OK\r\n\r\n',
    'http/1.1 200 OK\r\n\r\n',
    ' HTTP/1.1 200 OK\r\n\r\n',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\n\r\n',
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 200 OK\rX\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA b\r\n\r\n',
    'HTTP/1.1 200 OK\r\n A: b\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: transfer-encoding\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(129)}\r\n`,
  ];
  for (const text of refused) {
    it(JSON.stringify(text.slice(0, 70)), () => assert.equal(parse(text).result, -1));
  }

  it('that is too long, complete or not', () => {
    for (const end of ['\r\n\r\n', '']) {
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(32_768)}${end}`);
      assert.equal(new ResponseHead(new NameTable([]), LIMITS).parse(bytes, 0, bytes.length, false), -1);
    }
    const line = Buffer.from(`HTTP/1.1 200 ${'a'.repeat(32_768)}`);
    assert.equal(new ResponseHead(new NameTable([]), LIMITS).parse(line, 0, line.length, false), -1);
  });
});
