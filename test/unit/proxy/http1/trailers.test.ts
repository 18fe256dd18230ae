import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { allowedTrailers } from '#src/proxy/http1/trailers.ts';

const NAMES = new NameTable(['x-release-stage', 'x_user']);

describe('trailers that may go on', () => {
  it('are fields that nobody acts on, byte for byte in their order', () => {
    const text = 'Grpc-Status:0\r\nx-checksum:  a b \t\r\nX-Checksum: 2\r\n';
    assert.equal(allowedTrailers(text, NAMES), text);
    assert.equal(allowedTrailers('', NAMES), '');
  });

  const forbidden = [
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Authorization',
    'Cookie',
    'Set-Cookie',
    'Content-Type',
    'Cache-Control',
    'X-Forwarded-For',
    'X-Forwarded-Anything',
    'X-Client-Cert',
    'Connection',
    'Trailer',
    'TE',
    'Upgrade',
    'Via',
    'Expect',
    'Max-Forwards',
    'Range',
    'If-Match',
    'Location',
    'Access-Control-Allow-Origin',
    'Sec-Fetch-Site',
    'X-Release-Stage',
    'X-User',
    'x_user',
    'Content_Length',
    'SET_COOKIE',
  ];
  for (const name of forbidden) {
    it(`do not include ${name}`, () => {
      assert.equal(allowedTrailers(`A: 1\r\n${name}: x\r\nB: 2\r\n`, NAMES), 'A: 1\r\nB: 2\r\n');
    });
  }
});
