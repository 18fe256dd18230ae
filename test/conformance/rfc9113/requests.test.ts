/** RFC 9113 sections 8.1 to 8.3: requests that are malformed reset their stream and never get to an upstream; the next one is served. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  ERROR,
  type Fields,
  frame,
  GET,
  headers,
  isAnswered,
  type RawHttp2,
  rawHttp2,
  request,
  resetOf,
  shown,
  TYPE,
} from '../../support/http/http2.ts';
import { startPlane, type TestPlane } from '../../support/plane.ts';
import { oneVersion, perHead } from '../../support/proxy/running.ts';
import { type RawUpstream, rawUpstream } from '../../support/raw.ts';

const POST = request('POST', '/');

/** A request of fields without a body. */
const only = (fields: Fields): Buffer[] => [headers(1, fields)];
/** A request that says more than its head. */
const withBody = (fields: Fields, ...parts: readonly Buffer[]): Buffer[] => [headers(1, fields, END_HEADERS), ...parts];
const MANY: Fields = Array.from({ length: 129 }, () => ['x', '']);
const without = (name: string): Fields => GET.filter(([one]) => one !== name);

const MALFORMED: readonly (readonly [name: string, frames: readonly Buffer[]])[] = [
  ['8.2.1: an upper-case name', only([...GET, ['X-Y', '1']])],
  ['8.2.1: white space before a value', only([...GET, ['x-y', ' 1']])],
  ['8.2.1: white space behind a value', only([...GET, ['x-y', '1\t']])],
  ['8.2.2: connection', only([...GET, ['connection', 'close']])],
  ['8.2.2: keep-alive', only([...GET, ['keep-alive', '5']])],
  ['8.2.2: proxy-connection', only([...GET, ['proxy-connection', 'close']])],
  ['8.2.2: transfer-encoding', withBody([...POST, ['transfer-encoding', 'chunked']], data(1, '0\r\n\r\n'))],
  ['8.2.2: upgrade', only([...GET, ['upgrade', 'websocket']])],
  ['8.2.2: te that says more than trailers', only([...GET, ['te', 'trailers, deflate;q=0.5']])],
  ['8.3: an unknown pseudo-header', only([[':x', '1'], ...GET])],
  ['8.3: a pseudo-header of responses', only([[':status', '200'], ...GET])],
  ['8.3: a pseudo-header behind a field', only([...without(':path'), ['x-y', '1'], [':path', '/']])],
  ['8.3: a pseudo-header in a trailer', withBody(POST, data(1, 'x', 0), headers(1, [[':path', '/x']]))],
  ['8.3.1: no :method', only(without(':method'))],
  ['8.3.1: no :scheme', only(without(':scheme'))],
  ['8.3.1: a :scheme of something else', only([...without(':scheme'), [':scheme', 'ftp']])],
  ['8.3.1: no :path', only(without(':path'))],
  ['8.3.1: an empty :path', only([...without(':path'), [':path', '']])],
  ['8.3.1: a :path that is a URL', only([...without(':path'), [':path', 'http://b/']])],
  ['8.3.1: :method twice', only([[':method', 'GET'], ...GET])],
  ['8.3.1: :scheme twice', only([[':scheme', 'http'], ...GET])],
  ['8.3.1: :path twice', only([[':path', '/'], ...GET])],
  ['8.3.1: :authority twice', only([[':authority', 'a'], ...GET])],
  ['8.3.1: neither :authority nor host', only(without(':authority'))],
  ['8.3.1: a host that is not :authority', only([...GET, ['host', 'b']])],
  ['8.3.1: two hosts', only([...without(':authority'), ['host', 'a'], ['host', 'a']])],
  ['a line in :path', only([...without(':path'), [':path', '/ HTTP/1.1\r\nx: y']])],
  ['a space in :path', only([...without(':path'), [':path', '/a b']])],
  ['a space in :method', only([...without(':method'), [':method', 'GET /x']])],
  ['a line in :authority', only([...without(':authority'), [':authority', 'a\r\nx: y']])],
  ['8.1.1: content-length without a body', only([...POST, ['content-length', '1']])],
  ['8.1.1: less body than content-length', withBody([...POST, ['content-length', '2']], data(1, 'x'))],
  ['8.1.1: more body than content-length', withBody([...POST, ['content-length', '1']], data(1, 'xy'))],
  ['8.1.1: more body, in frames', withBody([...POST, ['content-length', '1']], data(1, 'x', 0), data(1, 'y'))],
  [
    '8.1.1: less body and a trailer',
    withBody([...POST, ['content-length', '2']], data(1, 'x', 0), headers(1, [['x', 'y']])),
  ],
  ['content-length twice', withBody([...POST, ['content-length', '1'], ['content-length', '1']], data(1, 'x'))],
  ['a content-length with a sign', withBody([...POST, ['content-length', '+1']], data(1, 'x'))],
  ['8.1: a trailer that ends nothing', withBody(POST, headers(1, [['x', 'y']], END_HEADERS), data(1, 'x'))],
  ['trailers longer than HTTP/1.1 has them', withBody(POST, data(1, 'x', 0), headers(1, [['x', 'y'.repeat(8186)]]))],
  ['more trailers than HTTP/1.1 has', withBody(POST, data(1, 'x', 0), headers(1, MANY))],
  [
    '8.5: CONNECT with a path',
    only([
      [':method', 'CONNECT'],
      [':authority', 'a'],
      [':path', '/'],
      [':scheme', 'http'],
    ]),
  ],
  ['8.5: CONNECT to nobody', only([[':method', 'CONNECT']])],
];

/** What a message of HTTP/1.1 could not hold: the request must not go on without it either. */
const FORBIDDEN: readonly (readonly [name: string, field: readonly [string, string]])[] = [
  ['a line break in a value', ['x-bad', 'a\r\ny: z']],
  ['a line feed in a value', ['x-bad', 'a\ny: z']],
  ['NUL in a value', ['x-bad', 'a\0b']],
  ['a space in a name', ['x bad', 'a']],
  ['a colon in a name', ['x:bad', 'a']],
  ['a line break in a name', ['x\r\nbad', 'a']],
];

describe('requests of HTTP/2', () => {
  let plane: TestPlane;
  let upstream: RawUpstream;
  const seen: string[] = [];
  before(async () => {
    const answer = perHead((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    upstream = await rawUpstream((socket, received, nth) => {
      seen[nth] = received;
      answer(socket, received, nth);
    });
    plane = await startPlane({ ...oneVersion(upstream.port), http2: true });
  });
  after(async () => {
    plane.close();
    await upstream.close();
  });

  async function next(client: RawHttp2): Promise<void> {
    client.send(headers(3, request('GET', '/next')));
    await client.until((frames) => isAnswered(frames, 3));
  }

  for (const [name, frames] of MALFORMED) {
    it(`${name}: the stream is reset`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(...frames);
      await client.until(() => resetOf(client.frames, 1) !== null);
      assert.equal(resetOf(client.frames, 1), ERROR.protocol, shown(client.frames));
      assert.equal(isAnswered(client.frames, 1), false);
      await next(client);
      // What came before a body's fault is under way already; its end is never sent.
      const whole = seen.join('').split('GET /next')[0] as string;
      assert.doesNotMatch(whole, /0\r\n\r\n$/);
      assert.doesNotMatch(whole, /x: y/i);
    });
  }

  for (const [name, field] of FORBIDDEN) {
    it(`${name}: the stream is reset, and the request gets to nobody`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(headers(1, [...request('GET', '/forbidden'), field]));
      await client.until((frames) => isAnswered(frames, 1) || resetOf(frames, 1) !== null);
      assert.equal(resetOf(client.frames, 1), ERROR.protocol, shown(client.frames));
      await next(client);
      assert.doesNotMatch(seen.join(''), /forbidden|x.{0,2}bad|y: z/is);
    });

    it(`${name} behind a body: the stream is reset, and the request does not end`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(headers(1, request('POST', '/ended'), END_HEADERS), data(1, 'x', 0), headers(1, [['x', 'y'], field]));
      await client.until((frames) => isAnswered(frames, 1) || resetOf(frames, 1) !== null);
      assert.equal(resetOf(client.frames, 1), ERROR.protocol, shown(client.frames));
      assert.doesNotMatch(seen.join(''), /POST \/ended[^]*?\r\n0\r\n/);
    });
  }

  it('8.2.3: crumbs of a cookie are one field', async (t) => {
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, [...request('GET', '/crumbs'), ['cookie', 'a=1'], ['x-between', '1'], ['cookie', 'b=2']]));
    await client.until((frames) => isAnswered(frames, 1));
    assert.match(seen.join(''), /GET \/crumbs[^]*\r\ncookie: a=1; b=2\r\n/);
  });

  it('8.5: CONNECT is refused', async (t) => {
    const client = rawHttp2(t, plane.port);
    client.send(
      headers(
        1,
        [
          [':method', 'CONNECT'],
          [':authority', 'a:443'],
        ],
        END_HEADERS,
      ),
    );
    await client.until((frames) => isAnswered(frames, 1));
    assert.doesNotMatch(seen.join(''), /CONNECT/);
  });

  it('6.10: a head in many frames is one', async (t) => {
    const client = rawHttp2(t, plane.port);
    const whole = block([...request('GET', '/parts'), ['x-y', 'q'.repeat(500)]]);
    const parts = [whole.subarray(0, 10), whole.subarray(10, 11), whole.subarray(11)];
    client.send(
      frame(TYPE.headers, END_STREAM, 1, parts[0]),
      frame(TYPE.continuation, 0, 1, parts[1]),
      frame(TYPE.continuation, END_HEADERS, 1, parts[2]),
    );
    await client.until((frames) => isAnswered(frames, 1));
    assert.match(seen.join(''), /GET \/parts[^]*x-y: q{500}/);
  });
});
