/** Which requests the access log writes, what of them, and that everything it holds is bounded. */

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { REASON, type Reason } from '#src/model/reason.ts';
import type { AccessBatch, AccessRecord } from '#src/model/threads/requests/access.ts';
import type { LinkedRoute, LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import type { Fallen } from '#src/proxy/forward/retry/fallback/chain.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import type { ClientConnection } from '#src/proxy/http1/connection.ts';
import {
  AccessLog,
  BATCH_RECORDS,
  BATCHES_MAX,
  FAILURES_PER_SECOND,
  RECORDS_MAX,
  TURNS_PER_BATCH,
} from '#src/proxy/record/access-log.ts';
import { Taps } from '#src/proxy/record/tap.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead, routeOf } from '../../../support/proxy/parts.ts';

const SEED = 20_261_121;

interface Kept {
  readonly log: AccessLog;
  readonly batches: AccessBatch[];
  readonly records: () => AccessRecord[];
}

/** A log whose batches are taken at once, unless `isStuck`. */
function logOf(ratio: number, isStuck = false): Kept {
  const batches: AccessBatch[] = [];
  const log = new AccessLog(SEED, (batch) => {
    batches.push(batch);
    if (!isStuck) log.taken();
  });
  log.configure(ratio);
  return { log, batches, records: () => batches.flatMap(({ records }) => records) };
}

const ON = bench();
const OUT = { bytesSent: 1000 };
const CLIENT = {
  lane: ON.lane,
  lines: { peer: { ...peerOf(), address: '198.51.100.9' } },
  out: OUT,
  body: { received: 12 },
};

/** An exchange that is over. */
function endedWith(status: number, reason: Reason = REASON.none, endedAtMs = 5.5): Exchange {
  const x = exchangeOn(ON, 2.5);
  Object.assign(x, { client: CLIENT as unknown as ClientConnection, method: 'GET', target: '/a/b?token=secret' });
  return Object.assign(x, { status, reason, endedAtMs });
}

function drawnOf(lines: string, target = '/a/b?token=secret', isTrusted = false): { x: Exchange; kept: Kept } {
  const kept = logOf(1);
  const x = endedWith(200);
  x.requestText = `GET ${target} HTTP/1.1\r\ntraceparent: 00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01\r\n\r\n`;
  const head = readHead(ON.table, get(target, lines, 'Shop.Example:8080'));
  assert.equal(kept.log.draw(), true);
  kept.log.keep(x, head, peerOf(isTrusted));
  return { x, kept };
}

function written({ x, kept }: ReturnType<typeof drawnOf>): AccessRecord {
  kept.log.end(x);
  kept.log.flush();
  assert.equal(kept.records().length, 1);
  return kept.records()[0] as AccessRecord;
}

describe('the draw', () => {
  test(`hits each request with the configured probability, independently (seed ${SEED})`, () => {
    for (const ratio of [0.001, 0.01, 0.3, 0.9]) {
      const { log } = logOf(ratio);
      const requests = Math.ceil(2000 / ratio);
      let drawn = 0;
      let pairs = 0;
      let before = false;
      for (let i = 0; i < requests; i++) {
        const isDrawn = log.draw();
        if (isDrawn) drawn++;
        if (isDrawn && before) pairs++;
        before = isDrawn;
      }
      const deviation = Math.sqrt(requests * ratio * (1 - ratio));
      assert.ok(Math.abs(drawn - requests * ratio) < 4.5 * deviation, `${ratio}: ${drawn} of ${requests}`);
      const expected = requests * ratio * ratio;
      assert.ok(Math.abs(pairs - expected) < 6 * Math.sqrt(expected + 1), `${ratio}: ${pairs} pairs, not ${expected}`);
    }
  });

  it('takes all at 1 and none at 0', () => {
    for (const ratio of [0, 1]) {
      const { log } = logOf(ratio);
      for (let i = 0; i < 1000; i++) assert.equal(log.draw(), ratio === 1);
    }
  });

  it('can be turned off and on again', () => {
    const { log } = logOf(1);
    log.configure(0);
    for (let i = 0; i < 100_000; i++) assert.equal(log.draw(), false);
    log.configure(1);
    assert.equal(log.draw(), true);
  });

  it('allocates nothing for a request that is not drawn', COUNTED, () => {
    const { log } = logOf(1e-8);
    const x = endedWith(200);
    assert.equal(
      bytesPerCall(() => {
        if (log.draw()) throw new Error('drawn');
        log.end(x);
      }),
      0,
    );
  });
});

describe('a drawn request', () => {
  it('is written with what its head said, though the next head has overwritten it', () => {
    const over = drawnOf('User-Agent: curl/8\r\nAuthorization: Bearer s3cret\r\nCookie: sid=s3cret\r\n');
    readHead(ON.table, get('/other', 'User-Agent: other\r\n', 'other'));
    OUT.bytesSent = 1300;
    (over.x.drawn as { respondedAtMs: number }).respondedAtMs = 4;
    const record = written(over);
    OUT.bytesSent = 1000;
    const trace = 'ab'.repeat(16);
    assert.deepEqual(record, [
      ...[2.5, 3, 1.5, null, trace, '203.0.113.7', 'GET', 'shop.example', '/a/b', 200, REASON.none],
      ...[null, null, null, null, 0, 12, 300, 'curl/8', 1, null, 'HTTP/1.1', null, null],
    ]);
    assert.ok(!JSON.stringify(record).includes('s3cret'));
  });

  it('has the address that a trusted proxy tells', () => {
    const record = written(drawnOf('X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n', '/', true));
    assert.equal(record[5], '192.0.2.1');
  });

  it('that was a stream tells what counted as its latency, and others do not', () => {
    const over = drawnOf('');
    retryingOf(over.x).streaming = { firstAtMs: 4, endsAtMs: Number.POSITIVE_INFINITY };
    assert.deepEqual(written(over).slice(24), [1.5]);
    assert.equal(written(drawnOf('')).length, 24);
  });

  it('is cut where a client could make it long', () => {
    const record = written(drawnOf(`User-Agent: ${'u'.repeat(300)}\r\n`, `/${'p'.repeat(2000)}`));
    assert.deepEqual([record[8]?.length, record[8]?.at(-1)], [1024, '…']);
    assert.deepEqual([record[18]?.length, record[18]?.at(-1)], [256, '…']);
  });

  it('is written also when the log was turned off meanwhile', () => {
    const over = drawnOf('');
    over.kept.log.configure(0);
    assert.equal(written(over)[19], 1);
  });
});

it('tells the groups of experiments that upstreams were told, where there are some and a head is left', () => {
  const line = /\r\nx-one:([^\r]*)/i;
  const route = { name: 'shop', filters: { experiments: [{ id: 'one', line }] } } as unknown as LinkedRoute;
  const groupsOf = (requestText: string, changes = {}): unknown => {
    const kept = logOf(1e-8);
    kept.log.end(Object.assign(endedWith(500), { route, requestText, ...changes }));
    kept.log.flush();
    return kept.records()[0]?.[23];
  };
  assert.deepEqual(groupsOf('GET / HTTP/1.1\r\nX-One: a\r\n\r\n'), [['one', 'a']]);
  assert.deepEqual(groupsOf('GET / HTTP/1.1\r\n\r\n'), []);
  assert.equal(groupsOf(''), null);
  assert.equal(groupsOf('GET / HTTP/1.1\r\n\r\n', { route: { ...route, filters: null } }), null);
});

describe('more of a version', () => {
  const ofCell = (cell: number, status = 200): Exchange =>
    Object.assign(endedWith(status), { split: { version: 'v2', cell } as unknown as Exchange['split'] });
  const count = (kept: Kept, cell: number, times: number): number => {
    const before = kept.records().length;
    for (let n = 0; n < times; n++) kept.log.end(ofCell(cell));
    kept.log.flush();
    return kept.records().length - before;
  };

  it('is written from when it is asked for until it is not, and of no other version', () => {
    const kept = logOf(1e-9);
    assert.equal(count(kept, 3, 10), 0);
    kept.log.more(new Map([[3, 1]]));
    assert.deepEqual([count(kept, 3, 10), count(kept, 2, 10), count(kept, 4, 10)], [10, 0, 0]);
    assert.equal(kept.records().at(-1)?.[19], 1);
    kept.log.more(new Map());
    assert.equal(count(kept, 3, 10), 0);
  });

  it('is drawn with its share, which the record says', () => {
    const kept = logOf(1e-9);
    kept.log.more(new Map([[3, 0.25]]));
    const written = count(kept, 3, 4000);
    assert.ok(written > 850 && written < 1150, `${written} of 4000 (seed ${SEED})`);
    assert.equal(kept.records()[0]?.[19], 0.25);
  });

  it('is nothing while the log is off', () => {
    const kept = logOf(0);
    kept.log.more(new Map([[3, 1]]));
    assert.equal(count(kept, 3, 10), 0);
  });
});

describe('a failure', () => {
  const FAILED = 'POST / HTTP/1.1\r\nHost: Shop.Example:80\r\nUser-Agent: curl/8\r\n';

  it('is written without being drawn, with what is still known', () => {
    const kept = logOf(1e-8);
    const x = endedWith(502, REASON.connectRefused);
    x.requestText = `${FAILED}traceparent: 00-${'12'.repeat(16)}-${'cd'.repeat(8)}-00\r\n\r\n`;
    x.requestId = 'r1';
    kept.log.end(x);
    kept.log.flush();
    assert.deepEqual(kept.records(), [
      [
        ...[2.5, 3, null, 'r1', '12'.repeat(16), '198.51.100.9', 'GET', 'shop.example', '/a/b', 502],
        ...[REASON.connectRefused, null, null, null, null, 0, 12, null, 'curl/8', 1, null, 'HTTP/1.1', null, null],
      ],
    ]);
  });

  it('is a 5xx of the upstream or a fault of upstream or gateway, not the client’s', () => {
    const kept = logOf(1e-8);
    const outcomes: [number, Reason][] = [
      [200, REASON.none],
      [404, REASON.noRoute],
      [429, REASON.rateLimited],
      [0, REASON.clientClosed],
      [408, REASON.bodyTimeout],
      [500, REASON.none],
      [503, REASON.shed],
      [0, REASON.upstreamTruncated],
      [504, REASON.responseTimeout],
      [200, REASON.upstreamTruncated],
      [200, REASON.internal],
    ];
    for (const [status, reason] of outcomes) kept.log.end(endedWith(status, reason));
    kept.log.flush();
    assert.deepEqual(
      kept.records().map((record) => [record[9], record[10]]),
      outcomes.slice(5),
    );
  });

  it('is also what failed on a canary and was rescued, with the names of both versions', () => {
    const kept = logOf(1e-8);
    const canary = routeOf(ON.table).splits[1] as LinkedSplit;
    const x = Object.assign(endedWith(200), { split: routeOf(ON.table).splits[0] });
    Object.assign(retryingOf(x), { count: 1, hasFailed: true, rescuedFrom: canary });
    kept.log.end(x);
    kept.log.flush();
    assert.deepEqual(
      kept.records().map((record) => record.slice(12, 14)),
      [['stable', 'canary']],
    );
  });

  it('is also what fell back, with the failure, its version and the kind of fallback', () => {
    const kept = logOf(1e-8);
    const [from] = routeOf(ON.table).splits as [LinkedSplit];
    const x = Object.assign(endedWith(200), { split: null });
    const fallen: Fallen = {
      kind: 'static',
      next: 1,
      reason: REASON.noEndpoint,
      from,
      answer: null,
      isGood: true,
      sentBytes: 0,
    };
    retryingOf(x).fallen = fallen;
    kept.log.end(x);
    kept.log.flush();
    const [record] = kept.records();
    assert.deepEqual(
      [record?.[9], record?.[10], record?.[12], record?.[20]],
      [200, REASON.noEndpoint, 'stable', 'static'],
    );
  });

  it('is not written while the log is off', () => {
    const kept = logOf(0);
    kept.log.end(endedWith(500));
    kept.log.close();
    assert.deepEqual(kept.batches, []);
  });

  it('beyond so many in a second is counted, and the next second starts anew', () => {
    const kept = logOf(1e-8);
    for (let i = 0; i < FAILURES_PER_SECOND + 7; i++) kept.log.end(endedWith(500, REASON.none, 1999));
    kept.log.end(endedWith(500, REASON.none, 2000));
    kept.log.flush();
    assert.equal(kept.records().length, FAILURES_PER_SECOND + 1);
    assert.equal(
      kept.batches.reduce((sum, { failureRate }) => sum + failureRate, 0),
      7,
    );
  });
});

describe('a head that was refused', () => {
  it('is drawn like any request and written with what is known', () => {
    const kept = logOf(1);
    kept.log.refused(REASON.badRequest, '198.51.100.9', 4.5);
    kept.log.flush();
    const [record] = kept.records();
    assert.equal(record?.length, 24);
    assert.deepEqual(
      record?.filter((value) => value !== null),
      [4.5, 0, '198.51.100.9', 400, REASON.badRequest, 0, 1],
    );
    const off = logOf(0);
    off.log.refused(REASON.badRequest, '198.51.100.9', 4.5);
    off.log.close();
    assert.deepEqual(off.batches, []);
  });
});

describe('batches', () => {
  const refuse = ({ log }: Kept, times: number): void => {
    for (let i = 0; i < times; i++) log.refused(REASON.badRequest, 'a', i);
  };

  it('are handed over when full and at a flush, none when there is nothing to say', () => {
    const kept = logOf(1);
    kept.log.flush();
    refuse(kept, BATCH_RECORDS + 3);
    assert.deepEqual(
      kept.batches.map(({ records }) => records.length),
      [BATCH_RECORDS],
    );
    kept.log.flush();
    kept.log.flush();
    assert.deepEqual(
      kept.batches.map(({ records }) => records.length),
      [BATCH_RECORDS, 3],
    );
    assert.deepEqual(
      kept.records().map(([startedAtMs]) => startedAtMs),
      Array.from({ length: BATCH_RECORDS + 3 }, (_, i) => i),
    );
  });

  it(`are handed over with each ${TURNS_PER_BATCH} turns, with what came in all of them`, () => {
    const kept = logOf(1);
    for (let turn = 0; turn < 2 * TURNS_PER_BATCH; turn++) {
      refuse(kept, 1);
      kept.log.turn();
    }
    const told = kept.batches.map(({ records }) => records.length);
    assert.deepEqual(told, [TURNS_PER_BATCH, TURNS_PER_BATCH]);
  });

  it('are handed over with the next turn when a request missed its objectives, or somebody looks', () => {
    const handed = (prepare: (log: AccessLog) => void): number[] => {
      const kept = logOf(1);
      prepare(kept.log);
      refuse(kept, 2);
      kept.log.turn();
      return kept.batches.map(({ records }) => records.length);
    };
    const x = Object.assign(endedWith(503), { route: { name: 'shop' }, requestId: 'r1' });
    const untold = handed(() => undefined);
    const missed = handed((log) => log.missed.note(x, 'bad', false));
    const shown = handed((log) => log.show(new Taps()));
    assert.deepEqual({ untold, missed, shown }, { untold: [], missed: [2], shown: [2] });
  });

  it('wait while the main thread has not taken those before, and what does not fit is counted', () => {
    const kept = logOf(1, true);
    refuse(kept, BATCHES_MAX * BATCH_RECORDS + RECORDS_MAX + 5);
    kept.log.flush();
    assert.equal(kept.batches.length, BATCHES_MAX);
    kept.log.taken();
    kept.log.flush();
    assert.equal(kept.batches.length, BATCHES_MAX + 1);
    const last = kept.batches.at(-1);
    assert.deepEqual([last?.records.length, last?.queueFull], [RECORDS_MAX, 5]);
  });

  it('that still wait at the end are handed over in any case', () => {
    const kept = logOf(1, true);
    refuse(kept, BATCHES_MAX * BATCH_RECORDS + 1);
    kept.log.close();
    assert.equal(kept.records().length, BATCHES_MAX * BATCH_RECORDS + 1);
  });
});
