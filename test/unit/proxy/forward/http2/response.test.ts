/** A response of HTTP/2 in HTTP/1.1's form: nothing in it may mean something else there. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headText, trailerText } from '#src/proxy/forward/http2/response.ts';
import { LIMITS } from '../../../../support/proxy/limits.ts';

const BODY = { isEnd: false, isHead: false };

function text(raw: readonly string[], about = BODY): string {
  const translated = headText(raw, about);
  return translated.text ?? `refused: ${translated.fault}`;
}

describe('a head', () => {
  it('has the status line and its fields in their order, duplicates included', () => {
    const raw = [':status', '200', 'set-cookie', 'a=1', 'content-length', '3', 'set-cookie', 'b=\xe9'];
    assert.equal(text(raw), 'HTTP/1.1 200 OK\r\nset-cookie: a=1\r\ncontent-length: 3\r\nset-cookie: b=\xe9\r\n\r\n');
    assert.equal(text([':status', '599']), 'HTTP/1.1 599 \r\ntransfer-encoding: chunked\r\n\r\n');
  });

  it('frames a body without a length, and says that none comes', () => {
    const cases: [string, typeof BODY, string][] = [
      ['200', BODY, 'transfer-encoding: chunked\r\n'],
      ['200', { isEnd: true, isHead: false }, 'content-length: 0\r\n'],
      ['200', { isEnd: true, isHead: true }, ''],
      ['204', { isEnd: true, isHead: false }, ''],
      ['304', { isEnd: true, isHead: false }, ''],
      ['103', BODY, ''],
    ];
    for (const [status, about, framing] of cases) {
      const lines = text([':status', status], about).split('\r\n').slice(1).join('\r\n');
      assert.equal(lines, `${framing}\r\n`, JSON.stringify([status, about]));
    }
  });

  it('is refused for what could be read in two ways', () => {
    const raws: string[][] = [
      ['a', 'b'],
      [':status', '20'],
      [':status', '999'],
      [':status', '200\r\nx: y'],
      [':status', '200', ':status', '200'],
      [':status', '200', ':path', '/'],
      ['a', 'b', ':status', '200'],
      [':status', '200', 'Upper', 'a'],
      [':status', '200', 'a b', 'a'],
      [':status', '200', '', 'a'],
      [':status', '200', 'a:', 'a'],
      [':status', '200', 'a', 'b\r\nc: d'],
      [':status', '200', 'a', 'b\nc'],
      [':status', '200', 'a', 'b\0'],
      [':status', '200', 'a', ' b'],
      [':status', '200', 'a', 'b\t'],
      ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name) => [
        ':status',
        '200',
        name,
        'chunked',
      ]),
    ];
    for (const raw of raws) assert.match(text(raw), /^refused: \S/, JSON.stringify(raw));
  });
});

describe('trailers', () => {
  it('are lines, or refused as a head would be', () => {
    assert.deepEqual(trailerText(['grpc-status', '0', 'x', ''], LIMITS), { text: 'grpc-status: 0\r\nx: \r\n' });
    for (const raw of [
      [':status', '200'],
      ['A', 'b'],
      ['a', 'b\r\n'],
      ['connection', 'close'],
      ['a', 'b'.repeat(9000)],
    ]) {
      assert.equal(trailerText(raw, LIMITS).text, null, String(raw));
    }
  });

  it('are within the limits, their last line end included', () => {
    const raw = ['a', '1', 'b', '2'];
    assert.deepEqual(trailerText(raw, { trailerBytesMax: 14, trailerCountMax: 2 }), { text: 'a: 1\r\nb: 2\r\n' });
    assert.deepEqual(trailerText(raw, { trailerBytesMax: 13, trailerCountMax: 2 }), {
      text: null,
      fault: 'trailers too long',
    });
    assert.deepEqual(trailerText(raw, { trailerBytesMax: 14, trailerCountMax: 1 }), {
      text: null,
      fault: 'too many trailers',
    });
  });
});
