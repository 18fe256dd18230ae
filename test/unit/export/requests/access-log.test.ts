import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { AccessLogWriter, accessLine } from '#src/export/requests/access-log.ts';
import { Random } from '#src/lib/random.ts';
import type { LineSink } from '#src/lib/sink.ts';
import { REASON } from '#src/model/reason.ts';
import type { AccessBatch, AccessRecord } from '#src/model/threads/requests/access.ts';
import { samples } from '../../../support/runner/depth.ts';

const PAGE = readFileSync(new URL('../../../../docs/ACCESS-LOG.md', import.meta.url), 'utf8');
const SEED = 20_261_121;

const RECORD: AccessRecord = [
  ...([1000.25, 12.34567, 3.00049, 'r1', 'ab'.repeat(16), '192.0.2.1', 'GET', 'shop', '/cart', 200] as const),
  ...([REASON.none, 'shop', 'v1', 'v2', '10.0.0.1:80', 1, 0, 312, 'curl/8', 0.01, 'stale', 'HTTP/2', 'kept'] as const),
  [['checkout', 'one-page']],
];
const REFUSED: AccessRecord = [
  ...([1000, 0, null, null, null, '192.0.2.1', null, null, null, 0, REASON.clientClosed] as const),
  ...([null, null, null, null, 0, null, null, null, 1, null, null, null, null] as const),
];

function batchOf(records: readonly AccessRecord[], queueFull = 0, failureRate = 0): AccessBatch {
  return { records, queueFull, failureRate };
}

/** A sink that loses everything while `isFull`. */
function sinkOf(): LineSink & { lines: string[]; writes: number; isFull: boolean } {
  const sink = {
    lines: [] as string[],
    writes: 0,
    isFull: false,
    lost: 0,
    write: (line: string) => sink.writeAll([line]),
    writeAll: (lines: readonly string[]) => {
      sink.writes++;
      if (sink.isFull) sink.lost += lines.length;
      else sink.lines.push(...lines);
    },
    losses: () => ({ errors: sink.lost, lines: sink.lost, lastCode: sink.lost > 0 ? 'ENOSPC' : '' }),
    flush: () => Promise.resolve(),
  };
  return sink;
}

function writerOf() {
  const warnings: [string, unknown][] = [];
  const sink = sinkOf();
  const log = { warn: (event: string, fields: unknown) => void warnings.push([event, fields]) };
  return { writer: new AccessLogWriter({ log, sink, offsetMs: () => 500 }), sink, warnings };
}

suite('a line of the access log', () => {
  test('has the fields of the page, of the types of the page, in its order', () => {
    const rows = [...PAGE.matchAll(/^\| `(\w+)` \| ([a-z ]+) \|/gm)].map(([, name, type]) => [name, type] as const);
    const [full, bare] = [RECORD, REFUSED].map(
      (record) => JSON.parse(accessLine(record, 0)) as Record<string, unknown>,
    ) as [Record<string, unknown>, Record<string, unknown>];
    assert.deepEqual(
      Object.keys(full),
      rows.map(([name]) => name),
    );
    assert.deepEqual(Object.keys(bare), Object.keys(full));
    for (const [name, type] of rows) {
      const key = name as string;
      const base = (type as string).replace(' or null', '');
      assert.equal(typeof full[key], base === 'integer' ? 'number' : base, key);
      if (base === 'integer') assert.ok(Number.isInteger(full[key]), key);
      if (!(type as string).endsWith('or null')) assert.notEqual(bare[key], null, key);
    }
  });

  test('tells wall time, rounds to microseconds and names the reason', () => {
    assert.deepEqual(JSON.parse(accessLine(RECORD, 1_700_000_000_000)), {
      event: 'request',
      time: '2023-11-14T22:13:21.000Z',
      requestId: 'r1',
      traceId: 'ab'.repeat(16),
      client: '192.0.2.1',
      method: 'GET',
      host: 'shop',
      path: '/cart',
      status: 200,
      reason: 'none',
      route: 'shop',
      version: 'v1',
      rescuedFrom: 'v2',
      endpoint: '10.0.0.1:80',
      attempts: 1,
      requestBytes: 0,
      responseBytes: 312,
      durationMs: 12.346,
      ttfbMs: 3,
      userAgent: 'curl/8',
      sampleRatio: 0.01,
      fallback: 'stale',
      protocol: 'HTTP/2',
      idempotency: 'kept',
      experiments: { checkout: 'one-page' },
    });
    assert.equal((JSON.parse(accessLine(REFUSED, 0)) as { status: null }).status, null);
  });

  test(`is one line of printable JSON whatever clients send, and reads back as it was (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const nasty = ['\r\n', '\x1b[2J', '\x9b31m', '\x7f', '\0', '"', '\\', '\u2028', '\ud800', '\ud83d\ude00', '…'];
    const piece = (): string =>
      random.nextFloat() < 0.5
        ? (nasty[random.nextUint32() % nasty.length] as string)
        : String.fromCharCode(random.nextUint32() & 0xffff);
    const text = (): string => Array.from({ length: random.nextUint32() % 12 }, piece).join('');
    for (let n = 0; n < samples(5000, 1000); n++) {
      const texts = [text(), text(), text(), text()] as const;
      const record = RECORD.with(1, random.nextFloat() * 1e9)
        .with(6, texts[0])
        .with(7, texts[1]);
      const line = accessLine(record.with(8, texts[2]).with(18, texts[3]) as unknown as AccessRecord, 0);
      assert.match(line, /^[\x20-\x7e]+\n$/);
      const { method, host, path, userAgent } = JSON.parse(line) as Record<string, unknown>;
      assert.deepEqual([method, host, path, userAgent], texts);
    }
  });
});

suite('the writer of the access log', () => {
  test('writes a line per record, timed by the offset of the clocks, those of a batch together', () => {
    const { writer, sink, warnings } = writerOf();
    writer.take(batchOf([RECORD, REFUSED]));
    assert.equal(sink.writes, 1);
    assert.deepEqual(sink.lines, [accessLine(RECORD, 500), accessLine(REFUSED, 500)]);
    assert.deepEqual([writer.losses(), warnings], [{ queueFull: 0, failureRate: 0, stream: 0 }, []]);
  });

  test('keeps requests that missed objectives, also of a batch without lines', () => {
    const { writer, sink } = writerOf();
    const row = ['shop', 'r1', 'v1', 1000, 12.34567, 502, REASON.connectRefused, false] as const;
    writer.take({ ...batchOf([]), samples: [row] });
    const told = { status: 502, reason: 'connect_refused', latencyMs: 12.346, at: '1970-01-01T00:00:01.500Z' };
    assert.deepEqual(writer.samples.list(), [
      { route: 'shop', bad: [{ requestId: 'r1', version: 'v1', ...told }], slow: [] },
    ]);
    assert.deepEqual(sink.lines, []);
  });

  test('says losses once, then at most every 10 s, with the sum since', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { writer, sink, warnings } = writerOf();
    writer.take(batchOf([], 2, 3));
    writer.take(batchOf([], 10));
    sink.isFull = true;
    writer.take(batchOf([RECORD]));
    assert.deepEqual(warnings, [
      ['access_log_dropped', { lines: 5, total: { queueFull: 2, failureRate: 3, stream: 0 }, streamError: '' }],
    ]);
    t.mock.timers.tick(10_000);
    const total = { queueFull: 12, failureRate: 3, stream: 1 };
    assert.deepEqual(warnings[1], ['access_log_dropped', { lines: 11, total, streamError: 'ENOSPC' }]);
    t.mock.timers.tick(60_000);
    assert.equal(warnings.length, 2);
    assert.deepEqual(writer.losses(), total);
  });

  test('says at the end what it has not said yet', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { writer, warnings } = writerOf();
    writer.take(batchOf([], 1));
    writer.take(batchOf([], 1));
    await writer.flush(1);
    await writer.flush(1);
    assert.deepEqual(
      warnings.map(([, fields]) => (fields as { lines: number }).lines),
      [1, 1],
    );
  });

  test('opens nothing before there is something to write', async () => {
    const writer = new AccessLogWriter({ log: { warn: () => undefined } });
    const listeners = process.listenerCount('exit');
    writer.take(batchOf([]));
    await writer.flush(1);
    assert.equal(process.listenerCount('exit'), listeners);
  });
});
