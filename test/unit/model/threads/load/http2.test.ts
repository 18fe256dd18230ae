import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ABUSE, HTTP2_ABUSES, speaksHttp2 } from '#src/model/threads/load/http2.ts';
import { LISTENER_TLS } from '../../../../support/http/secured.ts';

test('HTTP/2 is spoken with TLS unless it is said not to be, and without it only where it is asked for', () => {
  const address = { host: 'a', port: 1 };
  assert.equal(speaksHttp2(address), false);
  assert.equal(speaksHttp2({ ...address, http2: true }), true);
  assert.equal(speaksHttp2({ ...address, tls: LISTENER_TLS }), true);
  assert.equal(speaksHttp2({ ...address, tls: LISTENER_TLS, http2: false }), false);
});

test('every abuse has its number', () => {
  assert.equal(Object.keys(ABUSE).length, HTTP2_ABUSES.length);
  for (const [name, n] of Object.entries(ABUSE)) {
    assert.equal(
      HTTP2_ABUSES[n],
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
  }
});
