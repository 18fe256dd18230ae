/** RFC 9113 sections 3 to 6: frames that are not what they should be end their stream or their connection, with the code that is due. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  ERROR,
  frame,
  GET,
  goawayOf,
  HAS_PRIORITY,
  headers,
  isAnswered,
  PADDED,
  PING,
  rawHttp2,
  request,
  resetOf,
  SETTINGS,
  setting,
  shown,
  TYPE,
  word,
} from '../../support/http/http2.ts';
import { startPlane, type TestPlane } from '../../support/plane.ts';
import { OK, oneVersion, perHead } from '../../support/proxy/running.ts';
import { type RawUpstream, rawUpstream } from '../../support/raw.ts';

const POST = request('POST', '/');
const OPEN = headers(1, POST, END_HEADERS);
const DONE = headers(1, GET);
const bytes = (count: number): Buffer => Buffer.alloc(count);

/** Frames behind the preface and SETTINGS, and the code of the GOAWAY. */
const CONNECTION: readonly (readonly [name: string, frames: readonly Buffer[], code: number])[] = [
  ['4.2: a frame that is larger than allowed', [frame(TYPE.ping, 0, 0, bytes(16_385))], ERROR.frameSize],
  [
    '4.3: a block that cannot be decompressed',
    [frame(TYPE.headers, END_HEADERS | END_STREAM, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
    ERROR.compression,
  ],
  ['5.1: DATA on an idle stream', [data(1, 'x')], ERROR.protocol],
  ['5.1: RST_STREAM on an idle stream', [frame(TYPE.reset, 0, 1, word(8))], ERROR.protocol],
  ['5.1: WINDOW_UPDATE on an idle stream', [frame(TYPE.window, 0, 1, word(1))], ERROR.protocol],
  ['5.1: CONTINUATION on an idle stream', [frame(TYPE.continuation, END_HEADERS, 1, block(GET))], ERROR.protocol],
  ['5.1.1: a stream with an even number', [headers(2, GET)], ERROR.protocol],
  ['5.1.1: a stream below one that was', [headers(5, GET), headers(3, GET)], ERROR.protocol],
  ['6.1: DATA on no stream', [data(0, 'x')], ERROR.protocol],
  ['6.1: padding longer than the frame', [OPEN, frame(TYPE.data, PADDED, 1, Buffer.from([5, 0]))], ERROR.protocol],
  ['6.2: HEADERS on no stream', [headers(0, GET)], ERROR.protocol],
  ['6.2: another frame within a block', [headers(1, GET, END_STREAM), PING], ERROR.protocol],
  ['6.2: another stream’s HEADERS within a block', [headers(1, GET, END_STREAM), headers(3, GET)], ERROR.protocol],
  ['6.3: PRIORITY on no stream', [frame(TYPE.priority, 0, 0, bytes(5))], ERROR.protocol],
  ['6.3: PRIORITY of another length', [frame(TYPE.priority, 0, 1, bytes(4))], ERROR.frameSize],
  [
    '6.3: a stream that is to depend on itself',
    [frame(TYPE.priority, 0, 1, Buffer.concat([word(1), bytes(1)]))],
    ERROR.protocol,
  ],
  ['6.4: RST_STREAM on no stream', [frame(TYPE.reset, 0, 0, word(8))], ERROR.protocol],
  ['6.4: RST_STREAM of another length', [OPEN, frame(TYPE.reset, 0, 1, bytes(3))], ERROR.frameSize],
  ['6.5: SETTINGS with ACK and something', [frame(TYPE.settings, ACK, 0, setting(3, 1))], ERROR.frameSize],
  ['6.5: SETTINGS on a stream', [frame(TYPE.settings, 0, 1)], ERROR.protocol],
  ['6.5: SETTINGS of another length', [frame(TYPE.settings, 0, 0, bytes(5))], ERROR.frameSize],
  ['6.5.2: ENABLE_PUSH of 2', [frame(TYPE.settings, 0, 0, setting(2, 2))], ERROR.protocol],
  ['6.5.2: a window above 2^31 - 1', [frame(TYPE.settings, 0, 0, setting(4, 2 ** 31))], ERROR.flowControl],
  ['6.5.2: a frame size that is too small', [frame(TYPE.settings, 0, 0, setting(5, 16_383))], ERROR.protocol],
  [
    '6.6: PUSH_PROMISE of a client',
    [frame(TYPE.push, END_HEADERS, 1, Buffer.concat([word(2), block(GET)]))],
    ERROR.protocol,
  ],
  ['6.7: PING on a stream', [frame(TYPE.ping, 0, 1, bytes(8))], ERROR.protocol],
  ['6.7: PING of another length', [frame(TYPE.ping, 0, 0, bytes(6))], ERROR.frameSize],
  ['6.8: GOAWAY on a stream', [frame(TYPE.goaway, 0, 1, bytes(8))], ERROR.protocol],
  ['6.9: WINDOW_UPDATE of 0', [frame(TYPE.window, 0, 0, word(0))], ERROR.protocol],
  ['6.9: WINDOW_UPDATE of another length', [frame(TYPE.window, 0, 0, bytes(3))], ERROR.frameSize],
  [
    '6.9.1: a window above 2^31 - 1 by updates',
    [frame(TYPE.window, 0, 0, word(2 ** 31 - 1)), frame(TYPE.window, 0, 0, word(1))],
    ERROR.flowControl,
  ],
  [
    '6.10: CONTINUATION on no stream',
    [headers(1, GET, END_STREAM), frame(TYPE.continuation, END_HEADERS, 0)],
    ERROR.protocol,
  ],
  ['6.10: CONTINUATION behind a whole block', [DONE, frame(TYPE.continuation, END_HEADERS, 1)], ERROR.protocol],
];

/** The same, and the code that the stream is reset with, or the connection closed. */
const STREAM: readonly (readonly [name: string, frames: readonly Buffer[], codes: readonly number[]])[] = [
  ['5.1: DATA behind the end of the stream', [DONE, data(1, 'x')], [ERROR.streamClosed]],
  ['5.1: HEADERS behind the end of the stream', [DONE, headers(1, GET)], [ERROR.streamClosed]],
  ['5.1: DATA behind a reset', [OPEN, frame(TYPE.reset, 0, 1, word(8)), data(1, 'x')], [ERROR.streamClosed]],
  ['5.1: HEADERS behind a reset', [OPEN, frame(TYPE.reset, 0, 1, word(8)), headers(1, GET)], [ERROR.streamClosed]],
  [
    '5.3.1: a stream that depends on itself',
    [frame(TYPE.headers, END_STREAM | END_HEADERS | HAS_PRIORITY, 1, Buffer.concat([word(1), bytes(1), block(GET)]))],
    [ERROR.protocol],
  ],
  ['6.9: WINDOW_UPDATE of 0 on a stream', [OPEN, frame(TYPE.window, 0, 1, word(0))], [ERROR.protocol]],
  [
    '6.9.1: a stream’s window above 2^31 - 1',
    [OPEN, frame(TYPE.window, 0, 1, word(2 ** 31 - 1)), frame(TYPE.window, 0, 1, word(1))],
    [ERROR.flowControl],
  ],
];

/** What is to be ignored: the request behind it is served. */
const IGNORED: readonly (readonly [name: string, frames: readonly Buffer[]])[] = [
  ['4.1: a frame of an unknown type', [frame(0x99, 0, 0, bytes(8))]],
  ['4.1: flags that are not defined', [frame(TYPE.ping, 0xfe, 0, bytes(8))]],
  ['4.1: the reserved bit', [frame(TYPE.ping, 0, 0x80000000, bytes(8))]],
  ['5.3: PRIORITY', [frame(TYPE.priority, 0, 1, Buffer.concat([word(3), bytes(1)]))]],
  ['6.5.2: a setting that is not known', [frame(TYPE.settings, 0, 0, setting(0xff, 1))]],
  ['5.1: DATA behind a reset', [OPEN, frame(TYPE.reset, 0, 1, word(8)), data(1, 'x')]],
  ['6.9: an update of the connection’s window', [frame(TYPE.window, 0, 0, word(1))]],
];

describe('frames of HTTP/2', () => {
  let plane: TestPlane;
  let upstream: RawUpstream;
  before(async () => {
    upstream = await rawUpstream(perHead((socket) => void socket.write(OK)));
    plane = await startPlane({ ...oneVersion(upstream.port), http2: true });
  });
  after(async () => {
    plane.close();
    await upstream.close();
  });

  for (const [name, frames, code] of CONNECTION) {
    it(`${name}: the connection ends`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(...frames);
      await client.closed();
      assert.equal(goawayOf(client.frames), code, shown(client.frames));
    });
  }

  for (const [name, frames, codes] of STREAM) {
    it(`${name}: the stream or the connection ends`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(...frames, PING);
      const told = () => resetOf(client.frames, 1) ?? goawayOf(client.frames);
      const isOver = () =>
        told() !== null || client.frames.some(({ type, flags }) => type === TYPE.ping && flags === ACK);
      await client.until(isOver);
      assert.ok(codes.includes(told() ?? ERROR.none), shown(client.frames));
    });
  }

  for (const [name, frames] of IGNORED) {
    it(`${name}: is ignored`, async (t) => {
      const client = rawHttp2(t, plane.port);
      client.send(...frames, headers(3, GET));
      await client.until((all) => isAnswered(all, 3));
      assert.equal(goawayOf(client.frames), null);
    });
  }

  it('6.7: PING is answered with what it brought', async (t) => {
    const client = rawHttp2(t, plane.port);
    client.send(frame(TYPE.ping, 0, 0, Buffer.from('12345678')));
    await client.until((all) => all.some(({ type, flags }) => type === TYPE.ping && flags === ACK));
    assert.equal(client.frames.find(({ type }) => type === TYPE.ping)?.payload.toString(), '12345678');
  });

  it('3.4: the gateway begins with SETTINGS', async (t) => {
    const client = rawHttp2(t, plane.port);
    await client.until((all) => all.length > 0);
    assert.equal(client.frames[0]?.type, TYPE.settings);
  });

  it('3.4: a preface without SETTINGS behind it ends the connection', async (t) => {
    const client = rawHttp2(t, plane.port, [Buffer.from(PREFACE), PING]);
    await client.closed();
    assert.equal(goawayOf(client.frames), ERROR.protocol);
  });

  it('3.4: a preface that is cut anywhere is one', async (t) => {
    for (let cut = 1; cut <= PREFACE.length; cut++) {
      const client = rawHttp2(t, plane.port, [Buffer.from(PREFACE.slice(0, cut))]);
      await new Promise((resolve) => setImmediate(resolve));
      client.send(Buffer.from(PREFACE.slice(cut)), SETTINGS, headers(1, GET));
      await client.until((all) => isAnswered(all, 1));
      client.socket.destroy();
    }
  });

  it('6.9.2: a window that is made smaller is obeyed, and the rest comes when it is opened', async (t) => {
    const client = rawHttp2(t, plane.port, [
      Buffer.from(PREFACE),
      frame(TYPE.settings, 0, 0, setting(4, 1)),
      headers(1, GET),
    ]);
    const sent = () =>
      client.frames.filter(({ type }) => type === TYPE.data).reduce((sum, { payload }) => sum + payload.length, 0);
    await client.until(() => sent() === 1);
    client.send(frame(TYPE.window, 0, 1, word(1)));
    await client.until((all) => isAnswered(all, 1));
    assert.equal(sent(), 2);
  });
});
