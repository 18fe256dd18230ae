/** A request's head in HTTP/2's form: pseudo-headers, lower case, nothing of HTTP/1.1's connections. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldsOf, shortenTimeout, trailersOf, valueIn } from '#src/proxy/forward/http2/request.ts';

const HEAD = 'POST /a?b=c HTTP/1.1\r\nHost: shop.example:8080\r\nX-One: 1\r\n';

describe('a head', () => {
  it('has its first line and host as pseudo-headers, before all others, and names in lower case', () => {
    assert.deepEqual(fieldsOf(`${HEAD}Accept:  text/html \r\nX-One: 2\r\n\r\n`, 'https'), [
      ...[':method', 'POST', ':scheme', 'https', ':path', '/a?b=c', ':authority', 'shop.example:8080'],
      ...['x-one', '1', 'accept', 'text/html', 'x-one', '2'],
    ]);
  });

  it('leaves out what belongs to one connection', () => {
    const lines =
      'Connection: TE\r\nTransfer-Encoding: chunked\r\nKeep-Alive: a\r\nUpgrade: b\r\nProxy-Connection: c\r\n';
    const fields = fieldsOf(`${HEAD}${lines}HTTP2-Settings: d\r\n\r\n`, 'http');
    assert.deepEqual(fields.slice(8), ['x-one', '1']);
  });

  it('says that trailers are taken if the request did, and nothing else of TE', () => {
    assert.deepEqual(fieldsOf(`${HEAD}Connection: TE\r\nTE: trailers\r\n\r\n`, 'http').slice(8), [
      'x-one',
      '1',
      'te',
      'trailers',
    ]);
    assert.deepEqual(fieldsOf(`${HEAD}TE: gzip\r\n\r\n`, 'http').slice(8), ['x-one', '1']);
  });

  it('has no authority where HTTP/1.0 named no host', () => {
    const fields = fieldsOf('GET / HTTP/1.1\r\nHost: \r\nVia: 1.0 sluice\r\n\r\n', 'http');
    assert.deepEqual(fields, [':method', 'GET', ':scheme', 'http', ':path', '/', 'via', '1.0 sluice']);
  });

  it('keeps every byte of a value, and of a target', () => {
    const fields = fieldsOf('OPTIONS * HTTP/1.1\r\nHost: a\r\nX: \xe9: b\t c\r\nEmpty:\r\n\r\n', 'http');
    assert.deepEqual(fields.slice(4), [':path', '*', ':authority', 'a', 'x', '\xe9: b\t c', 'empty', '']);
  });
});

describe('a field', () => {
  it('is found by its name, the first of several', () => {
    assert.equal(valueIn(['a', 'b', 'c', 'd', 'c', 'e'], 'c'), 'd');
    assert.equal(valueIn(['a', 'b'], 'b'), '');
  });

  it('of gRPC says how much time is left, where there is one', () => {
    const fields = ['grpc-timeout', '5S', 'a', 'grpc-timeout'];
    shortenTimeout(fields, 1234.5);
    assert.deepEqual(fields, ['grpc-timeout', '1234m', 'a', 'grpc-timeout']);
  });
});

describe('trailers', () => {
  it('are fields in lower case, repeated ones together', () => {
    const fields = trailersOf('X-Sum: 1\r\nx-sum: 2\r\n__proto__: 3\r\n');
    assert.deepEqual(Object.entries(fields), [
      ['x-sum', ['1', '2']],
      ['__proto__', ['3']],
    ]);
    assert.deepEqual(Object.keys(trailersOf('')), []);
  });
});
