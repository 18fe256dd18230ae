/** Header rules of forwarding as functions: what is removed, what is set, and what stays byte for byte. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { RouteMatch } from '#src/model/config.ts';
import { REASON } from '#src/model/reason.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { RequestDraft } from '#src/proxy/header/request.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { readMemory, reserve, whole } from '#src/proxy/wire/memory/memory.ts';
import { ANY_PATH, type PlaneSketch, type RouteSketch } from '../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import {
  bench,
  exchangeOn,
  get,
  peerOf,
  readHead,
  requestText,
  roomIn,
  TWO_VERSIONS,
} from '../../../support/proxy/parts.ts';

const DIGITS = '0123456789abcdef0123456789abcdef0123456789abcdef';
const FRESH = freshLines(DIGITS);
const FORWARDED = 'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n';

function linesOf(isTrusted: boolean): PeerLines {
  return new PeerLines(peerOf(isTrusted));
}

interface Sent {
  readonly text: string;
  readonly requestId: string;
}

/** The head sent upstream for a client's head. */
function sent(text: string, options: { isTrusted?: boolean } = {}): Sent {
  const on = bench({ routes: [TWO_VERSIONS] });
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
      assert.equal(requestId, DIGITS.slice(0, 32), id);
      assert.deepEqual(text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${requestId}`]);
    }
    const twice = sent(get('/', 'X-Request-Id: a\r\nX-Request-Id: b\r\n'));
    assert.deepEqual(twice.text.match(/^x-request-id:.*$/gim), [`X-Request-Id: ${DIGITS.slice(0, 32)}`]);
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
  for (const bad of ['', valid.toUpperCase(), `${valid}-x`, valid.slice(0, -1)]) {
    it(`is made anew instead of ${JSON.stringify(bad)}`, () => {
      const { text } = sent(get('/', `traceparent: ${bad}\r\n`));
      assert.deepEqual(text.match(/^traceparent:.*$/gim), [
        `traceparent: 00-${DIGITS.slice(0, 32)}-${DIGITS.slice(32)}-00`,
      ]);
    });
  }
});

describe('a request head of a route with filters', () => {
  /** The head sent upstream for a request that was decided, as the gateway does it. */
  function decidedText(route: Partial<RouteSketch>, text: string, options: Partial<PlaneSketch> = {}): string {
    const on = bench({ routes: [{ ...TWO_VERSIONS, ...route }], ...options });
    const head = readHead(on.table, text);
    const x = exchangeOn(on);
    const { method, target, minor, bodyLength } = head;
    Object.assign(x, { method, target, minor, bodyLength });
    assert.equal(decide(x, head, peerOf(), new Random(1)), REASON.none);
    return requestText(x, head, linesOf(false), FRESH);
  }

  const below = (value: string): RouteMatch[] => [{ ...ANY_PATH, path: { type: 'PathPrefix', value } }];

  it('has the path and host that the rewrite says, and the query that came', () => {
    const rewrite = { hostname: 'inner.test', path: { type: 'ReplacePrefixMatch', value: '/v2' } } as const;
    const text = decidedText(
      { matches: below('/api'), filters: { rewrite } },
      get('/api/a/b?x=/api', '', 'shop.test:8080'),
    );
    assert.ok(text.startsWith('GET /v2/a/b?x=/api HTTP/1.1\r\nHost: inner.test\r\n'), text);
    assert.equal(text.match(/^host:/gim)?.length, 1);
    assert.match(text, /\r\nX-Forwarded-Host: shop\.test:8080\r\n/);
    assert.match(text, /\r\nForwarded: for=203\.0\.113\.7;proto=http;host="shop\.test:8080"\r\n/);
  });

  it('keeps the client’s host where only the path is rewritten', () => {
    const rewrite = { hostname: null, path: { type: 'ReplaceFullPath', value: '/only' } } as const;
    const text = decidedText({ filters: { rewrite } }, get('/a/b?c', '', 'shop.test'));
    assert.ok(text.startsWith('GET /only?c HTTP/1.1\r\nHost: shop.test\r\n'));
  });

  it('has the fields that the modifier says, those of the gateway included', () => {
    const requestHeaders = {
      set: [{ name: 'X-Set', value: 'new' }],
      add: [{ name: 'Accept', value: 'b' }],
      remove: ['x-gone', 'x-forwarded-port'],
    };
    const text = decidedText(
      { filters: { requestHeaders } },
      get('/', 'Accept: a\r\nx-set: 1\r\nX_Set: 2\r\nX-Gone: 1\r\nX-SET: 3\r\n'),
    );
    assert.deepEqual(text.match(/^(?:x.set|accept|x-gone|x-forwarded-port):.*$/gim), [
      'Accept: a',
      'X-Set: new',
      'Accept: b',
    ]);
  });

  it('has the authority of an absolute target where that counts', () => {
    const text = decidedText({}, 'GET http://other.test:81/x HTTP/1.1\r\nA: 1\r\nHost: shop.test\r\n\r\n', {
      http: { absoluteForm: 'rewrite' },
    });
    assert.ok(text.startsWith('GET /x HTTP/1.1\r\nHost: other.test:81\r\nA: 1\r\n'));
    assert.doesNotMatch(text, /shop\.test/);
    assert.match(text, /\r\nX-Forwarded-Host: other\.test:81\r\n/);
  });

  it('carries the color that pinned it, once', () => {
    const text = decidedText({}, get('/', 'X-Release-Stage: blue\r\nA: 1\r\nX-Release-Stage: green\r\n'));
    assert.deepEqual(text.match(/^x-release-stage:.*$/gim), ['x-release-stage: blue']);
    const unknown = decidedText({}, get('/', 'X-Release-Stage: green\r\n'));
    assert.deepEqual(unknown.match(/^x-release-stage:.*$/gim), ['X-Release-Stage: green']);
    assert.equal(decidedText({}, get('/')).match(/x-release-stage|baggage/gi), null);
  });

  it('loses claims that only this configuration knows of', () => {
    const headers = [{ name: 'x-client-cert', type: 'Exact' as const, value: 'x' }];
    const text = decidedText({ matches: [{ ...ANY_PATH, headers }, ANY_PATH] }, get('/', 'X-Client-Cert: y\r\n'));
    assert.doesNotMatch(text, /x-client-cert/i);
  });
});

describe('the bytes of a head', () => {
  const ROOM = 4096;
  const AT = reserve(ROOM);

  /** What is put down for the second request of a connection, whose lines are remembered, and its text. */
  function putDown(text: string, isTrusted = false): { bytes: string; text: string } {
    const on = bench({ routes: [TWO_VERSIONS] });
    const lines = linesOf(isTrusted);
    const { draft } = on.lane;
    const out = Buffer.alloc(4096);
    let made = { bytes: '', text: '' };
    for (let n = 0; n < 4; n++) {
      const head = n % 2 === 0 ? readHead(on.table, text) : readHead(on.table, text, readMemory);
      const { method, target, minor, bodyLength, wantsTrailers } = head;
      const x = Object.assign(exchangeOn(on), { method, target, minor, bodyLength, wantsTrailers });
      draft.begin(x, head, lines);
      made = { bytes: out.toString('latin1', 0, draft.put(roomIn(out))), text: draft.text() };
      assert.equal(made.bytes, made.text);
      Object.assign(x.client, { out: { bytesSent: 0 } });
      on.lane.accessLog.keep(x, head, peerOf(isTrusted));
      assert.equal(x.drawn?.traceId, /traceparent: 00-(.{32})-/i.exec(made.text)?.[1], 'told as it was sent');
      assert.equal(x.drawn?.userAgent, 'x y');
      assert.equal(
        whole.toString('latin1', AT, AT + draft.put({ bytes: whole, at: AT, room: ROOM })),
        made.text,
        'in the thread’s memory',
      );
      assert.equal(draft.put({ bytes: whole, at: AT, room: made.text.length }), made.text.length);
      assert.equal(draft.put({ bytes: whole, at: AT, room: made.text.length - 1 }), 0, 'there is no room');
    }
    return made;
  }

  for (const [name, fields] of [
    ['to which nothing unusual is added', ''],
    ['that brings an id', 'X-Request-Id: abc\r\n'],
    ['that brings a trace', 'traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\n'],
    ['that takes trailers', 'TE: trailers\r\n'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n'],
  ] as const) {
    it(`${name} are those of its text`, () => {
      assert.match(putDown(get('/a', `User-Agent:  x y \r\n${fields}`)).bytes, /\r\nVia: 1\.1 sluice\r\n\r\n$/);
    });
  }

  it('from a proxy are those of its text', () => {
    assert.match(
      putDown(get('/a', 'User-Agent: x y\r\nX-Forwarded-For: 10.0.0.1\r\n'), true).text,
      /X-Forwarded-For: 10\.0\.0\.1, /,
    );
  });
});

it('building a head costs a few strings', COUNTED, () => {
  const on = bench();
  const text = get(
    '/a/b?c',
    'Accept: */*\r\nCookie: session=0123456789abcdef\r\nConnection: keep-alive\r\nUser-Agent: x\r\n',
  );
  const head = readHead(on.table, text);
  const x = Object.assign(exchangeOn(on), { method: 'GET', target: '/a/b?c', bodyLength: CHUNKED });
  const lines = linesOf(false);
  const draft = new RequestDraft();
  const out = Buffer.alloc(4096);
  let length = 0;
  const bytes = bytesPerCall(
    () => {
      draft.begin(x, head, lines, FRESH);
      length = draft.put(roomIn(out));
    },
    5000,
    600,
  );
  assert.ok(length > 0 && bytes <= 600, `${bytes} B`);
});
