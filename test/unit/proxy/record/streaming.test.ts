/** Answers that are streams: what counts as their latency, how quiet they may be, and when they end at the latest. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginTurn, turnMs } from '#src/lib/clock.ts';
import { bucketIndex } from '#src/lib/histogram.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, STREAM_BOUNDS_MS } from '#src/model/tallies.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import { isFirst, streamingOf, tookBody, waitedMs } from '#src/proxy/record/streaming.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import { frame, headers, oneHttp2, perRequest, rawHttp2Of, TYPE } from '../../../support/http/h2-endpoint.ts';
import {
  headers as askedBy,
  data,
  END_HEADERS,
  END_STREAM,
  isAnswered,
  rawHttp2,
  request,
} from '../../../support/http/http2.ts';
import { readCell } from '../../../support/plane.ts';
import { bench } from '../../../support/proxy/parts.ts';
import {
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  oneVersion,
  perHead,
  planeOf,
  reasonCount,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { begun, ROUTE, STABLE, sketch, word } from '../../../support/readings/recorded.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const EVENTS =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n';
const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const PLAIN_UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n';
const EVENT = '6\r\ndata:1\r\n';
const CALLED = { ':status': '200', 'content-type': 'application/grpc' };
const HOUR_MS = 3_600_000;
const MIB = 1_048_576;

describe('the latency of a stream', () => {
  it('is the time to the first of it, for the indicators of its route and its version', () => {
    const on = bench(sketch(100));
    const x = begun(on);
    retryingOf(x).streaming = { firstAtMs: x.startedAtMs + 20, endsAtMs: Number.POSITIVE_INFINITY };
    on.lane.recorder.end(Object.assign(x, { status: 200, endedAtMs: x.startedAtMs + HOUR_MS }));
    for (const cell of [ROUTE, STABLE]) {
      assert.equal(word(on, cell, CELL.histogram + bucketIndex(20)), 1);
      assert.equal(word(on, cell, CELL.slow), 0);
    }
    assert.deepEqual(
      Array.from({ length: 7 }, (_, n) => word(on, STABLE, CELL.streams + n)),
      [0, 0, 0, 0, 0, 1, 0],
    );
    assert.equal(on.tallies.cellFloats[(STABLE * CELL_WORDS + CELL.streamMs) / 2], HOUR_MS);
  });

  it('is the time to its end if nothing came of it, and that of other answers always', () => {
    const times = { startedAtMs: 1000, endedAtMs: 1500 };
    const nothing = { ...times, retrying: { streaming: { firstAtMs: 0, endsAtMs: 0 } } };
    assert.equal(waitedMs(nothing as never), 500);
    assert.equal(waitedMs({ ...times, retrying: null } as never), 500);
  });

  it('is known with the first of it, and not told again', () => {
    beginTurn();
    const x = begun(bench(sketch()));
    assert.equal(isFirst(x), false, 'no stream');
    retryingOf(x).streaming = { firstAtMs: 0, endsAtMs: Number.POSITIVE_INFINITY };
    assert.deepEqual([isFirst(x), isFirst(x)], [true, false]);
    assert.ok((streamingOf(x)?.firstAtMs ?? 0) > 0);
  });
});

describe('the first of a stream', () => {
  for (const [status, good] of [
    [200, 1],
    [503, 0],
  ] as const) {
    it(`is a trial of its version’s latency${good === 1 ? '' : ', but not of an error'}: ${status}`, () => {
      beginTurn();
      const on = bench(sketch());
      const atEndMs = [1, 2, 3, 4, 5, 6].map((n) => n * HOUR_MS);
      setLatency(on.latencyDials, 0, { sinceMs: 0, atEndMs, inFlightMs: atEndMs });
      const x = begun(on, { startedAtMs: turnMs() });
      retryingOf(x).streaming = { firstAtMs: 0, endsAtMs: Number.POSITIVE_INFINITY };
      x.status = status;
      on.lane.recorder.streamed(x);
      assert.equal(word(on, STABLE, CELL.levels), good);
      on.lane.recorder.end(Object.assign(x, { endedAtMs: x.startedAtMs + 10 * HOUR_MS }));
      assert.equal(word(on, STABLE, CELL.levels), good, 'once');
      assert.equal(word(on, STABLE, CELL.thresholds), 0, 'its end is none');
    });
  }
});

describe('a client that leaves a stream', () => {
  for (const [when, firstAfterMs, endsAfterMs, status, counts] of [
    ['after the first of it was answered', 20, Number.POSITIVE_INFINITY, 200, [1, 0, 0]],
    ['that began as an error got that error', 20, Number.POSITIVE_INFINITY, 500, [1, 1, 0]],
    ['before anything came says nothing', 0, Number.POSITIVE_INFINITY, 200, [0, 0, 1]],
    ['at the deadline of its call says nothing', 20, HOUR_MS, 200, [0, 0, 1]],
  ] as const) {
    it(when, () => {
      const on = bench(sketch(100));
      const x = begun(on);
      const firstAtMs = firstAfterMs === 0 ? 0 : x.startedAtMs + firstAfterMs;
      retryingOf(x).streaming = { firstAtMs, endsAtMs: x.startedAtMs + endsAfterMs };
      const ended = { status, reason: REASON.clientClosed, endedAtMs: x.startedAtMs + HOUR_MS };
      on.lane.recorder.end(Object.assign(x, ended));
      for (const cell of [ROUTE, STABLE]) {
        const words = [CELL.finished, CELL.bad, CELL.ignored].map((which) => word(on, cell, which));
        assert.deepEqual(words, counts);
        assert.equal(word(on, cell, CELL.histogram + bucketIndex(20)), counts[0]);
        assert.equal(word(on, cell, CELL.reasons + REASON.clientClosed), 1, 'why it ended is told all the same');
      }
    });
  }

  it('of events has been served', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => void socket.write(EVENTS + EVENT)),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(GET);
    await client.until((text) => text.endsWith(EVENT));
    client.socket.destroy();
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.clientClosed) === 1, 'it is recorded');
    const { finished, bad } = readCell(plane, FIRST_CELL);
    assert.deepEqual([finished, bad], [1, 0]);
  });
});

describe('an event stream', () => {
  it('may be quiet when other answers would be cut', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => void socket.write((path === '/plain' ? PLAIN : EVENTS) + EVENT)),
    );
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { bodyIdleMs: 100 } });
    const stream = clientOf(t, plane);
    stream.send(GET);
    await stream.until((text) => text.endsWith(EVENT));
    const plain = clientOf(t, plane);
    plain.send(getOf('/plain'));
    await plain.closed();
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated) === 1, 'which came later');
    upstream.sockets[0]?.write(EVENT);
    await stream.until((text) => text.endsWith(EVENT + EVENT));
  });

  for (const [how, ends, isRegular] of [
    ['regularly', 'end', true],
    ['with a reset of its endpoint', 'resetAndDestroy', false],
  ] as const) {
    it(`without chunks is one until its connection ends, ${how}`, async (t) => {
      const upstream = await upstreamOf(
        t,
        perHead(
          (socket, path) => void socket.write(`${path === '/plain' ? PLAIN_UNTIL_CLOSE : UNTIL_CLOSE}data:1\n\n`),
        ),
      );
      const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { bodyIdleMs: 100 } });
      const client = clientOf(t, plane);
      client.send(GET);
      await client.until((text) => text.includes('data:1'));
      const plain = clientOf(t, plane);
      plain.send(getOf('/plain'));
      await plain.closed();
      await eventually(() => reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated) === 1, 'which came later');
      upstream.sockets[0]?.[ends]();
      await eventually(() => readCell(plane, FIRST_CELL).finished === 2, 'it is recorded');
      assert.equal(readCell(plane, FIRST_CELL).bad, isRegular ? 1 : 2);
      const base = FIRST_CELL * CELL_WORDS;
      const { cells, cellFloats } = plane.tallies;
      const streams = cells.subarray(base + CELL.streams, base + CELL.streams + STREAM_BOUNDS_MS.length + 1);
      assert.equal(
        streams.reduce((sum, count) => sum + count),
        1,
        'however long it lasted',
      );
      const lastedMs = cellFloats[(base + CELL.streamMs) / 2] as number;
      const waitedMs = (cellFloats[(base + CELL.secondsSum) / 2] as number) * 1000;
      // All that the two waited for is less than the stream lasted beside the other: its own first came at once.
      assert.ok(lastedMs >= 100 && waitedMs < 2 * lastedMs, `${waitedMs} ms to the first of ${lastedMs}`);
    });
  }

  it('is cut when nothing of it comes for too long', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => void socket.write(EVENTS + EVENT)),
    );
    const timeouts = { bodyIdleMs: HOUR_MS, streamIdleMs: 50 };
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts });
    const client = clientOf(t, plane);
    client.send(GET);
    await client.closed();
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1);
  });

  it('is cut as other answers are when its client does not take it', async (t) => {
    // More than sockets hold.
    const events = `${(16 * MIB).toString(16)}\r\n${'x'.repeat(16 * MIB)}\r\n`;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => void socket.write(EVENTS + events)),
    );
    const timeouts = { bodyIdleMs: 100, streamIdleMs: HOUR_MS };
    const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts });
    const client = clientOf(t, plane);
    client.socket.pause();
    client.send(GET);
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.clientClosed) === 1, 'it is given up');
    await eventually(() => upstream.sockets[0]?.destroyed === true, 'so is its endpoint’s connection');
  });
});

describe('a call of gRPC', () => {
  it('may be quiet in both directions before and after its answer has begun', async (t) => {
    const answers: (() => void)[] = [];
    const endpoint = await rawHttp2Of(t, {
      on: (socket, { type, id }) => {
        if (type !== TYPE.headers) return;
        answers.push(() => {
          const message = frame(TYPE.data, 0, id, '\0\0\0\0\0');
          socket.write(Buffer.concat([headers(id, CALLED), message, headers(id, { 'grpc-status': '0' }, END_STREAM)]));
        });
      },
    });
    const timeouts = { bodyIdleMs: 50 };
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), http2: true, timeouts });
    const client = rawHttp2(t, plane.port);
    const fields = [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ] as const;
    client.send(askedBy(1, request('POST', '/shop.Orders/Talk', fields), END_HEADERS));
    await eventually(() => answers.length === 1, 'it came to the endpoint');
    client.send(askedBy(3, request('POST', '/plain'), END_HEADERS));
    // The other one, which is no call, has stalled for too long by then.
    await client.until((frames) => isAnswered(frames, 3));
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.bodyTimeout), 1);
    client.send(data(1, '\0\0\0\0\0'));
    answers[0]?.();
    await client.until((frames) => isAnswered(frames, 1));
    await eventually(() => readCell(plane, FIRST_CELL).finished === 1, 'it is recorded');
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });

  it('is a request as any other to an endpoint that does not speak HTTP/2', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true, timeouts: { bodyIdleMs: 50 } });
    const client = rawHttp2(t, plane.port);
    const fields = [['content-type', 'application/grpc']] as const;
    client.send(askedBy(1, request('POST', '/shop.Orders/Talk', fields), END_HEADERS));
    await client.until((frames) => isAnswered(frames, 1));
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.bodyTimeout), 1);
  });

  it('ends at its deadline although its answer goes on, and nobody is blamed', WAITS, async (t) => {
    turningClock(t);
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) => Buffer.concat([headers(id, CALLED), frame(TYPE.data, 0, id, '\0\0\0\0\0')])),
    );
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), http2: true });
    const client = rawHttp2(t, plane.port);
    const fields = [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['grpc-timeout', '1500m'],
    ] as const;
    client.send(askedBy(1, request('POST', '/shop.Orders/Watch', fields), END_HEADERS), data(1, '\0\0\0\0\0'));
    await client.until((frames) => frames.some(({ type, id }) => type === TYPE.data && id === 1));
    await client.until((frames) => frames.some(({ type, id }) => type === TYPE.reset && id === 1));
    await eventually(() => reasonCount(plane, FIRST_CELL, REASON.clientClosed) === 1, 'it is recorded');
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });
});

describe('a request body of which more is owed', () => {
  interface Scene {
    /** What of the time was left. */
    readonly leftMs?: number;
    readonly bodyRateMin?: number;
    readonly responseStarted?: boolean;
    readonly streaming?: { readonly endsAtMs: number } | null;
  }

  /** How long there is for the next of it, in ms. */
  function leftAfter(count: number, { leftMs = 1000, bodyRateMin = 100, ...rest }: Scene): number {
    beginTurn();
    const nowMs = turnMs();
    const client = { deadlineAtMs: nowMs + leftMs, out: { isBackedUp: false } };
    const table = { limits: { bodyRateMin }, timeouts: { bodyIdleMs: 30_000, streamIdleMs: HOUR_MS } };
    const { responseStarted = false, streaming = null } = rest;
    const retrying = streaming === null ? null : { streaming };
    const x = { client, table, responseStarted, retrying, deadlineAtMs: Number.POSITIVE_INFINITY };
    tookBody(x as never, count);
    return Math.round(client.deadlineAtMs - nowMs);
  }

  it('has as much longer as what came may take at the least rate, and never more than a quiet one', () => {
    assert.equal(leftAfter(0, {}), 1000);
    assert.equal(leftAfter(1, {}), 1010);
    assert.equal(leftAfter(100, {}), 2000);
    assert.equal(leftAfter(2899, {}), 29_990);
    assert.equal(leftAfter(MIB, {}), 30_000);
  });

  it('begins its time anew with each byte without a rate, once its answer has begun, and if it is a call', () => {
    assert.equal(leftAfter(1, { bodyRateMin: 0 }), 30_000);
    assert.equal(leftAfter(0, { bodyRateMin: 0 }), 30_000);
    assert.equal(leftAfter(1, { responseStarted: true }), 30_000);
    assert.equal(leftAfter(1, { streaming: { endsAtMs: Number.POSITIVE_INFINITY } }), HOUR_MS);
  });
});
