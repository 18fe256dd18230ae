/** The gateway's own answers: well-formed, precise, and nothing in them that a client could have written. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import { acceptsJson, optionsText, type Rejection, rejectionText } from '#src/proxy/rejection.ts';
import { readResponse } from '../../support/proxy/parts.ts';

function rejected(change: Partial<Rejection> = {}): string {
  return rejectionText({
    reason: REASON.noRoute,
    detail: 'why',
    route: 'shop',
    requestId: 'id-1',
    asJson: true,
    isHead: false,
    close: false,
    ...change,
  });
}

function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

describe('an answer of the gateway', () => {
  REASONS.forEach((row, reason) => {
    if (row.status === 0) return;
    it(`for ${row.name} is a ${row.status} that our own parser accepts`, () => {
      const text = rejected({ reason: reason as Reason });
      const head = readResponse(text);
      assert.equal(head.status, row.status);
      assert.equal(head.bodyLength, Buffer.byteLength(bodyOf(text), 'latin1'));
      assert.match(head.statusText, /^\d{3} [A-Z][A-Za-z ]+$/);
      assert.equal(text.includes(`Proxy-Status: sluice; error=${row.proxyError}\r\n`), row.proxyError !== '');
      assert.equal(/\r\nRetry-After: 1\r\n/.test(text), row.status === 503);
      assert.equal(/\r\nAllow: /.test(text), row.status === 405);
    });
  });

  it('is a problem document', () => {
    assert.match(rejected(), /\r\nContent-Type: application\/problem\+json\r\n/);
    assert.deepEqual(JSON.parse(bodyOf(rejected())), {
      type: 'urn:sluice:reason:no_route',
      title: 'No route matches this request',
      status: 404,
      detail: 'why',
      reason: 'no_route',
      route: 'shop',
      requestId: 'id-1',
    });
  });

  it('leaves out what is not known', () => {
    const text = rejected({ route: '', requestId: '' });
    assert.doesNotMatch(text, /"route"|requestId|X-Request-Id/);
  });

  it('is plain text where JSON is not accepted', () => {
    const text = rejected({ asJson: false });
    assert.match(text, /\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    assert.equal(bodyOf(text), '404 No route matches this request: why\n');
  });

  it('to HEAD has the same head and no body', () => {
    const text = rejected();
    assert.equal(rejected({ isHead: true }), text.slice(0, text.indexOf('\r\n\r\n') + 4));
  });

  it('says close when it closes', () => {
    assert.match(rejected({ close: true }), /\r\nConnection: close\r\n/);
    assert.doesNotMatch(rejected(), /Connection/);
  });

  it('is never cached', () => assert.match(rejected(), /\r\nCache-Control: no-store\r\n/));

  it('is pure ASCII whatever the route is called, its length right', () => {
    for (const route of ['Küche', '\u{1f600}', '\u2028"\\\r\n\0']) {
      const text = rejected({ route });
      assert.match(text, /^[\0-\x7f]*$/);
      assert.equal(readResponse(text).bodyLength, bodyOf(text).length);
      assert.equal((JSON.parse(bodyOf(text)) as { route: string }).route, route);
    }
  });
});

describe('the answer to OPTIONS *', () => {
  it('lists methods and has no body', () => {
    const head = readResponse(optionsText(true));
    assert.deepEqual([head.status, head.bodyLength, head.keepAlive], [204, 0, false]);
    assert.match(optionsText(false), /^HTTP\/1\.1 204 No Content\r\nAllow: GET, .*OPTIONS\r\n\r\n$/);
  });
});

describe('a client takes JSON', () => {
  for (const head of [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nAccept: */*\r\n\r\n',
    'A\r\nACCEPT: text/html, application/json\r\n',
  ]) {
    it(`with ${JSON.stringify(head)}`, () => assert.equal(acceptsJson(head), true));
  }
  for (const head of [
    'GET / HTTP/1.1\r\nAccept: text/html\r\n\r\n',
    'GET /accept:json HTTP/1.1\r\naccept:text/*\r\nX: json\r\n',
  ]) {
    it(`not with ${JSON.stringify(head)}`, () => assert.equal(acceptsJson(head), false));
  }
});
