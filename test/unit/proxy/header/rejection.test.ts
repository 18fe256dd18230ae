/** The gateway's own answers: well-formed, precise, and nothing in them that a client could have written. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason, reasonRow } from '#src/model/reason.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import {
  acceptsJson,
  answerText,
  isGrpc,
  OPTIONS_ANSWER,
  type Rejection,
  refusalText,
  rejectionOf,
  rejectionText,
} from '#src/proxy/header/rejection.ts';
import { bench, exchangeOn, peerOf, readHead, readResponse } from '../../../support/proxy/parts.ts';

const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';

function rejected(change: Partial<Rejection> = {}): string {
  const { reason = REASON.noRoute } = change;
  return rejectionText({
    reason,
    status: reasonRow(reason).status,
    detail: 'why',
    route: 'shop',
    requestId: 'id-1',
    nextHop: '',
    version: '',
    date: '',
    lines: '',
    asJson: true,
    jitter: 0,
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

  it('is its own, whatever was answered before it', () => {
    const changes: readonly Partial<Rejection>[] = [
      {},
      { reason: REASON.noEndpoint, status: 503 },
      { reason: REASON.shed, status: 503, jitter: 0.1 },
      { reason: REASON.shed, status: 503, jitter: 0.9 },
      { detail: 'because' },
      { route: 'ship' },
      { requestId: 'id-2' },
      { requestId: 'id-10' },
      { requestId: '' },
      { nextHop: '10.0.0.1:80' },
      { version: 'v1' },
      { date: DATE },
      { lines: 'Vary: Origin\r\n' },
      { asJson: false },
      { isHead: true },
      { isHead: true, requestId: '' },
      { close: true },
    ];
    const fresh = changes.map((change) => {
      rejected({ ...change, detail: 'something else' });
      return rejected(change);
    });
    assert.equal(new Set(fresh).size, changes.length);
    for (const before of changes) {
      changes.forEach((change, n) => {
        rejected(before);
        assert.equal(rejected(change), fresh[n], JSON.stringify([before, change]));
      });
    }
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

describe('an exchange that failed', () => {
  const failed = (isTrusted: boolean): string => {
    const on = bench();
    const x = exchangeOn(on);
    Object.assign(x, { reason: REASON.connectTimeout, detail: 'no connection in time', requestId: 'id-1' });
    Object.assign(x, { endpoint: on.endpoints[1], split: { version: 'v"2' }, answerLines: 'Vary: Origin\r\n' });
    return rejectionOf(x, peerOf(isTrusted), DATE, false);
  };

  it('names next hop and version to trusted proxies only', () => {
    const told = 'Proxy-Status: sluice; error=connection_timeout; next-hop="127.0.0.1:7002"; details="v\\"2"\r\n';
    assert.ok(failed(true).includes(told));
    assert.ok(failed(false).includes('Proxy-Status: sluice; error=connection_timeout\r\n'));
    assert.doesNotMatch(failed(false), /7002|v"2/);
  });

  it('has a date, and what CORS wants it to say', () => {
    const text = failed(false);
    assert.ok(text.includes(DATE));
    assert.match(text, /\r\nVary: Origin\r\n/);
    assert.equal(readResponse(text).status, 504);
  });
});

describe('an exchange that is refused while its head is there', () => {
  const refused = (lines: string): { readonly answer: string; readonly isGrpc: boolean } => {
    const on = bench();
    const x = exchangeOn(on);
    const head = readHead(on.table, `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
    x.take(head);
    x.reason = REASON.shed;
    const peer = peerOf();
    const { draft, fresh } = on.lane;
    draft.begin(x, head, new PeerLines(peer), fresh.next());
    const [early, wasGrpc] = [rejectionOf(x, peer, DATE, false), isGrpc(x)];
    draft.end();
    const late = rejectionOf(x, peer, DATE, false);
    const steady = (text: string): string => text.replace(/\r\nRetry-After: \d/, '');
    assert.equal(steady(early), steady(late), 'as if it had waited');
    assert.equal(isGrpc(x), wasGrpc);
    return { answer: early, isGrpc: wasGrpc };
  };

  it('is answered as its client wants it', () => {
    const json = /\r\nContent-Type: application\/problem\+json\r\n/;
    const cases: readonly (readonly [string, RegExp, boolean])[] = [
      ['', json, false],
      ['Accept: text/html, */*;q=0.8\r\n', json, false],
      ['ACCEPT:application/json\r\n', json, false],
      ['Accept: text/html\r\n', /\r\nContent-Type: text\/plain; charset=utf-8\r\n/, false],
      ['Content-Type: application/grpc+proto\r\n', /\r\nContent-Type: application\/grpc\r\n/, true],
    ];
    for (const [lines, type, isOfGrpc] of cases) {
      const { answer, isGrpc: is } = refused(lines);
      assert.match(answer, type, lines);
      assert.equal(is, isOfGrpc, lines);
    }
  });
});

it('what never became an exchange is refused with a date and closed', () => {
  const head = readResponse(refusalText(REASON.badRequest, 'bare LF', DATE));
  assert.deepEqual([head.status, head.keepAlive], [400, false]);
  assert.match(head.fields.text, /\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n/);
});

describe('an answer that is no failure', () => {
  const answered = (status: number, lines: string, minor: number, close: boolean): string => {
    const x = exchangeOn(bench());
    Object.assign(x, { minor, requestId: 'id-1' });
    return answerText(x, { status, lines }, DATE, close);
  };

  it('is complete without a body', () => {
    for (const status of [204, 301, 302, 303, 307, 308]) {
      const head = readResponse(answered(status, 'Location: http://a/\r\n', 1, false));
      assert.deepEqual([head.status, head.bodyLength, head.keepAlive], [status, 0, true]);
      assert.match(head.statusText, /^\d{3} [A-Z]/);
      assert.equal(/content-length/i.test(head.fields.text), status !== 204);
    }
  });

  it('has a date and the request’s id, and says how the connection goes on', () => {
    const text = answered(302, 'Location: http://a/\r\n', 1, false);
    assert.equal(
      text,
      `HTTP/1.1 302 Found\r\nLocation: http://a/\r\nContent-Length: 0\r\n${DATE}X-Request-Id: id-1\r\n\r\n`,
    );
    assert.match(answered(302, '', 1, true), /\r\nConnection: close\r\n/);
    assert.match(answered(302, '', 0, false), /\r\nConnection: keep-alive\r\n/);
  });

  it('to OPTIONS * lists methods', () => {
    assert.equal(OPTIONS_ANSWER.status, 204);
    assert.match(OPTIONS_ANSWER.lines, /^Allow: GET, .*OPTIONS\r\n$/);
  });
});

it('those that an overload turns away are told to come back after 1 to 4 s, each after another time', () => {
  const after = (reason: Rejection['reason'], jitter: number): string | undefined =>
    /\r\nRetry-After: (\d+)\r\n/.exec(rejected({ reason, jitter }))?.[1];
  assert.deepEqual(
    [0, 0.3, 0.6, 0.99].map((jitter) => after(REASON.shed, jitter)),
    ['1', '2', '3', '4'],
  );
  assert.equal(after(REASON.noEndpoint, 0.99), '1');
  assert.equal(after(REASON.noRoute, 0.99), undefined);
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
