/** Request heads: what is accepted, what is refused, and that where a read splits the bytes changes nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import type { HttpConfig } from '#src/model/config.ts';
import { REASON, reasonRow } from '#src/model/reason.ts';
import { FIELD, NameTable } from '#src/proxy/http1/fields/names.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { RequestHead } from '#src/proxy/http1/request-head.ts';
import { DEFAULT_HTTP } from '#src/sources/defaults.ts';
import { assertSameAgain } from '../../../support/http/conformance/again.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';

const COLOR = 'x-release-stage';

function newHead(): RequestHead {
  return new RequestHead(new NameTable([COLOR, 'x_user']), LIMITS, new Set([COLOR]));
}

/** Parses all bytes at once and split at every position: all must agree. Returns the head after the whole parse. */
function parse(text: string): { head: RequestHead; result: number } {
  const bytes = Buffer.from(text, 'latin1');
  const head = newHead();
  for (let cut = 1; cut < bytes.length; cut++) {
    const partial = head.parse(bytes, 0, cut);
    if (partial < 0) {
      // Refused early: the whole must be refused for the same reason.
      const early = head.reason;
      assert.equal(head.parse(bytes, 0, bytes.length), -1, `cut at ${cut} refused what is accepted whole`);
      assert.equal(head.reason, early, `cut at ${cut} changed the reason`);
    } else if (partial > 0) {
      assert.equal(partial, head.parse(bytes, 0, bytes.length), `cut at ${cut} accepted another length`);
    }
  }
  assertSameAgain(bytes, head, newHead());
  return { head, result: head.parse(bytes, 0, bytes.length) };
}

const HOST = 'Host: example.com\r\n';

describe('a request head is accepted', () => {
  const accepted: readonly (readonly [string, string, (head: RequestHead) => void])[] = [
    [
      'a minimal GET',
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
      (h) => {
        assert.equal(h.method, 'GET');
        assert.equal(h.path, '/');
        assert.equal(h.host, 'example.com');
        assert.equal(h.keepAlive, true);
        assert.equal(h.bodyLength, 0);
      },
    ],
    [
      'one empty line before the request line',
      `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
      (h) => assert.equal(h.method, 'GET'),
    ],
    [
      'a query',
      `GET /a/b?c=d/../e HTTP/1.1\r\n${HOST}\r\n`,
      (h) => {
        assert.equal(h.path, '/a/b');
        assert.equal(h.target, '/a/b?c=d/../e');
      },
    ],
    [
      'HTTP/1.0 without Host',
      'GET / HTTP/1.0\r\n\r\n',
      (h) => {
        assert.equal(h.minor, 0);
        assert.equal(h.keepAlive, false);
      },
    ],
    [
      'HTTP/1.0 with keep-alive',
      'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
      (h) => assert.equal(h.keepAlive, true),
    ],
    [
      'Connection: close',
      `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
      (h) => assert.equal(h.keepAlive, false),
    ],
    ['a content length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 12\r\n\r\n`, (h) => assert.equal(h.bodyLength, 12)],
    [
      'a chunked body, any case',
      `POST / HTTP/1.1\r\n${HOST}transfer-encoding: Chunked\r\n\r\n`,
      (h) => assert.equal(h.bodyLength, CHUNKED),
    ],
    [
      'white space around a value',
      `GET / HTTP/1.1\r\nHost: \t example.com \t \r\n\r\n`,
      (h) => assert.equal(h.host, 'example.com'),
    ],
    [
      'an empty value and obs-text',
      `GET / HTTP/1.1\r\n${HOST}A:\r\nB: \xe9\xff\r\n\r\n`,
      (h) => assert.equal(h.fields.count, 3),
    ],
    ['an IPv6 host with a port', 'GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n', (h) => assert.equal(h.host, '[::1]')],
    [
      'a host in capitals with a final dot',
      'GET / HTTP/1.1\r\nHost: Example.COM.:80\r\n\r\n',
      (h) => assert.equal(h.host, 'example.com'),
    ],
    [
      'an absolute-form target of the same authority',
      `GET http://Example.com/x?y HTTP/1.1\r\n${HOST}\r\n`,
      (h) => {
        assert.equal(h.target, '/x?y');
        assert.equal(h.path, '/x');
      },
    ],
    ['an asterisk with OPTIONS', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, (h) => assert.equal(h.path, '*')],
    [
      'an encoded unreserved character',
      `GET /%7Euser/%2e%2e/x HTTP/1.1\r\n${HOST}\r\n`,
      (h) => {
        assert.equal(h.path, '/x');
        assert.equal(h.target, '/x');
      },
    ],
    ['dot segments, removed', `GET /a/./b/../c?d HTTP/1.1\r\n${HOST}\r\n`, (h) => assert.equal(h.target, '/a/c?d')],
    ['an encoded slash, kept', `GET /a%2fb HTTP/1.1\r\n${HOST}\r\n`, (h) => assert.equal(h.path, '/a%2Fb')],
    [
      'Expect: 100-continue',
      `POST / HTTP/1.1\r\n${HOST}Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n`,
      (h) => assert.equal(h.expectsContinue, true),
    ],
    [
      'a field called __proto__',
      `GET / HTTP/1.1\r\n${HOST}__proto__: x\r\n\r\n`,
      (h) => assert.equal(h.fields.count, 2),
    ],
  ];
  for (const [name, text, check] of accepted) {
    it(`with ${name}`, () => {
      const { head, result } = parse(text);
      assert.equal(head.detail === '' || result > 0, true, head.detail);
      assert.equal(result, text.length);
      check(head);
    });
  }
});

describe('a request head is refused', () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ['bare LF after the request line', `GET / HTTP/1.1\n${HOST}\r\n`, 400],
    ['bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n', 400],
    ['bare LF at the end', `GET / HTTP/1.1\r\n${HOST}\n`, 400],
    ['bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n', 400],
    ['bare CR before the request line', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['two empty lines before the request line', `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}A: \0\r\n\r\n`, 400],
    ['DEL in a value', `GET / HTTP/1.1\r\n${HOST}A: \x7f\r\n\r\n`, 400],
    ['obs-fold', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`, 400],
    ['white space before the first field', `GET / HTTP/1.1\r\n ${HOST}\r\n`, 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['an empty field name', `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`, 400],
    ['a field without colon', `GET / HTTP/1.1\r\n${HOST}abc\r\n\r\n`, 400],
    ['a non-token in a name', `GET / HTTP/1.1\r\n${HOST}A(b): c\r\n\r\n`, 400],
    ['obs-text in a name', `GET / HTTP/1.1\r\n${HOST}A\xe9: c\r\n\r\n`, 400],
    ['a leading space', ` GET / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['two spaces in the request line', `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a tab in the request line', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a space in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a fragment', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['raw non-ASCII in the target', `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a relative target', `GET a HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['HTTP/0.9', 'GET /\r\n', 400],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
    ['HTTP/1.2', `GET / HTTP/1.2\r\n${HOST}\r\n`, 505],
    ['a lower-case version', `GET / http/1.1\r\n${HOST}\r\n`, 400],
    ['a version with two digits', `GET / HTTP/1.10\r\n${HOST}\r\n`, 400],
    ['no Host in 1.1', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['userinfo in Host', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
    ['a path in Host', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a list in Host', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
    ['a port beyond 65535', 'GET / HTTP/1.1\r\nHost: a:70000\r\n\r\n', 400],
    ['an absolute-form target of another authority', `GET http://other/ HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an absolute-form target of another port', `GET http://example.com:81/ HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an asterisk with GET', `GET * HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 405],
    ['TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 405],
    [
      'two Content-Length, even if equal',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
      400,
    ],
    ['a list in Content-Length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\n`, 400],
    ['a sign in Content-Length', `POST / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\n`, 400],
    ['a hexadecimal Content-Length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\n`, 400],
    ['an empty Content-Length', `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`, 400],
    ['a space in Content-Length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1 2\r\n\r\n`, 400],
    ['a Content-Length beyond 2^53-1', `POST / HTTP/1.1\r\n${HOST}Content-Length: 9007199254740992\r\n\r\n`, 400],
    ['a Content-Length above the limit', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1073741825\r\n\r\n`, 413],
    [
      'Content-Length with Transfer-Encoding',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ['Transfer-Encoding in 1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['gzip', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`, 501],
    ['gzip, chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`, 400],
    ['identity', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`, 400],
    [
      'chunked twice',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ['chunked in a list', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: ,chunked\r\n\r\n`, 400],
    ['chunked with a parameter', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked;a=b\r\n\r\n`, 400],
    ['quoted chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: "chunked"\r\n\r\n`, 400],
    ['chunked after a vertical tab', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n`, 400],
    ['chunked after NBSP', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \xa0chunked\r\n\r\n`, 400],
    ['an unknown expectation', `POST / HTTP/1.1\r\n${HOST}Expect: magic\r\n\r\n`, 417],
    ['Connection naming Authorization', `GET / HTTP/1.1\r\n${HOST}Connection: authorization\r\n\r\n`, 400],
    ['Connection naming Host', `GET / HTTP/1.1\r\n${HOST}Connection: close, Host\r\n\r\n`, 400],
    ['Connection naming X-Forwarded-For', `GET / HTTP/1.1\r\n${HOST}Connection: x-forwarded-for\r\n\r\n`, 400],
    ['Connection naming the color header', `GET / HTTP/1.1\r\n${HOST}Connection: X-Release-Stage\r\n\r\n`, 400],
    ['a backslash in the path', `GET /a\\..\\b HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an encoded slash that hides a dot segment', `GET /a/..%2fb HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an encoded backslash that hides a dot segment', `GET /a/..%5cb HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a parameter that hides a dot segment', `GET /a/..;x/b HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a percent sign without digits', `GET /%zz HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['an encoded NUL', `GET /%00 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a method of 33 bytes', `${'A'.repeat(33)} / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ];
  for (const [name, text, status] of refused) {
    it(`for ${name}: ${status}`, () => {
      const { head, result } = parse(text);
      assert.equal(result, -1);
      assert.equal(reasonRow(head.reason).status, status, head.detail);
    });
  }
});

describe('the host of a request head', () => {
  const headOf = (authority: string): Buffer => Buffer.from(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);

  it('is its own, whatever came before and has the same hash', () => {
    assert.equal(hash32('76mmiq.test'), hash32('2391dx.test'));
    const many = Array.from({ length: 600 }, (_, n) => `shop-${n}.test`);
    const head = newHead();
    for (const host of ['76mmiq.test', '2391dx.test', '76mmiq.test', ...many, ...many]) {
      assert.equal(head.parse(headOf(host), 0, headOf(host).length), headOf(host).length);
      assert.deepEqual([head.host, head.asked], [host, host]);
    }
  });

  it('costs no text when it was seen lately', COUNTED, () => {
    const head = newHead();
    const heads = ['one', 'other', 'third'].map((name) => headOf(`${name}.${'a-long-name.'.repeat(5)}test`));
    let turn = 0;
    const parseNext = () => head.parse(heads[turn % 3] as Buffer, 0, (heads[turn++ % 3] as Buffer).length);
    // The authority's text alone would be 80 bytes.
    assert.ok(bytesPerCall(parseNext, 5000, 40) <= 40);
  });
});

describe('limits of a request head', () => {
  const oneLine = (head: RequestHead, text: string): number => head.parse(Buffer.from(text), 0, text.length);

  it('refuse a request line that is too long with 414, complete or not', () => {
    for (const text of [`GET /${'a'.repeat(8192)} HTTP/1.1\r\n${HOST}\r\n`, `GET /${'a'.repeat(8300)}`]) {
      const head = newHead();
      assert.equal(oneLine(head, text), -1);
      assert.equal(head.reason, REASON.targetTooLong);
    }
  });

  it('refuse a head that is too long with 431, complete or not', () => {
    for (const end of ['\r\n\r\n', '']) {
      const head = newHead();
      assert.equal(oneLine(head, `GET / HTTP/1.1\r\n${HOST}A: ${'a'.repeat(32_768)}${end}`), -1);
      assert.equal(head.reason, REASON.headTooLarge);
    }
  });

  it('refuse a 129th field with 431 and take 128', () => {
    const head = newHead();
    assert.ok(oneLine(head, `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(127)}\r\n`) > 0);
    assert.equal(oneLine(head, `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(128)}\r\n`), -1);
    assert.equal(head.reason, REASON.headTooLarge);
  });
});

describe('fields of a request head', () => {
  it('are kept byte for byte in their order, without what Connection nominates', () => {
    const { head } = parse(`GET / HTTP/1.1\r\n${HOST}x-A: 1\r\nConnection: X-a, close\r\nX-B:2\r\nx-b:  3 \r\n\r\n`);
    head.fields.drop(FIELD.connection);
    assert.equal(head.fields.kept(), 'Host: example.com\r\nX-B:2\r\nx-b:  3 \r\n');
  });

  it('that alias a known name with an underscore are not kept and not read', () => {
    const { head } = parse(
      `GET / HTTP/1.1\r\n${HOST}X_Forwarded_For: 6.6.6.6\r\nContent_Length: 5\r\nX-User: 1\r\nx_user: me\r\n\r\n`,
    );
    assert.equal(head.fields.seen(FIELD.xForwardedFor), 0);
    assert.equal(head.bodyLength, 0);
    assert.equal(head.fields.value(head.fields.names.idOf('x_user')), 'me');
    assert.equal(head.fields.kept(), 'Host: example.com\r\nx_user: me\r\n');
  });
});

describe('choices about HTTP', () => {
  const chosen = (text: string, http: Partial<HttpConfig>): RequestHead => {
    const head = new RequestHead(new NameTable([]), LIMITS, new Set(), { choices: { ...DEFAULT_HTTP, ...http } });
    const bytes = Buffer.from(text, 'latin1');
    if (head.parse(bytes, 0, bytes.length) !== bytes.length) assert.ok(head.reason !== REASON.none);
    return head;
  };

  it('absoluteForm: rewrite takes host and authority of the target, and refuses a bad one all the same', () => {
    const rewrite = { absoluteForm: 'rewrite' } as const;
    const head = chosen(`GET http://Other.test:81/a?b HTTP/1.1\r\n${HOST}\r\n`, rewrite);
    assert.deepEqual([head.reason, head.host, head.authority, head.target], [0, 'other.test', 'other.test:81', '/a?b']);
    assert.equal(head.asked, 'other.test:81');
    const same = chosen(`GET http://example.com/ HTTP/1.1\r\n${HOST}\r\n`, rewrite);
    assert.deepEqual([same.host, same.authority, same.asked], ['example.com', '', 'example.com']);
    const old = chosen('GET http://other.test/ HTTP/1.0\r\n\r\n', rewrite);
    assert.deepEqual([old.host, old.authority], ['other.test', 'other.test']);
    for (const target of ['http://u@a/', 'http://a:99999/', 'http:///a', 'http://a,b/']) {
      assert.equal(chosen(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`, rewrite).reason, REASON.badRequest, target);
    }
    assert.equal(chosen('GET http://a/ HTTP/1.1\r\n\r\n', rewrite).reason, REASON.badRequest, 'Host is missing');
  });

  it('absoluteForm: an authority does not outlive its request', () => {
    const head = chosen(`GET http://other.test/ HTTP/1.1\r\n${HOST}\r\n`, { absoluteForm: 'rewrite' });
    const next = Buffer.from(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    head.parse(next, 0, next.length);
    assert.deepEqual([head.host, head.authority, head.asked], ['example.com', '', 'example.com']);
  });

  it('pathNormalization: strict refuses whatever is not in its one form', () => {
    const strict = { pathNormalization: 'strict' } as const;
    for (const path of [
      '/a/../b',
      '/./a',
      '/%61',
      '//a',
      '/a//b',
      '/a;x',
      '/a%2fb',
      '/a%5Cb',
      '/%252e',
      '/a%3Bb',
      '/..',
    ]) {
      assert.equal(chosen(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`, strict).reason, REASON.badRequest, path);
    }
    for (const path of ['/', '/a/b/', '/a.b/.c', '/%C3%BC', '/%c3%bc', '/a%20b', '/~a', '/a?b=//;%2F']) {
      assert.equal(chosen(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`, strict).reason, REASON.none, path);
    }
  });
});

describe('a path that others may read differently', () => {
  for (const path of ['//a', '/a//b', '/a;x/b', '/a%2fb', '/a%5Cb', '/a%3bb', '/a%252Fb', 'http://example.com//a']) {
    it(`such as ${path} is marked`, () => {
      const { head } = parse(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal(head.isAmbiguous, true);
    });
  }
  it('is not one with marks in its query, nor the one after it', () => {
    const head = newHead();
    for (const [path, isAmbiguous] of [
      ['//a', true],
      ['/a?b=//;%2F', false],
      ['/%C3%BC', false],
    ] as const) {
      const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`);
      head.parse(bytes, 0, bytes.length);
      assert.equal(head.isAmbiguous, isAmbiguous, path);
    }
  });
});

describe('a wish to upgrade', () => {
  for (const [wants, lines] of [
    [true, 'Connection: Upgrade\r\nUpgrade: WebSocket\r\n'],
    [true, 'Upgrade: a/2\r\nConnection: keep-alive, upgrade\r\n'],
    [true, 'Connection: upgrade\r\n'],
    [false, 'Upgrade: websocket\r\n'],
    [false, 'Connection: keep-alive\r\nUpgrade: websocket\r\n'],
    [false, 'Connection: upgrades\r\n'],
    [false, 'Connection: http2_settings\r\n'],
  ] as const) {
    it(`is ${wants ? 'said' : 'not said'} by ${JSON.stringify(lines)}`, () => {
      assert.equal(parse(`GET / HTTP/1.1\r\n${HOST}${lines}\r\n`).head.wantsUpgrade, wants);
    });
  }
});
