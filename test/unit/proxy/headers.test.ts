/** Header rules of forwarding as functions: what is removed, what is set, and what stays byte for byte. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ClientFraming,
  clientFraming,
  interimText,
  type PeerLines,
  requestText,
  responseText,
} from '#src/proxy/headers.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import type { PlaneSketch } from '../../support/plane.ts';
import { bytesPerCall } from '../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead, readResponse, TWO_VERSIONS } from '../../support/proxy/parts.ts';

const FRESH = '0123456789abcdef0123456789abcdef0123456789abcdef';
const FORWARDED = 'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n';

function linesOf(isTrusted: boolean): PeerLines {
  return { peer: peerOf(isTrusted), forwarded: FORWARDED };
}

interface Sent {
  readonly text: string;
  readonly requestId: string;
}

/** The head sent upstream for a client's head. */
function sent(text: string, options: { isTrusted?: boolean; color?: PlaneSketch['color'] } = {}): Sent {
  const on = bench({ routes: [TWO_VERSIONS], ...(options.color === undefined ? {} : { color: options.color }) });
  const head = readHead(on.table, text);
  const x = exchangeOn(on);
  const { method, target, minor, bodyLength } = head;
  Object.assign(x, { method, target, minor, bodyLength });
  return { text: requestText(x, head, linesOf(options.isTrusted ?? false), FRESH), requestId: x.requestId };
}

describe('a request head', () => {
  it('ends in one empty line and says what it passed through', () => {
    const { text } = sent(get('/a?b'));
    assert.ok(text.startsWith('GET /a?b HTTP/1.1\r\nHost: a\r\n'));
    assert.ok(text.endsWith('\r\nVia: 1.1 sluice\r\n\r\n'));
    assert.equal(text.split('\r\n\r\n').length, 2);
    assert.equal(text.replaceAll('\r\n', '').search(/[\r\n\0]/), -1);
  });

  it('of HTTP/1.0 is sent as 1.1, with an empty Host where there is none', () => {
    const { text } = sent('GET / HTTP/1.0\r\n\r\n');
    assert.ok(text.startsWith('GET / HTTP/1.1\r\n'));
    assert.match(text, /\r\nHost: \r\n/);
    assert.match(text, /\r\nVia: 1\.0 sluice\r\n/);
    assert.doesNotMatch(text, /X-Forwarded-Host/);
  });

  it('keeps one framing field: the one the client’s framing has', () => {
    const chunked = sent(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n`).text;
    assert.deepEqual(chunked.match(/^(?:content-length|transfer-encoding):.*$/gim), ['Transfer-Encoding: chunked']);
    const measured = sent(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`).text;
    assert.deepEqual(measured.match(/^(?:content-length|transfer-encoding):.*$/gim), ['Content-Length: 5']);
    assert.equal(sent(get('/')).text.match(/^(?:content-length|transfer-encoding):/gim), null);
  });

  const hopByHop = [
    'Connection: x',
    'Keep-Alive: 5',
    'Proxy-Connection: x',
    'TE: trailers',
    'Upgrade: x',
    'Proxy-Authenticate: x',
    'Proxy-Authorization: x',
    'Trailer: x',
    'HTTP2-Settings: x',
  ];
  for (const line of hopByHop) {
    it(`loses ${line}`, () => assert.equal(sent(get('/', `${line}\r\nX-Kept: 1\r\n`)).text.includes(line), false));
  }

  it('loses what a stranger claims about itself, in any case, spelled with _ or twice', () => {
    const claims = [
      'Forwarded',
      'X-Forwarded-For',
      'X-FORWARDED-PROTO',
      'x-forwarded-host',
      'X-Forwarded-Port',
      'X-Real-IP',
      'X_Forwarded_For',
      'x_real_ip',
    ];
    const { text } = sent(get('/', claims.map((name) => `${name}: evil\r\n${name}: evil\r\n`).join('')));
    assert.doesNotMatch(text, /evil/);
    assert.ok(text.includes(FORWARDED));
    assert.match(text, /\r\nX-Forwarded-Host: a\r\n/);
  });

  it('keeps a trusted proxy’s claims, joined and with its own address', () => {
    const { text } = sent(get('/', 'X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Real-IP: 1.1.1.1\r\n'), {
      isTrusted: true,
    });
    assert.deepEqual(text.match(/^x-forwarded-for:.*$/gim), ['X-Forwarded-For: 1.1.1.1, 2.2.2.2, 203.0.113.7']);
    assert.match(text, /\r\nX-Real-IP: 1\.1\.1\.1\r\n/);
    assert.match(text, /\r\nX-Forwarded-Proto: http\r\n/);
  });

  it('loses the color of a stranger where only trusted proxies may set it', () => {
    const color = { header: 'x-release-stage', acceptFrom: 'trustedProxies' } as const;
    const request = get('/', 'X-Release-Stage: blue\r\nX-Release-Stage: green\r\n');
    assert.doesNotMatch(sent(request, { color }).text, /release-stage/i);
    assert.match(sent(request, { color, isTrusted: true }).text, /X-Release-Stage: blue\r\nX-Release-Stage: green\r\n/);
  });
});

describe('Max-Forwards', () => {
  const forwarded = (method: string, value: string): readonly string[] | null =>
    sent(`${method} / HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`).text.match(/^max-forwards:.*$/gim);

  it('is one less for OPTIONS', () => {
    assert.deepEqual(forwarded('OPTIONS', '10'), ['Max-Forwards: 9']);
    assert.deepEqual(forwarded('OPTIONS', '1'), ['Max-Forwards: 0']);
    assert.deepEqual(forwarded('OPTIONS', '007'), ['Max-Forwards: 6']);
  });

  it('never falls below 0, however 0 is written', () => {
    for (const value of ['0', '00', '000000000']) {
      const { table } = bench();
      const head = readHead(table, `OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\n\r\n`);
      assert.equal(head.isForUs, true, value);
    }
  });

  it('is left alone otherwise', () => {
    assert.deepEqual(forwarded('GET', '10'), ['Max-Forwards: 10']);
    assert.deepEqual(forwarded('OPTIONS', 'x'), ['Max-Forwards: x']);
  });
});

describe('the request id', () => {
  it('is the client’s if it is safe', () => {
    for (const id of ['a', 'A-1_2.3:4', 'x'.repeat(128)]) {
      const { text, requestId } = sent(get('/', `X-Request-Id: ${id}\r\n`));
      assert.equal(requestId, id);
      assert.deepEqual(text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${id}`]);
    }
  });

  it('is a fresh one otherwise, and the only one', () => {
    for (const id of ['', 'a b', 'x'.repeat(129), 'é', '"a"', 'a;b', 'a\\b']) {
      const { text, requestId } = sent(get('/', `X-Request-Id: ${id}\r\n`));
      assert.equal(requestId, FRESH.slice(0, 32), id);
      assert.deepEqual(text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${requestId}`]);
    }
    const twice = sent(get('/', 'X-Request-Id: a\r\nX-Request-Id: b\r\n'));
    assert.deepEqual(twice.text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${FRESH.slice(0, 32)}`]);
  });

  it('is sent even when Connection names it', () => {
    const { text, requestId } = sent(get('/', 'Connection: X-Request-Id\r\nX-Request-Id: mine\r\n'));
    assert.deepEqual(text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${requestId}`]);
  });
});

describe('traceparent', () => {
  const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  it('is kept when it is valid', () => {
    assert.deepEqual(sent(get('/', `traceparent: ${valid}\r\n`)).text.match(/^traceparent:.*$/gim), [
      `traceparent: ${valid}`,
    ]);
  });
  for (const bad of ['', valid.toUpperCase(), `${valid}-x`, valid.replace(/^00/, '01'), valid.slice(0, -1)]) {
    it(`is made anew instead of ${JSON.stringify(bad)}`, () => {
      const { text } = sent(get('/', `traceparent: ${bad}\r\n`));
      assert.deepEqual(text.match(/^traceparent:.*$/gim), [
        `traceparent: 00-${FRESH.slice(0, 32)}-${FRESH.slice(32)}-00`,
      ]);
    });
  }
});

describe('a response', () => {
  const answered = (
    text: string,
    framing: ClientFraming,
    change: { close?: boolean; minor?: number; method?: string } = {},
  ): string => {
    const x = Object.assign(exchangeOn(bench()), { minor: change.minor ?? 1, method: change.method ?? 'GET' });
    return responseText(x, readResponse(text, x.isHead), framing, change.close ?? false);
  };

  it('is framed as it is when its length is known, else chunked, and until close for HTTP/1.0', () => {
    const framings: readonly (readonly [string, number, ClientFraming])[] = [
      ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 1, 'as-is'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 0, 'as-is'],
      ['HTTP/1.1 204 No Content\r\n\r\n', 0, 'as-is'],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 1, 'chunked'],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 0, 'close'],
      ['HTTP/1.1 200 OK\r\n\r\n', 1, 'chunked'],
      ['HTTP/1.1 200 OK\r\n\r\n', 0, 'close'],
    ];
    for (const [text, minor, framing] of framings)
      assert.equal(clientFraming(readResponse(text), minor), framing, text);
  });

  it('never has two framings', () => {
    const chunked = answered('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'chunked');
    assert.deepEqual(chunked.match(/^(?:content-length|transfer-encoding):.*$/gim), ['Transfer-Encoding: chunked']);
    const closed = answered('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'close', {
      minor: 0,
      close: true,
    });
    assert.equal(closed.match(/^(?:content-length|transfer-encoding):/gim), null);
    const measured = answered('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 'as-is');
    assert.deepEqual(measured.match(/^(?:content-length|transfer-encoding):.*$/gim), ['Content-Length: 3']);
  });

  it('says how the connection goes on', () => {
    const text = 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n';
    assert.doesNotMatch(answered(text, 'as-is'), /Connection/);
    assert.match(answered(text, 'as-is', { close: true }), /\r\nConnection: close\r\n/);
    assert.match(answered(text, 'as-is', { minor: 0 }), /\r\nConnection: keep-alive\r\n/);
  });

  it('has a status line that a strict client accepts, with or without a reason phrase', () => {
    for (const line of ['HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 200 ', 'HTTP/1.1 200']) {
      assert.match(answered(`${line}\r\nContent-Length: 0\r\n\r\n`, 'as-is'), /^HTTP\/1\.1 200 (?:OK)?\r\n/, line);
    }
  });

  it('tells the upstream’s version in Via', () => {
    assert.match(answered('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'as-is'), /\r\nVia: 1\.0 sluice\r\n\r\n$/);
  });

  it('to HEAD announces no chunks', () => {
    const text = answered('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'chunked', { method: 'HEAD' });
    assert.doesNotMatch(text, /transfer-encoding/i);
  });

  it('that is interim keeps its fields but hop-by-hop ones', () => {
    const head = readResponse(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nKeep-Alive: 1\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n',
    );
    assert.equal(interimText(head), 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  });
});

it('building a head costs a few strings', () => {
  const on = bench();
  const text = get(
    '/a/b?c',
    'Accept: */*\r\nCookie: session=0123456789abcdef\r\nConnection: keep-alive\r\nUser-Agent: x\r\n',
  );
  const head = readHead(on.table, text);
  const x = Object.assign(exchangeOn(on), { method: 'GET', target: '/a/b?c', bodyLength: CHUNKED });
  const lines = linesOf(false);
  let kept = '';
  const bytes = bytesPerCall(() => void (kept = requestText(x, head, lines, FRESH)), 5000, 1500);
  assert.ok(kept.length > 0 && bytes <= 1500, `${bytes} B`);
});
