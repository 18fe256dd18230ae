import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestText, responseFields, trailerFields, trailerText } from '#src/proxy/http2/rules.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';

const GET = [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/x?y'];
const CONNECT = [':method', 'CONNECT', ':scheme', 'http', ':authority', 'a', ':path', '/chat'];

function faultOf(fields: readonly string[], hasBody = false): string {
  return requestText(fields, hasBody).fault;
}

describe('the head of a request', () => {
  it('has Host first, then its fields in their order, then its length', () => {
    const { text } = requestText([...GET, 'x', '1', 'content-length', '2', 'x', '2', 'te', 'trailers'], true);
    assert.equal(text, 'GET /x?y HTTP/1.1\r\nhost: a\r\nx: 1\r\nx: 2\r\nte: trailers\r\ncontent-length: 2\r\n\r\n');
  });

  it('is chunked when it has a body and no length', () => {
    assert.match(requestText(GET, true).text, /\r\ntransfer-encoding: chunked\r\n\r\n$/);
    assert.doesNotMatch(requestText(GET, false).text, /transfer-encoding/);
  });

  it('takes host where there is no :authority, and either in any case where both are', () => {
    const without = GET.filter((_, n) => n !== 4 && n !== 5);
    assert.match(requestText([...without, 'host', 'b'], false).text, /\r\nhost: b\r\n/);
    assert.match(requestText([...GET, 'host', 'A'], false).text, /\r\nhost: a\r\n\r\n/);
  });

  it('has one cookie', () => {
    assert.match(
      requestText([...GET, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'], false).text,
      /\r\ncookie: a=1; b=2\r\n/,
    );
  });

  it('keeps every byte of a value that may stand there', () => {
    assert.match(requestText([...GET, 'x', 'a\tb \xe9\xff'], false).text, /\r\nx: a\tb \xe9\xff\r\n/);
    assert.match(requestText([...GET, 'x', ''], false).text, /\r\nx: \r\n/);
  });

  const without = (name: string): string[] => {
    const at = GET.indexOf(name);
    return GET.filter((_, n) => n !== at && n !== at + 1);
  };
  const MALFORMED: readonly (readonly [string, readonly string[]])[] = [
    ['an upper-case name', [...GET, 'X', '1']],
    ['an empty name', [...GET, '', '1']],
    ['a line break in a name', [...GET, 'x\r\ny', '1']],
    ['a line break in a value', [...GET, 'x', '1\r\ny: 2']],
    ['a bare line feed in a value', [...GET, 'x', '1\n2']],
    ['NUL in a value', [...GET, 'x', '1\0']],
    ['DEL in a value', [...GET, 'x', '1\x7f']],
    ['a character beyond a byte', [...GET, 'x', 'č']],
    ['white space at the beginning of a value', [...GET, 'x', ' 1']],
    ['white space at the end of a value', [...GET, 'x', '1\t']],
    ['connection', [...GET, 'connection', 'x']],
    ['transfer-encoding', [...GET, 'transfer-encoding', 'chunked']],
    ['te: gzip', [...GET, 'te', 'gzip']],
    ['two lengths', [...GET, 'content-length', '0', 'content-length', '0']],
    ['a length that is none', [...GET, 'content-length', '0x1']],
    ['a length and no body', [...GET, 'content-length', '1']],
    ['two hosts', [...GET, 'host', 'a', 'host', 'a']],
    ['another host', [...GET, 'host', 'b']],
    ['an empty authority', [...without(':authority'), 'host', '']],
    ['no method', without(':method')],
    ['no scheme', without(':scheme')],
    ['no path', without(':path')],
    ['no authority', without(':authority')],
    ['a method of two words', [':method', 'GET /', ...without(':method')]],
    ['a path of two words', [':path', '/ HTTP/1.0', ...without(':path')]],
    ['a path that is none', [':path', 'x', ...without(':path')]],
    ['a pseudo-header twice', [':path', '/', ...GET]],
    ['a pseudo-header that is not known', [':protocols', 'websocket', ...GET]],
    ['a protocol and another method', [':protocol', 'websocket', ...GET]],
    ['a protocol of two words', [':protocol', 'a b', ...CONNECT]],
    ['a tunnel with a length', [':protocol', 'websocket', ...CONNECT, 'content-length', '0']],
    ['a tunnel to no path', [':protocol', 'websocket', ':method', 'CONNECT', ':scheme', 'http', ':authority', 'a']],
    ['a pseudo-header like a property of every object', [':__proto__', 'x', ...GET]],
    ['a pseudo-header behind a field', ['x', 'y', ...GET]],
  ];
  for (const [name, fields] of MALFORMED) it(`is refused with ${name}`, () => assert.notEqual(faultOf(fields), ''));

  it('of an extended CONNECT is that of an upgrade, without a key of the client’s and without a body', () => {
    const fields = [':protocol', 'websocket', ...CONNECT, 'sec-websocket-key', 'x', 'sec-websocket-version', '13'];
    const expected =
      'GET /chat HTTP/1.1\r\nhost: a\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    assert.equal(requestText(fields, true).text, expected);
    assert.equal(requestText(fields, false).text, expected);
    assert.match(requestText([...GET, 'sec-websocket-key', 'x'], false).text, /sec-websocket-key: x/);
  });

  it('of CONNECT is the parser’s to refuse', () => {
    assert.match(requestText([':method', 'CONNECT', ':authority', 'a:1'], true).text, /^CONNECT \/ HTTP\/1\.1\r\n/);
  });
});

describe('a trailer of a request', () => {
  it('is its lines', () => assert.equal(trailerText(['a', '1', 'b', '2'], LIMITS).text, 'a: 1\r\nb: 2\r\n'));
  it('is within the limits, its last line end included', () => {
    const fields = ['a', '1', 'b', '2'];
    assert.equal(trailerText(fields, { trailerBytesMax: 14, trailerCountMax: 2 }).fault, '');
    assert.equal(trailerText(fields, { trailerBytesMax: 13, trailerCountMax: 2 }).fault, 'trailers too long');
    assert.equal(trailerText(fields, { trailerBytesMax: 14, trailerCountMax: 1 }).fault, 'too many trailers');
  });
  it('is refused with what a head may not have, and with pseudo-headers', () => {
    for (const fields of [
      [':path', '/'],
      ['A', '1'],
      ['a', '1\r\n'],
      ['connection', 'x'],
    ]) {
      assert.notEqual(trailerText(fields, LIMITS).fault, '', String(fields));
    }
  });
});

describe('the head of a response', () => {
  it('has :status first, names in lower case, and nothing about a connection', () => {
    const head =
      'HTTP/1.1 201 Made\r\nX-A: 1\r\nConnection: close\r\nKeep-Alive: x\r\nTE: x\r\nHTTP2-Settings: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-E:\r\n\r\n';
    const { status, fields, isChunked, length } = responseFields(head);
    assert.deepEqual(fields, [':status', '201', 'x-a', '1', 'set-cookie', 'a', 'set-cookie', 'b', 'x-e', '']);
    assert.deepEqual([status, isChunked, length], [201, false, -1]);
  });
  it('tells how its body is framed', () => {
    assert.equal(responseFields('HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n').isChunked, true);
    assert.equal(responseFields('HTTP/1.1 200 \r\nContent-Length: 12\r\n\r\n').length, 12);
    assert.deepEqual(responseFields('HTTP/1.1 204 No Content\r\n\r\n').fields, [':status', '204']);
  });
});

it('trailer lines are names and values', () => {
  assert.deepEqual(trailerFields('X-Sum: 42\r\nY:z\r\n'), ['x-sum', '42', 'y', 'z']);
  assert.deepEqual(trailerFields(''), []);
});
