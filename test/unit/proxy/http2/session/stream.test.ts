/** One stream: what comes is taken or kept within its window, and what is sent waits its turn. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  isAnswered,
  PADDED,
  request,
  resetOf,
  setting,
  TYPE,
  word,
} from '../../../../support/http/http2.ts';
import { sessionScene } from '../../../../support/proxy/wires/own-session.ts';

const POST = headers(1, request('POST', '/'), END_HEADERS);
const OK = [':status', '200'];

/** A request that goes on, or not. */
function streamOf(first = POST) {
  const scene = sessionScene();
  scene.give(first);
  scene.said();
  const { stream, owner } = scene.begun[0] as (typeof scene.begun)[number];
  return { ...scene, stream, owner };
}

const updates = (frames: ReturnType<ReturnType<typeof streamOf>['said']>): [number, number][] =>
  frames.filter(({ type }) => type === TYPE.window).map(({ id, payload }) => [id, payload.readUInt32BE(0)]);

describe('what comes', () => {
  it('is offered where it was read if it is much, its end with the last of it', () => {
    const { give, owner, stream } = streamOf();
    give(data(1, 'a'.repeat(5000), 0), data(1, 'b'.repeat(4096)));
    assert.deepEqual(
      owner.bytes.map((bytes) => bytes.length),
      [5000, 4096],
    );
    assert.deepEqual([owner.told, stream.hasEnded, stream.keptBytes], [['end'], true, 0]);
  });

  it('is told of together if it is little, in one piece or few', () => {
    const { give, owner, stream } = streamOf();
    give(...Array.from({ length: 1000 }, () => data(1, 'x', 0)), data(1, ''));
    assert.deepEqual([owner.bytes.length, stream.keptBytes, owner.told], [0, 1000, ['arrived']]);
    let count = 0;
    let text = '';
    for (let one = stream.read(); one !== null; one = stream.read(), count++) text += one.toString();
    assert.deepEqual([text, stream.keptBytes], ['x'.repeat(1000), 0]);
    assert.ok(count <= 2, `${count} pieces`);
  });

  it('is kept when nobody takes it, and what follows behind it', () => {
    const { give, owner, stream } = streamOf();
    owner.takesNow = false;
    give(data(1, 'a'.repeat(5000), 0));
    owner.takesNow = true;
    give(data(1, 'b'.repeat(5000)));
    assert.deepEqual([owner.bytes.length, stream.keptBytes, owner.told], [0, 10_000, ['arrived', 'arrived']]);
    const whole = [stream.read(), stream.read()].join('');
    assert.deepEqual([whole, stream.read()], ['a'.repeat(5000) + 'b'.repeat(5000), null]);
  });

  it('in the same read as its head is kept until there is somebody, its trailers too', () => {
    const scene = sessionScene();
    scene.give(POST, data(1, 'abc', 0), headers(1, [['x', 'y']]));
    const stream = scene.begun[0]?.stream;
    assert.deepEqual([stream?.keptBytes, stream?.hasEnded, stream?.trailers], [3, true, ['x', 'y']]);
  });

  it('opens the window again as it is taken: of the stream and of the connection by half of what a stream may send', () => {
    const { give, said } = streamOf();
    give(data(1, Buffer.alloc(16_000), 0), data(1, Buffer.alloc(16_000), 0));
    assert.deepEqual(updates(said()), []);
    give(data(1, Buffer.alloc(5000), 0));
    assert.deepEqual(updates(said()), [
      [0, 37_000],
      [1, 37_000],
    ]);
  });

  it('opens the window of the connection while others of its streams stand still', () => {
    const scene = sessionScene();
    const windowOf = (): number => updates(scene.said()).reduce((sum, [id, count]) => sum + (id === 0 ? count : 0), 0);
    const full = [16_384, 16_384, 16_384, 16_383];
    // Seven hold all that they may, and an eighth a little.
    for (let n = 0; n < 8; n++) {
      const id = 2 * n + 1;
      scene.give(headers(id, request('POST', '/'), END_HEADERS));
      (scene.begun[n] as (typeof scene.begun)[number]).owner.takesNow = false;
      for (const length of n < 7 ? full : [10]) scene.give(data(id, Buffer.alloc(length), 0));
    }
    let window = 8 * 65_535 - 7 * 65_535 - 10 + windowOf();
    scene.give(headers(17, request('POST', '/'), END_HEADERS));
    for (let sent = 0; sent < 1_000_000; sent += 16_000) {
      assert.ok(window >= 16_000, `${window} after ${sent}`);
      scene.give(data(17, Buffer.alloc(16_000), 0));
      window += windowOf() - 16_000;
    }
    assert.deepEqual(scene.failed, []);
  });

  it('is not of use when it is more than announced, and the connection may send as much again', () => {
    const scene = sessionScene();
    let window = 8 * 65_535;
    for (let n = 0; n < 200; n++) {
      const id = 2 * n + 1;
      scene.give(headers(id, request('POST', '/'), END_HEADERS));
      scene.begun[n]?.stream.expect(1);
      scene.give(data(id, Buffer.alloc(16_384), 0));
      window -= 16_384;
      window += updates(scene.said()).reduce((sum, [of, count]) => sum + (of === 0 ? count : 0), 0);
      assert.ok(window > 400_000, `${window} after ${n}`);
    }
  });

  it('that is kept closes its window, and no other', () => {
    const { give, said, owner, stream, failed } = streamOf();
    owner.takesNow = false;
    for (let n = 0; n < 4; n++) give(data(1, Buffer.alloc(16_000), 0));
    assert.deepEqual([updates(said()), stream.keptBytes], [[], 64_000]);
    give(data(1, Buffer.alloc(2000), 0));
    assert.equal(resetOf(said(), 1), 3, 'more than its window');
    assert.deepEqual([failed, stream.keptBytes, owner.told.at(-1)], [[], 0, 'closed malformed']);
  });

  it('pads at the price of the window, which is opened for it', () => {
    const { give, said, owner } = streamOf();
    const padded = frame(TYPE.data, PADDED, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)]));
    for (let n = 0; n < 127; n++) give(padded);
    assert.deepEqual(updates(said()), []);
    give(padded);
    assert.deepEqual(updates(said()), [
      [0, 128 * 256],
      [1, 128 * 256],
    ]);
    assert.equal(Buffer.concat(owner.bytes).length, 0);
  });

  it('must be as long as announced', () => {
    for (const [announced, ...parts] of [
      [3, data(1, 'ab', 0), data(1, 'cd', 0)],
      [3, data(1, 'ab')],
      [3, data(1, 'ab', 0), headers(1, [['x', 'y']])],
      [0, data(1, 'a')],
    ] as const) {
      const { give, said, stream, owner } = streamOf();
      assert.equal(stream.expect(announced), true);
      give(...parts);
      assert.deepEqual([resetOf(said(), 1), owner.told.at(-1)], [1, 'closed malformed']);
    }
    for (const [announced, isFine] of [
      [2, false],
      [3, true],
      [4, false],
    ] as const) {
      const scene = sessionScene();
      scene.give(POST, data(1, 'abc'));
      assert.equal(scene.begun[0]?.stream.expect(announced), isFine);
    }
  });
});

describe('what is sent', () => {
  it('closes the stream with its end when the client has ended, and else when that does', () => {
    const { stream, owner, said, give, counts } = streamOf();
    stream.respond(OK, false);
    stream.write(Buffer.from('body'), 0, 4, true);
    assert.deepEqual([owner.told, stream.hasFinished, stream.isClosed], [['finished'], true, false]);
    give(data(1, ''));
    assert.deepEqual(
      [owner.told, stream.isClosed, counts.closes, isAnswered(said(), 1)],
      [['finished', 'closed ', 'arrived'], true, 1, true],
    );
    for (const last of [data(1, 'z'.repeat(5000)), headers(1, [['x', 'y']])]) {
      const other = streamOf();
      other.stream.respond(OK, true);
      other.give(last);
      assert.deepEqual([other.stream.isClosed, other.session.streamCount], [true, 0]);
    }
  });

  it('has ended, and what came is still there to be read', () => {
    const { stream, owner, give, said } = streamOf();
    owner.takesNow = false;
    stream.respond(OK, true);
    give(data(1, 'kept'));
    assert.deepEqual([stream.isClosed, stream.keptBytes, String(stream.read())], [true, 4, 'kept']);
    assert.deepEqual(updates(said()), []);
  });

  it('copies little that must wait, and is backed up by much', () => {
    const { stream, owner, give } = streamOf(
      Buffer.concat([frame(TYPE.settings, 0, 0, setting(4, 0)), headers(1, GET)]),
    );
    stream.respond(OK, false);
    const bytes = Buffer.alloc(20_000, 'x');
    for (let n = 0; n < 3; n++) stream.write(bytes, 0, 16_000, false);
    assert.equal(stream.isBackedUp, false);
    stream.write(bytes, 0, 10_000, false);
    stream.write(bytes, 0, 10_000, false);
    assert.equal(stream.isBackedUp, true, 'enough waits');
    give(frame(TYPE.window, 0, 1, word(30_000)));
    assert.deepEqual([stream.isBackedUp, owner.told], [false, ['flushed']]);
    stream.write(bytes, 0, 20_000, true);
    assert.equal(stream.isBackedUp, true, 'it must not change');
    give(frame(TYPE.window, 0, 0, word(100_000)), frame(TYPE.window, 0, 1, word(58_000)));
    assert.deepEqual([stream.isClosed, owner.told], [true, ['flushed', 'finished', 'closed ', 'flushed']]);
  });

  it('ends with fields behind all that waits', () => {
    const { stream, said, give } = streamOf(
      Buffer.concat([frame(TYPE.settings, 0, 0, setting(4, 1)), headers(1, GET)]),
    );
    stream.respond(OK, false);
    stream.write(Buffer.from('ab'), 0, 2, false);
    stream.end(['x', 'y']);
    stream.end(null);
    said();
    give(frame(TYPE.window, 0, 1, word(1)));
    assert.deepEqual(
      said().map(({ type, flags }) => [type, flags]),
      [
        [TYPE.data, 0],
        [TYPE.headers, END_STREAM | END_HEADERS],
      ],
    );
  });

  it('can be nothing but an end', () => {
    const { stream, said } = streamOf();
    stream.respond(OK, false);
    stream.write(Buffer.alloc(0), 0, 0, false);
    stream.write(Buffer.alloc(0), 0, 0, true);
    stream.write(Buffer.from('late'), 0, 4, false);
    assert.deepEqual(
      said()
        .map(({ type, flags, payload }) => [type, flags, payload.length])
        .slice(1),
      [[TYPE.data, END_STREAM, 0]],
    );
  });
});

describe('a stream whose rest is waived', () => {
  it('is reset without an error when its answer has left, and what was on its way is ignored', () => {
    const { stream, owner, said, give, failed } = streamOf(
      Buffer.concat([frame(TYPE.settings, 0, 0, setting(4, 1)), POST]),
    );
    stream.respond(OK, false);
    stream.write(Buffer.from('ab'), 0, 2, true);
    stream.waive();
    assert.equal(resetOf(said(), 1), null);
    give(data(1, 'more', 0), frame(TYPE.window, 0, 1, word(1)));
    const frames = said();
    assert.deepEqual([isAnswered(frames, 1), resetOf(frames, 1)], [true, 0]);
    give(data(1, 'more', 0), data(1, 'more'), headers(1, [['x', 'y']]), frame(TYPE.reset, 0, 1, word(8)));
    assert.deepEqual(
      [said(), failed, stream.isClosed, owner.told.at(-1)],
      [[], [], true, 'closed closed by the gateway'],
    );
  });

  it('that its client has ended is not reset', () => {
    const { stream, said } = streamOf(headers(1, GET));
    stream.respond(OK, true);
    stream.waive();
    assert.equal(resetOf(said(), 1), null);
  });
});

describe('a stream that waits for the connection and is closed', () => {
  it('is not in its queue any more, wherever it stood', () => {
    for (const closed of [[0], [1], [2], [0, 2], [2, 1], [0, 1, 2]]) {
      const scene = sessionScene();
      scene.session.sender.window = 0;
      for (const id of [1, 3, 5]) scene.give(headers(id, request('GET', '/')));
      for (const { stream } of scene.begun) {
        stream.respond(OK, false);
        stream.write(Buffer.from(`${stream.id}`), 0, 1, true);
      }
      scene.said();
      for (const n of closed) scene.begun[n]?.stream.cut();
      assert.equal(scene.session.sender.hasQueue, closed.length < 3);
      scene.said();
      scene.give(frame(TYPE.window, 0, 0, word(100)));
      const left = scene.said().map(({ id }) => id);
      const expected = [1, 3, 5].filter((_, n) => !closed.includes(n));
      assert.deepEqual(left, expected, closed.join());
      assert.equal(scene.session.sender.hasQueue, false);
    }
  });
});

describe('a stream that is cut', () => {
  it('is reset with INTERNAL_ERROR, once, and what waited is dropped', () => {
    const { stream, said, owner, give } = streamOf(
      Buffer.concat([frame(TYPE.settings, 0, 0, setting(4, 1)), headers(1, GET)]),
    );
    stream.respond(OK, false);
    stream.write(Buffer.from('ab'), 0, 2, true);
    stream.cut();
    stream.cut();
    stream.refuse();
    give(frame(TYPE.window, 0, 1, word(9)));
    const frames = said().filter(({ id }) => id === 1);
    assert.deepEqual(
      frames.map(({ type }) => type),
      [TYPE.headers, TYPE.data, TYPE.reset],
    );
    assert.deepEqual([resetOf(frames, 1), owner.told], [2, ['closed closed by the gateway']]);
  });

  it('by its client tells why', () => {
    const { owner, give, counts } = streamOf();
    give(frame(TYPE.reset, 0, 1, word(0)));
    assert.deepEqual([owner.told, counts.closes], [['closed reset by the client'], 1]);
  });
});
