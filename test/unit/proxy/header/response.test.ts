/** The head that a client gets: framing, persistence, dates, timing, and what filters do to an upstream's fields. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filters } from '#src/model/config.ts';
import {
  type ClientFraming,
  clientFraming,
  interimText,
  persistenceLine,
  responseText,
  serverTimingLine,
} from '#src/proxy/header/response.ts';
import type { PlaneSketch } from '../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, readHead, readResponse, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

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

describe('a response of a route', () => {
  /** The head for the client, with fields known to the route's own table. */
  function passed(sketch: PlaneSketch, fields: string, answerLines = ''): string[] {
    const on = bench(sketch);
    const head = readHead(on.table, get('/'));
    const x = exchangeOn(on);
    x.route = on.table.router.match(head, head.path, head.method)?.route ?? null;
    Object.assign(x, { answerLines, attemptAtMs: 0 });
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`, 'latin1');
    const response = on.table.responseHead;
    assert.equal(response.parse(bytes, 0, bytes.length, false), bytes.length);
    const lines = responseText(x, response, 'as-is', false).trimEnd().split('\r\n');
    return lines.slice(1, -1).filter((line) => line !== 'Content-Length: 0');
  }
  const filtered = (filters: Partial<Filters>): PlaneSketch => ({ routes: [{ ...TWO_VERSIONS, filters }] });
  const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT';

  it('has the upstream’s date, or the gateway’s where there is none', () => {
    assert.deepEqual(passed(filtered({}), 'date: yesterday\r\n'), ['date: yesterday']);
    assert.deepEqual(passed(filtered({}), ''), [DATE]);
  });

  const cors = {
    allowOrigins: ['*'],
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeS: 0,
  };
  const own =
    'Access-Control-Allow-Origin: *\r\naccess-control-allow-credentials: true\r\nAccess-Control-Max-Age: 9\r\n' +
    'Access-Control-Expose-Headers: X\r\nAccess_Control_Allow_Origin: *\r\nVary: Accept\r\n';

  it('has the CORS fields of the filter in the place of the upstream’s, which only say what varies', () => {
    const lines = 'Access-Control-Allow-Origin: https://a\r\nVary: Origin\r\n';
    assert.deepEqual(passed(filtered({ cors }), own, lines), ['Vary: Accept', DATE, ...lines.trimEnd().split('\r\n')]);
    assert.deepEqual(passed(filtered({ cors }), own), ['Vary: Accept', DATE]);
  });

  it('without a CORS filter keeps the upstream’s', () => {
    assert.ok(passed(filtered({}), own).includes('Access-Control-Allow-Origin: *'));
  });

  it('has the fields that the modifier says, last of all', () => {
    const responseHeaders = {
      set: [
        { name: 'Server', value: 'none' },
        { name: 'Date', value: 'never' },
      ],
      add: [{ name: 'X-Add', value: '1' }],
      remove: ['X-Powered-By', 'Access-Control-Allow-Origin'],
    };
    const fields = 'server: a\r\nSERVER: b\r\nx-powered-by: c\r\nX_Powered_By: d\r\nA: 1\r\n';
    const lines = passed(filtered({ responseHeaders, cors }), fields, 'Access-Control-Allow-Origin: *\r\n');
    assert.deepEqual(lines, ['A: 1', 'Server: none', 'Date: never', 'X-Add: 1']);
  });

  it('says where the time went only if it is asked to', () => {
    const timing = passed({ ...filtered({}), http: { serverTiming: true } }, 'Server-Timing: db;dur=1\r\n');
    assert.equal(timing[0], 'Server-Timing: db;dur=1');
    assert.match(timing[2] ?? '', /^Server-Timing: gw;dur=\d+\.\d, up;dur=\d+\.\d$/);
  });
});

it('time is the upstream’s from the last attempt on, and the gateway’s before', () => {
  const x = exchangeOn(bench(), 100);
  x.attemptAtMs = 101.25;
  assert.equal(serverTimingLine(x, 135.3), 'Server-Timing: gw;dur=1.3, up;dur=34.1\r\n');
});

it('a connection’s end is said, and in HTTP/1.0 that it goes on', () => {
  assert.equal(persistenceLine(1, true), 'Connection: close\r\n');
  assert.equal(persistenceLine(0, true), 'Connection: close\r\n');
  assert.equal(persistenceLine(0, false), 'Connection: keep-alive\r\n');
  assert.equal(persistenceLine(1, false), '');
});

it('building a head costs a few strings', COUNTED, () => {
  const on = bench();
  const head = readResponse('HTTP/1.1 200 OK\r\nServer: a\r\nDate: today\r\nContent-Length: 2\r\nETag: "x"\r\n\r\n');
  const x = exchangeOn(on);
  let kept = '';
  const bytes = bytesPerCall(() => void (kept = responseText(x, head, 'as-is', false)), 5000, 400);
  assert.ok(kept.length > 0 && bytes <= 400, `${bytes} B`);
});
