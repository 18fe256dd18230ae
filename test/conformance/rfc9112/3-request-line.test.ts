/** RFC 9112 section 3, request line, target and Host: one reading of which resource is meant, or none. */
import { describeRequests, type RequestCase } from '../../support/http/conformance/cases.ts';

const HOST = 'Host: a\r\n';

function lineRefused(line: string, refused = 400): RequestCase {
  return { name: JSON.stringify(line), bytes: `${line}\r\n${HOST}\r\n`, refused };
}

function hostRefused(lines: string): RequestCase {
  return { name: JSON.stringify(lines), bytes: `GET / HTTP/1.1\r\n${lines}\r\n`, refused: 400 };
}

/** A target that is forwarded as `target`, itself if not given. */
function taken(line: string, target: string, host = 'a'): RequestCase {
  return {
    name: `${line} as ${target}`,
    bytes: `${line}\r\nHost: ${host}\r\n\r\n`,
    sees: `${line.split(' ')[0]} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  };
}

describeRequests('3: a request line is refused when it is not method SP target SP version', [
  lineRefused('GET  / HTTP/1.1'),
  lineRefused('GET /  HTTP/1.1'),
  lineRefused('GET / HTTP/1.1 '),
  lineRefused('GET\t/ HTTP/1.1'),
  lineRefused('GET /\tHTTP/1.1'),
  lineRefused('GET\x0b/ HTTP/1.1'),
  lineRefused('GET /\x0cHTTP/1.1'),
  lineRefused('GET /a b HTTP/1.1'),
  lineRefused('GET HTTP/1.1'),
  lineRefused('GET / '),
  lineRefused('GET /'),
  lineRefused('/ HTTP/1.1'),
]);

describeRequests('3.1: a method is refused', [
  lineRefused('G(T / HTTP/1.1'),
  lineRefused('GET, / HTTP/1.1'),
  lineRefused('G\xc9T / HTTP/1.1'),
  lineRefused('"GET" / HTTP/1.1'),
  lineRefused('GET: / HTTP/1.1'),
  lineRefused(`${'A'.repeat(33)} / HTTP/1.1`),
  lineRefused('CONNECT a:443 HTTP/1.1', 405),
  lineRefused('CONNECT / HTTP/1.1', 405),
  lineRefused('TRACE / HTTP/1.1', 405),
  lineRefused('PRI * HTTP/1.1', 405),
  { name: 'the HTTP/2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', refused: 505 },
]);

describeRequests('3.2: a target is refused', [
  ...['/#', '/a#b', '/?a#b', '/\x01', '/\x7f', '/\xe9', '/a\\b', '\\', 'a', 'a/b', 'a:80', '?a'].map((target) =>
    lineRefused(`GET ${target} HTTP/1.1`),
  ),
  ...[
    '/%',
    '/%2',
    '/%zz',
    '/%00',
    '/a/%2e%2e%2fb',
    '/..%2f',
    '/..%5c',
    '/a/..;/b',
    '/%2e%2e;x/b',
    '/..%3b/b',
    '/a/%2e%2e%3Bx/b',
  ].map((target) => lineRefused(`GET ${target} HTTP/1.1`)),
  ...['http://', 'http:///a', 'http:/a', 'http://b/', 'http://a:80/', 'http://u@a/', 'http://u:p@a/', 'ftp://a/'].map(
    (target) => lineRefused(`GET ${target} HTTP/1.1`),
  ),
  ...['http://a@b/', 'http://a#b/', 'http://a\\b/', 'http://[::1/', 'http://a, b/', 'urn:a'].map((target) =>
    lineRefused(`GET ${target} HTTP/1.1`),
  ),
  lineRefused('GET * HTTP/1.1'),
  lineRefused('POST * HTTP/1.1'),
  lineRefused('OPTIONS ** HTTP/1.1'),
  lineRefused('OPTIONS *?a HTTP/1.1'),
  {
    name: 'absolute-form whose authority is that of the first of two Hosts',
    bytes: 'GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    refused: 400,
  },
  { name: 'absolute-form without Host', bytes: 'GET http://a/ HTTP/1.1\r\n\r\n', refused: 400 },
]);

describeRequests('3.2: a target is taken', [
  taken('GET / HTTP/1.1', '/'),
  taken('GET /?a=b&c HTTP/1.1', '/?a=b&c'),
  taken('GET //a/b HTTP/1.1', '//a/b'),
  taken('GET /a//b HTTP/1.1', '/a//b'),
  taken('GET /%7Euser HTTP/1.1', '/~user'),
  taken('GET /%c3%a9 HTTP/1.1', '/%C3%A9'),
  taken('GET /a/./b/../c HTTP/1.1', '/a/c'),
  taken('GET /../a HTTP/1.1', '/a'),
  taken('GET /a/%2e%2e/b HTTP/1.1', '/b'),
  taken('GET /a;x=1/b HTTP/1.1', '/a;x=1/b'),
  taken('GET /a%2Fb HTTP/1.1', '/a%2Fb'),
  taken('GET /?a/../b%2e HTTP/1.1', '/?a/../b%2e'),
  taken('GET http://a/b?c HTTP/1.1', '/b?c'),
  taken('GET http://a HTTP/1.1', '/'),
  taken('GET http://a?b HTTP/1.1', '/?b'),
  taken('GET HTTP://A:80/b/../c HTTP/1.1', '/c', 'a:80'),
  taken('OPTIONS http://a/b HTTP/1.1', '/b'),
  {
    name: 'OPTIONS *, by the gateway itself',
    bytes: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    answered: 204,
  },
]);

describeRequests(
  '3.2.2: http.absoluteForm rewrite',
  [
    {
      name: 'makes Host of the authority',
      bytes: 'GET http://b/c?d HTTP/1.1\r\nA: b\r\nHost: a\r\nC: d\r\n\r\n',
      sees: 'GET /c?d HTTP/1.1\r\nHost: b\r\nA: b\r\nC: d\r\n\r\n',
    },
    {
      name: 'in lower case, with its port',
      bytes: 'GET HTTP://B.Example:8080 HTTP/1.1\r\nHost: a\r\n\r\n',
      sees: 'GET / HTTP/1.1\r\nHost: b.example:8080\r\n\r\n',
    },
    {
      name: 'of this request only',
      bytes: `GET http://b/ HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}\r\nGET http://b/ HTTP/1.1\r\n${HOST}\r\n`,
      sees: ['GET / HTTP/1.1\r\nHost: b\r\n\r\n', `GET / HTTP/1.1\r\n${HOST}\r\n`, 'GET / HTTP/1.1\r\nHost: b\r\n\r\n'],
    },
    { ...taken('GET http://a/b HTTP/1.1', '/b'), name: 'leaves a Host that agrees as it came' },
    {
      name: 'puts in the Host that HTTP/1.0 left out',
      bytes: 'GET http://b/ HTTP/1.0\r\n\r\n',
      sees: 'GET / HTTP/1.1\r\nHost: b\r\n\r\n',
    },
    ...['http://u@b/', 'http://b:x/', 'http://b:65536/', 'http:///c', 'http://b#c/', 'http://b\\c/', 'ftp://b/'].map(
      (target) => lineRefused(`GET ${target} HTTP/1.1`),
    ),
    { name: 'does without Host in HTTP/1.0 only', bytes: 'GET http://b/ HTTP/1.1\r\n\r\n', refused: 400 },
    {
      name: 'does not choose between two Hosts',
      bytes: `GET http://b/ HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`,
      refused: 400,
    },
    { name: 'does not repair a Host', bytes: 'GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n', refused: 400 },
  ],
  { http: { absoluteForm: 'rewrite' } },
);

describeRequests(
  '3.2: http.pathNormalization strict takes only',
  [
    taken('GET /a/b?c=../d HTTP/1.1', '/a/b?c=../d'),
    taken('GET /.a/..b/... HTTP/1.1', '/.a/..b/...'),
    taken('GET /%c3%A9 HTTP/1.1', '/%C3%A9'),
    taken('GET /a%20b HTTP/1.1', '/a%20b'),
    taken('GET http://a/b HTTP/1.1', '/b'),
    ...[
      '/a/./b',
      '/a/..',
      '/../a',
      '/%61',
      '/%7euser',
      '/%2e',
      '//',
      '/a//b',
      '/a;b',
      '/a%3bb',
      '/a%2fb',
      '/a%5Cb',
      '/%2561',
    ].map((target) => lineRefused(`GET ${target} HTTP/1.1`)),
    lineRefused('GET http://a/b/../c HTTP/1.1'),
  ],
  { http: { pathNormalization: 'strict' } },
);

describeRequests('3.2.2: Host is refused', [
  hostRefused(''),
  hostRefused('Host: a\r\nHost: a\r\n'),
  hostRefused('Host: a\r\nhost: b\r\n'),
  hostRefused('Host:\r\n'),
  hostRefused('Host: \t \r\n'),
  hostRefused('Host : a\r\n'),
  hostRefused('Host: a b\r\n'),
  hostRefused('Host: a, b\r\n'),
  hostRefused('Host: a/b\r\n'),
  hostRefused('Host: a?b\r\n'),
  hostRefused('Host: a#b\r\n'),
  hostRefused('Host: a\\b\r\n'),
  hostRefused('Host: u@a\r\n'),
  hostRefused('Host: u:p@a\r\n'),
  hostRefused('Host: a:b\r\n'),
  hostRefused('Host: a:80:81\r\n'),
  hostRefused('Host: a:-1\r\n'),
  hostRefused('Host: a:65536\r\n'),
  hostRefused('Host: :80\r\n'),
  hostRefused('Host: [::1\r\n'),
  hostRefused('Host: ::1\r\n'),
  hostRefused('Host: [::1]x\r\n'),
  hostRefused('Host: http://a\r\n'),
  hostRefused('Host: \xe9\r\n'),
  hostRefused('Host: a%00\r\n'),
  hostRefused(`Host: ${'a'.repeat(254)}\r\n`),
]);

describeRequests('3.2.2: Host is taken as it came', [
  ...['a', 'A.Example', 'a.example.', 'a:8080', 'a:', '127.0.0.1', '[::1]', '[::1]:80', 'xn--bcher-kva.example'].map(
    (host): RequestCase => taken('GET / HTTP/1.1', '/', host),
  ),
  {
    name: 'and need not be there in HTTP/1.0',
    bytes: 'GET / HTTP/1.0\r\n\r\n',
    sees: 'GET / HTTP/1.1\r\nHost: \r\n\r\n',
  },
]);

describeRequests('2.3: a version is refused', [
  lineRefused('GET / HTTP/2.0', 505),
  lineRefused('GET / HTTP/1.2', 505),
  lineRefused('GET / HTTP/0.9', 505),
  lineRefused('GET / HTTP/3.1', 505),
  lineRefused('GET / HTTP/1.10'),
  lineRefused('GET / HTTP/01.1'),
  lineRefused('GET / HTTP/1'),
  lineRefused('GET / HTTP/1.'),
  lineRefused('GET / HTTP/.1'),
  lineRefused('GET / HTTP/1,1'),
  lineRefused('GET / HTTP/1.x'),
  lineRefused('GET / HTTP /1.1'),
  lineRefused('GET / http/1.1'),
  lineRefused('GET / HTTPS/1.1'),
  lineRefused('GET / ICY/1.1'),
  lineRefused('GET / HTTP/1.1;'),
]);

describeRequests('3: a line or head beyond its limit is refused', [
  { name: 'a request line of 9 KiB', bytes: `GET /${'x'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, refused: 414 },
  { name: 'a target that never ends', bytes: `GET /${'x'.repeat(9000)}`, refused: 414 },
  { name: 'a head of 40 KiB', bytes: `GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(40_000)}\r\n\r\n`, refused: 431 },
  { name: 'a field that never ends', bytes: `GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(40_000)}`, refused: 431 },
  { name: '129 fields', bytes: `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(128)}\r\n`, refused: 431 },
]);

describeRequests('3: a line or head at its limit is taken', [
  taken(`GET /${'x'.repeat(8000)} HTTP/1.1`, `/${'x'.repeat(8000)}`),
  {
    name: '128 fields',
    bytes: `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(127)}\r\n`,
    sees: `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(127)}\r\n`,
  },
  {
    name: 'a head of 32,000 bytes',
    bytes: `GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(31_960)}\r\n\r\n`,
    sees: `GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(31_960)}\r\n\r\n`,
  },
]);
