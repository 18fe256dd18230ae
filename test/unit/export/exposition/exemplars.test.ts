import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CHARS_MAX, Exemplars, SERIES_MAX, withExemplars } from '#src/export/exposition/exemplars.ts';
import type { Exemplar } from '#src/export/family.ts';
import { REASON } from '#src/model/reason.ts';
import type { AccessRecord } from '#src/model/threads/requests/access.ts';

interface Told {
  readonly tookMs?: number;
  readonly latencyMs?: number;
  readonly requestId?: string | null;
  readonly traceId?: string | null;
  readonly route?: string | null;
  readonly version?: string | null;
}

/** A record of a request that began at 1,000 ms. */
function recordOf(told: Told): AccessRecord {
  const { tookMs = 30, requestId = 'r1', traceId = null, route = 'shop', version = 'v1', latencyMs } = told;
  const record = [
    ...([1000, tookMs, null, requestId, traceId, '192.0.2.1', 'GET', 'shop', '/', 200] as const),
    ...([REASON.none, route, version, null, null, 1, 0, 0, null, 1, null, null, null, null] as const),
  ] as const;
  return latencyMs === undefined ? record : [...record, latencyMs];
}

const of = (value: number): Exemplar => ({ label: 'trace_id', id: String(value), value, atSeconds: 1 });

suite('exemplars', () => {
  test('the newest request of each range of latencies is kept, by its trace if it has one', () => {
    const exemplars = new Exemplars();
    const traceId = 'ab'.repeat(16);
    exemplars.take(
      [recordOf({ tookMs: 700 }), recordOf({}), recordOf({ tookMs: 31, traceId }), recordOf({ tookMs: 20_000 })],
      500_000,
    );
    assert.deepEqual(exemplars.of('shop', 'v1'), [
      { label: 'trace_id', id: traceId, value: 0.031, atSeconds: 501.031 },
      { label: 'request_id', id: 'r1', value: 0.7, atSeconds: 501.7 },
      { label: 'request_id', id: 'r1', value: 20, atSeconds: 521 },
    ]);
    assert.deepEqual(exemplars.of('shop', 'v2'), []);
  });

  test('a stream stands at what counted as its latency', () => {
    const exemplars = new Exemplars();
    exemplars.take([recordOf({ tookMs: 60_000, latencyMs: 20 })], 0);
    assert.deepEqual(exemplars.of('shop', 'v1'), [{ label: 'request_id', id: 'r1', value: 0.02, atSeconds: 61 }]);
  });

  test('requests without a route, a version or an id are none, nor are ids that are too long', () => {
    const exemplars = new Exemplars();
    const label = 'request_id'.length;
    const records = [
      { route: null },
      { version: null },
      { requestId: null },
      { requestId: 'x'.repeat(CHARS_MAX - label + 1) },
    ].map(recordOf);
    exemplars.take(records, 0);
    assert.deepEqual(exemplars.of('shop', 'v1'), []);
    exemplars.take([recordOf({ requestId: 'x'.repeat(CHARS_MAX - label) })], 0);
    assert.equal(exemplars.of('shop', 'v1').length, 1);
  });

  test('the version that was heard of least recently makes room for another', () => {
    const exemplars = new Exemplars();
    const take = (route: string) => exemplars.take([recordOf({ route })], 0);
    for (let n = 0; n < SERIES_MAX; n++) take(`r${n}`);
    take('r0');
    take('new');
    assert.deepEqual(
      ['r0', 'r1', 'r2', 'new'].map((route) => exemplars.of(route, 'v1').length),
      [1, 0, 1, 1],
    );
  });

  test('an exemplar is in the bucket of its value, and in none that counted nothing', () => {
    const buckets = [
      { le: 0.1, count: 2 },
      { le: 0.3, count: 2 },
      { le: 0.5, count: 3 },
      { le: Infinity, count: 4 },
    ];
    const shown = (exemplars: readonly Exemplar[]) =>
      withExemplars(buckets, exemplars).map((bucket) => bucket.exemplar?.value ?? null);
    assert.deepEqual(shown([of(0.1), of(0.2), of(0.31), of(0.5), of(9)]), [0.1, null, 0.5, 9]);
    assert.deepEqual(shown([of(0)]), [0, null, null, null]);
    assert.equal(withExemplars(buckets, []), buckets);
  });
});
