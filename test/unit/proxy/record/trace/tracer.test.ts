/** Which requests are traced, what their endpoints are told of it, and that what waits is bounded. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { SamplingConfig, TraceBatch, TraceRow } from '#src/model/threads/requests/tracing.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { BATCH_ROWS, BATCHES_MAX, FAILURES_PER_SECOND, ROWS_MAX, Tracer } from '#src/proxy/record/trace/tracer.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead, requestText } from '../../../../support/proxy/parts.ts';
import { ALL, traceparentIn } from '../../../../support/readings/traces/traced.ts';

const SEED = 20_261_122;
const DIGITS = '0123456789abcdef0123456789abcdef0123456789abcdef';
const FRESH = freshLines(DIGITS);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const NONE: SamplingConfig = { ...ALL, sampleRatio: 0 };

interface Asked {
  readonly x: Exchange;
  readonly tracer: Tracer;
  readonly text: string;
  readonly rows: () => readonly TraceRow[];
}

/** A request with these lines, and the head that goes on. */
function asked(sampling: Partial<SamplingConfig>, lines: readonly string[] = [], isTrusted = false): Asked {
  const on = bench();
  const tracer = new Tracer(SEED);
  const batches: TraceBatch[] = [];
  tracer.configure({ ...NONE, ...sampling });
  tracer.connect((batch) => batches.push(batch));
  on.lane.tracer = tracer;
  const head = readHead(on.table, get('/a', lines.map((line) => `${line}\r\n`).join(''), 'shop.example'));
  const x = exchangeOn(on);
  const peer = new PeerLines(peerOf(isTrusted));
  Object.assign(x, { client: { lane: on.lane, lines: peer } });
  x.take(head);
  const text = requestText(x, head, peer, FRESH);
  x.requestText = text;
  return {
    x,
    tracer,
    text,
    rows: () => {
      tracer.close();
      return batches.flatMap(({ rows }) => rows);
    },
  };
}

function ended({ x, tracer, rows }: Asked, status: number, reason: number = REASON.none): readonly TraceRow[] {
  Object.assign(x, { status, reason, endedAtMs: 5 });
  tracer.end(x);
  return rows();
}

/** The lines of a context in a head. */
function context(text: string): string[] {
  return text.split('\r\n').filter((line) => /^(?:traceparent|tracestate|b3|x-b3-[a-z]+):/i.test(line));
}

describe('a request without a context', () => {
  it('that is not drawn gets the fresh one, and is handed over if it fails', () => {
    const one = asked({});
    assert.deepEqual(context(one.text), [`traceparent: 00-${DIGITS.slice(0, 32)}-${DIGITS.slice(32)}-00`]);
    const [row] = ended(one, 500);
    const [traceId, , parentId, keptBy] = row!;
    assert.deepEqual([traceId, parentId, keptBy], [DIGITS.slice(0, 32), null, 'failure']);
  });

  it('that is not drawn and goes well is not handed over, nor one whose client left', () => {
    assert.deepEqual(ended(asked({}), 200), []);
    assert.deepEqual(ended(asked({}), 404), []);
    assert.deepEqual(ended(asked({}), 0, REASON.clientClosed), []);
  });

  it('that is drawn is told as sampled, with its request id', () => {
    const one = asked({ sampleRatio: 1 });
    assert.equal(traceparentIn(one.text)?.flags, '01');
    assert.match(one.text, new RegExp(`\r\nX-Request-Id: ${DIGITS.slice(0, 32)}\r\n`));
    assert.equal(ended(one, 200)[0]![3], 'ratio');
  });

  it('but with a request id keeps that', () => {
    for (const sampleRatio of [0, 1]) {
      const { text } = asked({ sampleRatio }, ['X-Request-Id: mine']);
      assert.match(text, /\r\nX-Request-Id: mine\r\n/);
      assert.equal(traceparentIn(text)?.flags, `0${sampleRatio}`);
    }
  });

  it('tells it in the other forms that are configured', () => {
    for (const sampleRatio of [0, 1]) {
      const { text } = asked({ sampleRatio, propagators: ['tracecontext', 'b3', 'b3multi'] });
      const ids = `${DIGITS.slice(0, 32)}-${DIGITS.slice(32)}`;
      assert.deepEqual(context(text), [
        `traceparent: 00-${ids}-0${sampleRatio}`,
        `b3: ${ids}-${sampleRatio}`,
        `X-B3-TraceId: ${DIGITS.slice(0, 32)}`,
        `X-B3-SpanId: ${DIGITS.slice(32)}`,
        `X-B3-Sampled: ${sampleRatio}`,
      ]);
    }
  });
});

describe('a request with a context', () => {
  const SAMPLED = `traceparent: 00-${TRACE}-${SPAN}-01`;
  const UNSAMPLED = `traceparent: 00-${TRACE}-${SPAN}-00`;

  it('that is sampled goes on with the gateway’s own span, and its tracestate', () => {
    const one = asked({}, [SAMPLED, 'tracestate: a=1']);
    const told = traceparentIn(one.text)!;
    assert.deepEqual([told.traceId, told.flags], [TRACE, '01']);
    assert.notEqual(told.spanId, SPAN);
    assert.equal(context(one.text)[0], 'tracestate: a=1');
    const [traceId, spanId, parentId, keptBy] = ended(one, 200)[0]!;
    assert.deepEqual([traceId, parentId, keptBy], [TRACE, SPAN, 'parent']);
    assert.ok(spanId !== SPAN && spanId !== told.spanId);
  });

  it('that is not sampled goes on as it came, and has its sender as parent if it fails', () => {
    const lines = [UNSAMPLED, 'tracestate: a=1'];
    const one = asked({ sampleRatio: 1 }, lines);
    assert.deepEqual(context(one.text), lines);
    const [row] = ended(one, 502, REASON.connectRefused);
    assert.deepEqual([row![0], row![2], row![3]], [TRACE, SPAN, 'failure']);
  });

  it('says a random trace id on', () => {
    assert.equal(traceparentIn(asked({}, [`traceparent: 00-${TRACE}-${SPAN}-03`]).text)?.flags, '03');
  });

  it('is begun anew when it is malformed, without its tracestate', () => {
    for (const line of ['traceparent: 00-xyz-1-01', `traceparent: 00-${'0'.repeat(32)}-${SPAN}-01`]) {
      for (const sampleRatio of [0, 1]) {
        const one = asked({ sampleRatio }, [line, 'tracestate: a=1']);
        assert.equal(context(one.text).length, 1);
        assert.equal(traceparentIn(one.text)?.traceId, DIGITS.slice(0, 32));
        assert.equal(ended(one, 500)[0]![2], null);
      }
    }
  });

  it('is believed about sampling from whom the configuration says', () => {
    const flagOf = (parent: SamplingConfig['parent'], isTrusted: boolean, sampleRatio = 0, line = SAMPLED) =>
      traceparentIn(asked({ parent, sampleRatio }, [line], isTrusted).text)?.flags;
    assert.equal(flagOf('trustedProxies', true), '01');
    assert.equal(flagOf('trustedProxies', false), '00');
    assert.equal(flagOf('nobody', true), '00');
    assert.equal(flagOf('anyone', false), '01');
    assert.equal(flagOf('trustedProxies', false, 1, UNSAMPLED), '01');
    assert.equal(flagOf('trustedProxies', true, 1, UNSAMPLED), '00');
  });

  it('whose flag is not followed keeps its sender as parent', () => {
    const one = asked({ parent: 'nobody' }, [SAMPLED]);
    assert.deepEqual(context(one.text), [UNSAMPLED]);
    assert.equal(ended(one, 500)[0]![2], SPAN);
  });
});

describe('B3', () => {
  it('in one field is told in one field, beside W3C’s', () => {
    const { text } = asked({}, [`b3: ${TRACE}-${SPAN}-1`]);
    const told = traceparentIn(text)!;
    assert.deepEqual(context(text), [`traceparent: 00-${TRACE}-${told.spanId}-01`, `b3: ${TRACE}-${told.spanId}-1`]);
    assert.notEqual(told.spanId, SPAN);
  });

  it('in several fields is told in several', () => {
    const { text } = asked({}, [
      `X-B3-TraceId: ${TRACE}`,
      `X-B3-SpanId: ${SPAN}`,
      `X-B3-ParentSpanId: ${SPAN}`,
      'X-B3-Sampled: 1',
    ]);
    const { spanId } = traceparentIn(text)!;
    assert.deepEqual(context(text), [
      `traceparent: 00-${TRACE}-${spanId}-01`,
      `X-B3-TraceId: ${TRACE}`,
      `X-B3-SpanId: ${spanId}`,
      'X-B3-Sampled: 1',
    ]);
  });

  it('that only decides is followed, and one that leaves it open is drawn', () => {
    assert.equal(traceparentIn(asked({}, ['b3: 1']).text)?.flags, '01');
    assert.equal(traceparentIn(asked({ sampleRatio: 1 }, ['b3: 0']).text)?.flags, '00');
    const open = `b3: ${TRACE}-${SPAN}`;
    assert.equal(traceparentIn(asked({ sampleRatio: 1 }, [open]).text)?.flags, '01');
    assert.deepEqual(context(asked({}, [open]).text), [open, `traceparent: 00-${TRACE}-${SPAN}-00`]);
  });

  it('goes behind a valid traceparent', () => {
    const other = `${'a'.repeat(32)}-${'b'.repeat(16)}`;
    const { text } = asked({}, [`traceparent: 00-${TRACE}-${SPAN}-01`, `b3: ${other}-0`]);
    const { traceId, spanId } = traceparentIn(text)!;
    assert.equal(traceId, TRACE);
    assert.ok(context(text).includes(`b3: ${TRACE}-${spanId}-1`));
  });
});

describe('what is handed over', () => {
  const failing = (one: Asked, count: number, atMs: number): void => {
    const on = bench();
    for (let n = 0; n < count; n++) {
      const x = exchangeOn(on);
      Object.assign(x, { client: one.x.client, requestText: one.text, status: 500, endedAtMs: atMs });
      one.tracer.end(x);
    }
  };

  it('is so many failures a second and no more, and the rest is counted', () => {
    const one = asked({});
    const counts: number[] = [];
    one.tracer.connect(({ rows, failureRate }) => counts.push(rows.length, failureRate));
    failing(one, FAILURES_PER_SECOND + 7, 1000);
    one.tracer.close();
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      FAILURES_PER_SECOND + 7,
    );
    assert.equal(counts.at(-1), 7);
  });

  it('waits while the exporting thread is behind, up to a limit', () => {
    const one = asked({});
    const batches: TraceBatch[] = [];
    one.tracer.connect((batch) => batches.push(batch));
    const seconds = Math.ceil((ROWS_MAX + BATCHES_MAX * BATCH_ROWS) / FAILURES_PER_SECOND) + 1;
    for (let second = 1; second <= seconds; second++) failing(one, FAILURES_PER_SECOND, second * 1000);
    assert.equal(batches.length, BATCHES_MAX);
    one.tracer.flush();
    assert.equal(batches.length, BATCHES_MAX);
    one.tracer.taken();
    one.tracer.flush();
    const last = batches.at(-1)!;
    assert.equal(last.rows.length, ROWS_MAX);
    const handed = batches.reduce((sum, { rows, queueFull }) => sum + rows.length + queueFull, 0);
    assert.equal(handed, seconds * FAILURES_PER_SECOND);
    assert.ok(last.queueFull > 0);
  });

  it('is no more at a time when who has gone says late what it took', () => {
    const one = asked({});
    let second = 0;
    const handOver = (count: number): void => {
      for (let n = 0; n < count; n++) failing(one, BATCH_ROWS, ++second * 1000);
    };
    one.tracer.connect(() => undefined);
    handOver(BATCHES_MAX);
    const batches: TraceBatch[] = [];
    one.tracer.connect((batch) => batches.push(batch));
    for (let n = 0; n < BATCHES_MAX; n++) one.tracer.taken();
    handOver(2 * BATCHES_MAX);
    assert.equal(batches.length, BATCHES_MAX);
  });

  it('waits for somebody to take it', () => {
    const one = asked({});
    const tracer = new Tracer(SEED);
    tracer.configure(NONE);
    failing({ ...one, tracer }, 1, 1000);
    tracer.flush();
    const batches: TraceBatch[] = [];
    tracer.connect((batch) => batches.push(batch));
    tracer.flush();
    assert.equal(batches.length, 1);
  });
});

it('a request that is neither sampled nor failed allocates nothing', COUNTED, () => {
  const { x, tracer } = asked({});
  Object.assign(x, { status: 200, endedAtMs: 5 });
  const head = readHead(bench().table, get('/a'));
  const bytes = bytesPerCall(() => {
    if (tracer.begin(x, head, FRESH) !== FRESH) throw new Error('another line');
    tracer.end(x);
  });
  assert.equal(bytes, 0);
});
