/** Who may send what, when, and in which order. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { Output } from '#src/proxy/http2/session/output.ts';
import { Session } from '#src/proxy/http2/session/session.ts';
import { sessionLimits } from '#src/proxy/http2/settings.ts';
import {
  block,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  GET,
  headers,
  setting,
  TYPE,
  word,
} from '../../../../support/http/http2.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../../support/proxy/limits.ts';
import { sessionScene } from '../../../../support/proxy/wires/own-session.ts';

const nothing = (): void => undefined;
/** Of a request of four fields, in texts, and its answer. */
const REQUEST_BYTES = 850;

/** Without SETTINGS. */
const shownOf = (frames: readonly Frame[]): string[] =>
  frames
    .filter(({ type }) => type !== TYPE.settings)
    .map(({ type, id, flags, payload }) => {
      const name = type === TYPE.data ? 'data' : type;
      return `${name} ${id} ${payload.length}${(flags & END_STREAM) === 0 ? '' : ' end'}`;
    });

/** Streams 1, 3, 5 … that are begun and answered with nothing yet. */
function streamsOf(count: number, ...first: readonly Buffer[]) {
  const scene = sessionScene();
  scene.give(...first, ...Array.from({ length: count }, (_, n) => headers(2 * n + 1, GET)));
  scene.said();
  return { ...scene, streams: scene.begun.map(({ stream }) => stream) };
}

const BODY = Buffer.alloc(100_000, 'x');

describe('bodies', () => {
  it('leave in frames of 16 KiB, the last with the end', () => {
    const { streams, said } = streamsOf(1);
    streams[0]?.respond([':status', '200'], false);
    streams[0]?.write(BODY, 0, 40_000, true);
    assert.deepEqual(shownOf(said()).slice(1), ['data 1 16384', 'data 1 16384', 'data 1 7232 end']);
  });

  it('share a window that is opened by turns, whoever came first', () => {
    const { streams, said, give } = streamsOf(3, frame(TYPE.settings, 0, 0, setting(4, 2 ** 20)));
    for (const stream of streams) stream.write(BODY, 0, 60_000, true);
    assert.deepEqual(
      shownOf(said()).map((one) => one.slice(0, 12)),
      ['data 1 16384', 'data 1 16384', 'data 1 16384', 'data 1 10848', 'data 3 5535'].map((one) => one.slice(0, 12)),
    );
    give(frame(TYPE.window, 0, 0, word(200_000)));
    assert.deepEqual(shownOf(said()), [
      'data 3 16384',
      'data 5 16384',
      'data 3 16384',
      'data 5 16384',
      'data 3 16384',
      'data 5 16384',
      'data 3 5313 end',
      'data 5 10848 end',
    ]);
  });

  it('go on behind a defect', (t) => {
    const { streams, said, session } = streamsOf(2);
    session.sender.window = 0;
    for (const stream of streams) stream.write(BODY, 0, 30, true);
    const [broken] = streams;
    assert.ok(broken !== undefined);
    t.mock.method(broken, 'sendOn', () => {
      throw new Error('nobody expected this');
    });
    session.sender.window = 100;
    assert.throws(() => session.sender.drain(), { message: 'nobody expected this' });
    session.sender.drain();
    assert.deepEqual(shownOf(said()), ['data 3 30 end']);
  });

  it('of one whose own window is closed wait for that, and hold nobody up', () => {
    const { streams, said, give } = streamsOf(2, frame(TYPE.settings, 0, 0, setting(4, 10)));
    for (const stream of streams) stream.write(BODY, 0, 30, true);
    assert.deepEqual(shownOf(said()), ['data 1 10', 'data 3 10']);
    give(frame(TYPE.window, 0, 3, word(5)));
    assert.deepEqual(shownOf(said()), ['data 3 5']);
    give(frame(TYPE.settings, 0, 0, setting(4, 0)), frame(TYPE.window, 0, 1, word(10)));
    assert.deepEqual(shownOf(said()), [], 'smaller than nothing, then nothing');
    give(frame(TYPE.window, 0, 1, word(1)), frame(TYPE.settings, 0, 0, setting(4, 1000)));
    assert.deepEqual(shownOf(said()), ['data 1 20 end', 'data 3 15 end']);
  });

  it('wait while the kernel takes nothing, and heads do not', () => {
    const { streams, said, wire, output, session } = streamsOf(2);
    wire.isFull = true;
    streams[0]?.respond([':status', '200'], false);
    output.flush();
    streams[0]?.write(BODY, 0, 10, true);
    streams[1]?.respond([':status', '404'], true);
    assert.deepEqual(shownOf(said()), ['1 1 1', '1 3 1 end']);
    wire.isFull = false;
    wire.waitingBytes = 0;
    session.sender.drain();
    assert.deepEqual(shownOf(said()), ['data 1 10 end']);
  });

  it('that nobody can be sent any more are in nobody’s way', () => {
    const { streams, said, give } = streamsOf(3, frame(TYPE.settings, 0, 0, setting(4, 2 ** 20)));
    for (const stream of streams) stream.write(BODY, 0, 60_000, true);
    said();
    give(frame(TYPE.reset, 0, 3, word(8)), frame(TYPE.window, 0, 0, word(60_000)));
    assert.deepEqual(
      shownOf(said()).map((one) => one.split(' ')[1]),
      ['5', '5', '5', '5'],
    );
  });
});

describe('a head', () => {
  it('that is longer than a frame goes on in others', () => {
    const { streams, said } = streamsOf(1);
    const long = ['x-a', 'a'.repeat(40_000)];
    streams[0]?.respond([':status', '200', ...long], true);
    const frames = said();
    assert.deepEqual(
      frames.map(({ type }) => type),
      [TYPE.headers, TYPE.continuation, TYPE.continuation],
    );
    assert.deepEqual(
      frames.map(({ flags }) => flags),
      [END_STREAM, 0, END_HEADERS],
    );
    const whole = Buffer.concat(frames.map(({ payload }) => payload));
    assert.ok(whole.subarray(1).includes(block([['x-a', 'a'.repeat(40_000)]]).subarray(1)), 'nothing is missing');
    streams[0]?.respond([':status', '200'], true);
    assert.deepEqual(said(), [], 'it is over');
  });

  it('that hardly fits is sent whole', () => {
    for (let length = 900; length < 9000; length += 270) {
      const { streams, said } = streamsOf(1);
      streams[0]?.respond([':status', '200', 'x-a', 'a'.repeat(length)], true);
      const [only, ...more] = said();
      assert.deepEqual([more, only?.flags], [[], END_STREAM | END_HEADERS]);
      assert.ok((only?.payload.length ?? 0) > length);
    }
  });
});

describe('a request and its small answer', () => {
  it('leave little behind: what was read as texts, and the stream', COUNTED, () => {
    const output = new Output({ waitingBytes: 0, writeBytes: () => undefined });
    const answer = [':status', '200', 'content-type', 'text/plain', 'content-length', '100'];
    const body = Buffer.alloc(100);
    const owner = { takes: () => true, arrived: nothing, flushed: nothing, finished: nothing, closed: nothing };
    const session = new Session(output, sessionLimits(LIMITS), {
      begins(stream) {
        stream.owner = owner;
        stream.respond(answer, false);
        stream.write(body, 0, body.length, true);
      },
      breaks: nothing,
      closes: nothing,
      fails: () => assert.fail('it fails'),
      leaves: nothing,
      answers: nothing,
    });
    const preface = Buffer.concat([
      Buffer.from(PREFACE),
      frame(TYPE.settings, 0, 0),
      frame(TYPE.window, 0, 0, word(2 ** 30)),
    ]);
    session.take(preface, 0, preface.length);
    const request = headers(1, GET);
    const more = Buffer.concat([request, frame(TYPE.window, 0, 0, word(body.length))]);
    let id = -1;
    const perRequest = bytesPerCall(
      () => {
        id += 2;
        more.writeUInt32BE(id, 5);
        session.take(more, 0, more.length);
        output.flush();
      },
      2000,
      REQUEST_BYTES,
    );
    assert.ok(perRequest <= REQUEST_BYTES, `${perRequest} bytes`);
  });
});
