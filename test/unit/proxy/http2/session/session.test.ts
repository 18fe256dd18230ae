/** What a session makes of frames, right and wrong ones, and that nothing whatever makes it throw, or hold more than it may. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { ABUSE } from '#src/model/threads/load/http2.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { mutateFrames, STORY } from '../../../../support/http/fuzz/sessions.ts';
import {
  ACK,
  data,
  END_HEADERS,
  END_STREAM,
  ERROR,
  frame,
  GET,
  goawayOf,
  headers,
  request,
  resetOf,
  SETTINGS,
  shown,
  TYPE,
  word,
} from '../../../../support/http/http2.ts';
import { type Scene, type Sketch, sessionScene } from '../../../../support/proxy/wires/own-session.ts';
import { samples } from '../../../../support/runner/depth.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const RUNS = samples(3000, 300);
const POST = (id: number): Buffer => headers(id, request('POST', '/'), END_HEADERS);
const OK = [':status', '200'];

function answering(sketch: Sketch = {}): Scene {
  return sessionScene({
    begins: (stream) => {
      stream.respond(OK, false);
      stream.write(Buffer.from('ok'), 0, 2, true);
    },
    ...sketch,
  });
}

describe('requests', () => {
  it('are begun when all of a read was looked at, in their order', () => {
    const scene = sessionScene();
    const parts = [POST(1), headers(3, GET), data(1, 'body')];
    scene.give(...parts);
    assert.deepEqual(
      scene.begun.map(({ stream, fields }) => [stream.id, stream.hasEnded, stream.keptBytes, fields[1]]),
      [
        [1, true, 4, 'POST'],
        [3, true, 0, 'GET'],
      ],
    );
  });

  it('that are taken back in the same breath are not begun', () => {
    const scene = sessionScene();
    scene.give(headers(1, GET), headers(3, GET), frame(TYPE.reset, 0, 1, word(8)));
    assert.deepEqual(
      scene.begun.map(({ stream }) => stream.id),
      [3],
    );
    assert.equal(scene.session.streamCount, 1);
  });

  it('of a long read are begun some at a time, so that a flood ends early', () => {
    const scene = sessionScene({
      limits: { streamsMax: 1000, http2AbuseMax: 10 },
      begins: (stream) => stream.refuse(),
    });
    scene.give(...Array.from({ length: 500 }, (_, n) => headers(2 * n + 1, GET)));
    assert.deepEqual([scene.failed, scene.begun.length], [[ABUSE.forcedResets], 11]);
    assert.ok(scene.session.lastId <= 199);
    assert.equal(goawayOf(scene.said()), ERROR.calm);
  });

  it('beyond the limit are refused, and count again when there is room', () => {
    const scene = sessionScene({ limits: { streamsMax: 2 } });
    scene.give(headers(1, GET), headers(3, GET), headers(5, GET));
    assert.equal(resetOf(scene.said(), 5), ERROR.refused);
    scene.begun[0]?.stream.respond(OK, true);
    scene.give(headers(7, GET));
    assert.deepEqual(
      scene.begun.map(({ stream }) => stream.id),
      [1, 3, 7],
    );
  });

  it('behind the last that is wanted are passed over, whatever is said of them', () => {
    const scene = sessionScene();
    scene.give(headers(1, GET));
    scene.session.close();
    scene.give(POST(3), data(3, 'x', 0), frame(TYPE.window, 0, 3, word(1)), headers(3, [['x', 'y']]), headers(5, GET));
    assert.deepEqual([scene.begun.length, shown(scene.said())], [1, 'goaway (0)']);
    assert.deepEqual(scene.failed, []);
  });
});

describe('the connection', () => {
  it('is left in two steps', () => {
    const scene = answering();
    scene.session.leave();
    const [goaway, ping] = scene.said();
    assert.deepEqual([goaway?.payload.readUInt32BE(0), ping?.type], [2 ** 31 - 1, TYPE.ping]);
    scene.give(headers(1, GET), frame(TYPE.ping, ACK, 0, Buffer.alloc(8)));
    assert.deepEqual([scene.begun.length, scene.counts.answers], [1, 0], 'another PING’s answer');
    scene.give(frame(TYPE.ping, ACK, 0, ping?.payload));
    assert.equal(scene.counts.answers, 1);
    scene.session.close();
    assert.equal(scene.said().at(-1)?.payload.readUInt32BE(0), 1);
  });

  it('tells of a client that goes', () => {
    const scene = sessionScene();
    scene.give(frame(TYPE.goaway, 0, 0, Buffer.alloc(8)));
    assert.deepEqual([scene.counts.leaves, scene.failed], [1, []]);
  });

  it('is owed the rest of what was begun, bodies apart', () => {
    const scene = sessionScene({}, []);
    assert.equal(scene.session.isOwed, true);
    scene.give(Buffer.from(PREFACE), SETTINGS);
    assert.equal(scene.session.isOwed, false);
    scene.give(headers(1, GET, 0));
    assert.equal(scene.session.isOwed, true);
    scene.give(frame(TYPE.continuation, END_HEADERS, 1), data(1, 'body', 0).subarray(0, 11));
    assert.equal(scene.session.isOwed, false);
  });

  it('ends its streams with itself, and takes nothing more', () => {
    const scene = sessionScene();
    scene.give(POST(1), POST(3));
    scene.session.destroy('gone');
    assert.deepEqual(
      scene.begun.map(({ owner }) => owner.told),
      [['closed gone'], ['closed gone']],
    );
    scene.give(headers(5, GET));
    assert.equal(scene.begun.length, 2);
  });

  it('opens its window for bodies that nobody gets', () => {
    const scene = sessionScene({ limits: { windowBytes: 100_000 } });
    scene.give(POST(1));
    scene.begun[0]?.stream.cut();
    for (let n = 0; n < 40; n++) scene.give(data(1, Buffer.alloc(10_000), 0));
    assert.deepEqual(scene.failed, []);
    const told = scene.said().filter(({ type, id }) => type === TYPE.window && id === 0);
    assert.deepEqual(
      told.map(({ payload }) => payload.readUInt32BE(0)),
      new Array(10).fill(40_000),
    );
  });

  it('ends with more than its window holds', () => {
    const scene = sessionScene({ limits: { windowBytes: 70_000 } });
    scene.give(POST(1), POST(3));
    for (const { owner } of scene.begun) owner.takesNow = false;
    for (const id of [1, 3]) for (let n = 0; n < 4; n++) scene.give(data(id, Buffer.alloc(10_000), 0));
    assert.deepEqual([scene.failed, goawayOf(scene.said())], [[ABUSE.protocol], ERROR.flowControl]);
  });
});

describe('frames of streams that are closed', () => {
  const BODY = data(1, 'x');
  const MORE = headers(1, [['x', 'y']]);
  it('are ignored when we reset it', () => {
    const scene = sessionScene();
    scene.give(POST(1));
    scene.begun[0]?.stream.cut();
    scene.said();
    scene.give(BODY, MORE, frame(TYPE.window, 0, 1, word(1)), frame(TYPE.reset, 0, 1, word(8)), BODY);
    assert.deepEqual([scene.said(), scene.failed], [[], []]);
  });

  it('are an error of the stream when the client did, once', () => {
    for (const late of [BODY, MORE]) {
      const scene = sessionScene();
      scene.give(POST(1), frame(TYPE.reset, 0, 1, word(8)), frame(TYPE.window, 0, 1, word(1)), late, late);
      const frames = scene.said();
      assert.deepEqual([shown(frames), scene.failed], ['reset 1 (5)', []]);
    }
  });

  it('are an error of the stream when we reset it and many others since, or another way', () => {
    const scene = sessionScene();
    for (let n = 0; n < 300; n++) {
      scene.give(POST(2 * n + 1));
      scene.begun[n]?.stream.cut();
    }
    scene.said();
    scene.give(BODY);
    assert.deepEqual([shown(scene.said()), scene.failed], ['reset 1 (5)', []]);
  });

  it('are ignored when it was begun too late, however many were, and those that are served go on', () => {
    const scene = sessionScene();
    scene.give(POST(1));
    scene.begun[0]?.stream.cut();
    scene.give(POST(3));
    scene.session.close();
    scene.said();
    for (let n = 0; n < 400; n++) scene.give(POST(2 * n + 5), data(2 * n + 5, 'x', 0));
    scene.give(BODY, data(3, 'x', 0));
    assert.deepEqual([shown(scene.said()), scene.failed, scene.begun.length], ['', [], 2]);
    assert.equal(scene.begun[1]?.stream.keptBytes, 1);
  });

  it('are an error of the connection when both sides had ended it', () => {
    for (const late of [BODY, MORE]) {
      const scene = answering();
      scene.give(headers(1, GET));
      scene.give(frame(TYPE.window, 0, 1, word(1)), frame(TYPE.priority, 0, 1, Buffer.alloc(5)));
      assert.deepEqual(scene.failed, []);
      scene.give(late);
      assert.deepEqual([scene.failed, goawayOf(scene.said())], [[ABUSE.protocol], ERROR.streamClosed]);
    }
  });

  it('that the client has ended, and we have not, are an error of the stream', () => {
    for (const late of [BODY, MORE]) {
      const scene = sessionScene();
      scene.give(headers(1, GET));
      scene.give(late);
      assert.deepEqual([shown(scene.said()), scene.begun[0]?.owner.told], ['reset 1 (5)', ['closed malformed']]);
    }
  });
});

/** All that a session did with some bytes, in reads that end where they are told to. */
function told(bytes: Buffer, reads: readonly number[]): string {
  const scene = sessionScene(
    {
      begins: (stream) => {
        stream.respond(OK, false);
        stream.write(Buffer.alloc(3000, 'x'), 0, 3000, true);
      },
    },
    [],
  );
  let at = 0;
  for (const end of [...reads, bytes.length]) {
    scene.give(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  const frames = scene.said();
  const bodies = new Map<number, number>();
  const others: string[] = [];
  for (const { type, flags, id, payload } of frames) {
    if (type === TYPE.data) bodies.set(id, (bodies.get(id) ?? 0) + payload.length);
    else others.push(`${type} ${flags} ${id} ${payload.toString('hex')}`);
  }
  const took = scene.begun.map(({ stream, fields, owner }) => {
    let kept = '';
    for (let one = stream.read(); one !== null; one = stream.read()) kept += one.toString('latin1');
    return [stream.id, fields, Buffer.concat(owner.bytes).toString('latin1') + kept, stream.trailers];
  });
  return JSON.stringify([scene.failed, others.sort(), [...bodies], took]);
}

describe('a session', () => {
  const bytes = Buffer.concat(STORY.slice(0, -1));

  it('is the same wherever its reads end', () => {
    // The one difference that a cut may make: what is begun with a body that is here already, or sent before it is reset.
    const whole = told(
      bytes,
      STORY.slice(0, -1).map((_, n) => Buffer.concat(STORY.slice(0, n + 1)).length),
    );
    for (let cut = 1; cut < bytes.length; cut++) {
      const ends = STORY.slice(0, -1).map((_, n) => Buffer.concat(STORY.slice(0, n + 1)).length);
      assert.equal(
        told(
          bytes,
          [...ends, cut].sort((a, b) => a - b),
        ),
        whole,
        `cut at ${cut}`,
      );
    }
    assert.equal(
      told(
        bytes,
        Array.from(bytes, (_, n) => n + 1),
      ),
      whole,
      'byte by byte',
    );
  });

  it('never throws, says legal frames only, and holds no more than it may, whatever it is given', () => {
    const random = new Random(SEED);
    const draw = (below: number): number => random.nextUint32() % below;
    for (let run = 0; run < RUNS; run++) {
      const frames = STORY.slice(2).map((one) => Buffer.from(one));
      for (let n = draw(4); n >= 0; n--) mutateFrames(frames, draw);
      const scene = sessionScene({ limits: { streamsMax: 5 } });
      for (let n = 0; n < frames.length && scene.failed.length === 0; n++) {
        const one = frames[n] as Buffer;
        const cut = draw(one.length + 1);
        scene.give(Buffer.from(one.subarray(0, cut)));
        scene.give(Buffer.from(one.subarray(cut)));
        act(scene, draw);
      }
      const where = `seed ${SEED}, run ${run}`;
      assert.ok(scene.session.streamCount <= 5, where);
      for (const { stream } of scene.begun) assert.ok(stream.keptBytes <= 65_535, where);
      checkLegal(scene, where);
      scene.session.destroy('over');
      for (const { owner } of scene.begun) {
        assert.equal(owner.told.filter((one) => one.startsWith('closed')).length, 1, `each is closed once: ${where}`);
      }
    }
  });
});

/** Something of what owners do. */
function act({ begun }: Scene, draw: (below: number) => number): void {
  const one = begun[draw(begun.length + 1)];
  if (one === undefined) return;
  const { stream, owner } = one;
  const size = draw(40_000);
  switch (draw(8)) {
    case 0:
      owner.takesNow = !owner.takesNow;
      break;
    case 1:
      stream.read();
      break;
    case 2:
      stream.write(Buffer.alloc(size), 0, size, draw(2) === 0);
      break;
    case 3:
      stream.end(draw(2) === 0 ? null : ['x', 'y']);
      break;
    case 4:
      stream.waive();
      break;
    case 5:
      if (draw(3) === 0) stream.cut();
      break;
    case 6:
      stream.discard();
      break;
    default:
      if (draw(3) === 0) stream.refuse();
  }
}

/** Nothing is said on a stream that was ended or reset, or behind the last GOAWAY; no more DATA than was allowed. */
function checkLegal(scene: Scene, where: string): void {
  const over = new Set<number>();
  let isGone = false;
  let sent = 0;
  for (const { type, flags, id, payload } of scene.said()) {
    assert.ok(!isGone, `something behind GOAWAY: ${where}`);
    assert.ok(payload.length <= 16_384, where);
    if (type === TYPE.goaway) isGone = payload.readUInt32BE(4) !== 0;
    if (type === TYPE.data || type === TYPE.headers)
      assert.ok(!over.has(id), `${type} on ${id}, which is over: ${where}`);
    if (type === TYPE.data) sent += payload.length;
    if (type === TYPE.reset || ((type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0))
      over.add(id);
  }
  assert.ok(sent <= 2 ** 31, where);
}
