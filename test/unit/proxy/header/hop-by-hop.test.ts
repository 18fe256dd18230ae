/** What ends at the next hop is not sent on; everything else is. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { requestPolicy } from '#src/proxy/header/hop-by-hop.ts';
import { FIELD } from '#src/proxy/http1/fields/names.ts';
import { readResponse } from '../../../support/proxy/parts.ts';

it('fields of one connection go, in any case and however often; others stay', () => {
  const gone =
    'Keep-Alive: 5\r\nPROXY-CONNECTION: x\r\nte: trailers\r\nUpgrade: a\r\nupgrade: b\r\nProxy-Authenticate: x\r\n' +
    'Proxy-Authorization: x\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nHTTP2-Settings: x\r\nConnection: close\r\n';
  const { fields } = readResponse(`HTTP/1.1 200 OK\r\nA: 1\r\n${gone}B: 2\r\n\r\n`);
  assert.equal(fields.kept(), 'A: 1\r\nB: 2\r\n');
});

it('of a request, claims go unless the peer is trusted, and what is both goes in any case', () => {
  const policyOf = requestPolicy(new Set([FIELD.xForwardedFor, FIELD.te]));
  assert.equal(policyOf(FIELD.xForwardedFor), 'claim');
  assert.equal(policyOf(FIELD.te), 'drop');
  assert.equal(policyOf(FIELD.host), 'keep');
});
