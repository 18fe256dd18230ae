/** What an exchange leaves in the tallies: every counter, by the reason table, once, and nothing on the heap. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bucketIndex } from '#src/lib/histogram.ts';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import { effectOf } from '#src/model/sli.ts';
import {
  CELL,
  CELL_WORDS,
  ENDPOINT,
  ENDPOINT_WORDS,
  EVENTS_HEAD,
  GATEWAY_CELL,
  SESSION_END,
  type Tallies,
  UNIT_BAD,
  UNIT_BITS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '#src/model/tallies.ts';
import { PROBE_RESULT } from '#src/model/threads/load/capacity.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn } from '../../../support/proxy/parts.ts';
import { begun, counters, ROUTE, recorded, STABLE, sketch, word } from '../../../support/readings/recorded.ts';

describe('one exchange', () => {
  it('is in flight for its route and its version until it ends', () => {
    const on = bench(sketch());
    const x = begun(on);
    assert.deepEqual([counters(on, ROUTE), counters(on, STABLE)], [{ inFlight: 1 }, { inFlight: 1 }]);
    x.status = 200;
    x.endedAtMs = 1005;
    on.lane.recorder.end(x);
    assert.deepEqual([counters(on, ROUTE), counters(on, STABLE)], [{ finished: 1 }, { finished: 1 }]);
  });

  it('counts its status class, its reason, its latency and its time', () => {
    const on = bench(sketch());
    recorded(on, { status: 204, tookMs: 7.5 });
    recorded(on, { status: 404, tookMs: 2.5 });
    for (const cell of [ROUTE, STABLE]) {
      assert.equal(word(on, cell, CELL.statusClass + 2), 1);
      assert.equal(word(on, cell, CELL.statusClass + 4), 1);
      assert.equal(word(on, cell, CELL.reasons + REASON.none), 2);
      assert.equal(word(on, cell, CELL.histogram + bucketIndex(7.5)), 1);
      assert.equal(word(on, cell, CELL.histogram + bucketIndex(2.5)), 1);
      const seconds = on.tallies.cellFloats[(cell * CELL_WORDS + CELL.secondsSum) / 2] as number;
      assert.ok(Math.abs(seconds - 0.01) < 1e-6, String(seconds));
    }
  });

  it('is slow above the threshold, not at it', () => {
    const on = bench(sketch(100));
    recorded(on, { tookMs: 100 });
    recorded(on, { tookMs: 100.5 });
    assert.deepEqual(counters(on, STABLE), { finished: 2, slow: 1 });
  });

  it('that took hours is in the last bucket and does not overflow the sum', () => {
    const on = bench(sketch());
    recorded(on, { tookMs: 9e6 });
    const seconds = on.tallies.cellFloats[(STABLE * CELL_WORDS + CELL.secondsSum) / 2] as number;
    assert.ok(seconds > 2000 && seconds <= 9000, String(seconds));
    assert.equal(word(on, STABLE, CELL.histogram + bucketIndex(9e6)), 1);
  });

  it('without a status counts none', () => {
    const on = bench(sketch());
    recorded(on, { status: 0, reason: REASON.clientClosed });
    for (let n = 0; n < 6; n++) assert.equal(word(on, STABLE, CELL.statusClass + n), 0);
  });

  it('that a color pinned is counted apart, good or bad', () => {
    const on = bench(sketch());
    recorded(on, { color: 'stable' });
    recorded(on, { color: 'stable', status: 500 });
    recorded(on, {});
    assert.deepEqual(counters(on, STABLE), { finished: 3, bad: 1, pinned: 2, pinnedBad: 1 });
    assert.deepEqual(counters(on, ROUTE), { finished: 3, bad: 1 });
  });

  it('without a version counts for its route alone', () => {
    const on = bench(sketch());
    const x = begun(on, {});
    on.lane.recorder.end(Object.assign(x, { status: 200, endedAtMs: 1001 }));
    const lonely = begun(on, {});
    on.tallies.cells[STABLE * CELL_WORDS + CELL.inFlight] = 0;
    Object.assign(lonely, { split: null, status: 503, reason: REASON.noEndpoint, endedAtMs: 1002 });
    on.lane.recorder.end(lonely);
    assert.deepEqual([counters(on, ROUTE), counters(on, STABLE)], [{ finished: 2, bad: 1 }, { finished: 1 }]);
  });

  it('without a route counts for the gateway', () => {
    const on = bench(sketch());
    const x = exchangeOn(on);
    on.lane.recorder.begin(x);
    on.lane.recorder.end(Object.assign(x, { reason: REASON.noRoute, status: 404 }));
    on.lane.recorder.refused(REASON.badRequest);
    assert.deepEqual(counters(on, GATEWAY_CELL), { ignored: 2 });
    assert.equal(word(on, GATEWAY_CELL, CELL.reasons + REASON.noRoute), 1);
    assert.equal(word(on, GATEWAY_CELL, CELL.reasons + REASON.badRequest), 1);
  });
});

describe('the effect of an outcome', () => {
  REASONS.forEach((row, index) => {
    const reason = index as Reason;
    if (reason === REASON.none || reason === REASON.clientClosed) return;
    it(`${row.name} is ${row.versionEffect} for the version and ${row.routeEffect} for the route`, () => {
      const on = bench(sketch());
      recorded(on, { reason, status: row.status });
      const kinds = { bad: { finished: 1, bad: 1 }, ignore: { ignored: 1 }, good: { finished: 1 } };
      assert.deepEqual(counters(on, STABLE), kinds[row.versionEffect]);
      assert.deepEqual(counters(on, ROUTE), kinds[row.routeEffect]);
    });
  });

  it('of an upstream’s own answer is bad from 500 on', () => {
    for (const [status, effect] of [
      [200, 'good'],
      [404, 'good'],
      [499, 'good'],
      [500, 'bad'],
      [599, 'bad'],
    ] as const) {
      assert.equal(effectOf(REASON.none, status, true, true), effect);
      assert.equal(effectOf(REASON.none, status, false, false), effect);
    }
  });

  it('of a client that left is a vote only after the latency threshold', () => {
    for (const forVersion of [true, false]) {
      assert.equal(effectOf(REASON.clientClosed, 0, false, forVersion), 'ignore');
      assert.equal(effectOf(REASON.clientClosed, 0, true, forVersion), 'bad');
    }
  });

  it('that is ignored leaves latency, users and events alone', () => {
    const on = bench(sketch());
    recorded(on, { reason: REASON.badRequest, status: 400 });
    for (let bucket = 0; bucket < 672; bucket++) assert.equal(word(on, STABLE, CELL.histogram + bucket), 0);
    assert.ok(on.tallies.units.subarray(0, UNIT_WORDS).every((bits) => bits === 0));
    assert.equal(on.tallies.events[EVENTS_HEAD.written], 0);
  });
});

describe('user bitmaps', () => {
  /** First word of the second of unit 0 in which `endedAtMs` lies. */
  const baseOf = (endedAtMs: number): number => (Math.floor(endedAtMs / 1000) % UNIT_SECONDS) * UNIT_SECOND_WORDS;
  const bits = (tallies: Tallies, base: number, from: number): number[] => {
    const set: number[] = [];
    for (let bit = 0; bit < UNIT_BITS; bit++) {
      if (((tallies.units[base + from + (bit >> 5)] as number) & (1 << (bit & 31))) !== 0) set.push(bit);
    }
    return set;
  };

  it('hold who was seen and who had it bad in a second, each once', () => {
    const on = bench(sketch());
    for (const userKey of [0, 31, 32, 32_767, 31]) recorded(on, { userKey, startedAtMs: 5000 });
    for (const userKey of [32, 32]) recorded(on, { userKey, status: 500, startedAtMs: 5500 });
    const base = baseOf(5005);
    assert.equal(on.tallies.units[base], 5);
    assert.deepEqual(bits(on.tallies, base, UNIT_SEEN), [0, 31, 32, 32_767]);
    assert.deepEqual(bits(on.tallies, base, UNIT_BAD), [32]);
  });

  it('take the low bits of a 32-bit key', () => {
    const on = bench(sketch());
    recorded(on, { userKey: 2 ** 32 - 1, startedAtMs: 5000 });
    assert.deepEqual(bits(on.tallies, baseOf(5005), UNIT_SEEN), [UNIT_BITS - 1]);
  });

  it('begin empty in each second, also in one that comes round again', () => {
    const on = bench(sketch());
    recorded(on, { userKey: 7, status: 500, startedAtMs: 5000 });
    recorded(on, { userKey: 8, startedAtMs: 5000 + UNIT_SECONDS * 1000 });
    const base = baseOf(5005);
    assert.equal(on.tallies.units[base], 5 + UNIT_SECONDS);
    assert.deepEqual([bits(on.tallies, base, UNIT_SEEN), bits(on.tallies, base, UNIT_BAD)], [[8], []]);
  });

  it('of the seconds before stay readable', () => {
    const on = bench(sketch());
    for (let second = 0; second < UNIT_SECONDS; second++)
      recorded(on, { userKey: second, startedAtMs: 8000 + second * 1000 });
    for (let second = 0; second < UNIT_SECONDS; second++) {
      const base = baseOf(8005 + second * 1000);
      assert.deepEqual([on.tallies.units[base], bits(on.tallies, base, UNIT_SEEN)], [8 + second, [second]]);
    }
  });

  it('are not touched by a pinned request', () => {
    const on = bench(sketch());
    recorded(on, { color: 'stable', status: 500 });
    assert.ok(on.tallies.units.subarray(0, 2 * UNIT_WORDS).every((word32) => word32 === 0));
  });
});

describe('endpoints', () => {
  it('count attempts, connections and failures', () => {
    const on = bench(sketch());
    const { recorder } = on.lane;
    recorder.attemptBegin(3);
    recorder.attemptBegin(3);
    recorder.attemptEnd(3, 'bad');
    recorder.attemptEnd(3, 'good');
    recorder.attemptBegin(3);
    recorder.connect(3, 1);
    recorder.connect(3, 1);
    recorder.connect(3, -1);
    recorder.connectFailed(3);
    const base = 3 * ENDPOINT_WORDS;
    const read = Object.entries(ENDPOINT).map(([name, index]) => [name, on.tallies.endpoints[base + index]]);
    assert.deepEqual(Object.fromEntries(read), {
      inFlight: 1,
      finished: 2,
      bad: 1,
      connects: 2,
      connectFailures: 1,
      open: 1,
      good: 1,
      consecutive: 0,
      waitedMs: 0,
      answered: 0,
      panics: 0,
      probe: 0,
    });
  });

  it('count failures in a row, which only a success ends', () => {
    const { lane, tallies } = bench(sketch());
    const rows = (['bad', 'bad', 'ignore', 'bad', 'good', 'bad'] as const).map((effect) => {
      lane.recorder.attemptEnd(3, effect);
      return tallies.endpoints[3 * ENDPOINT_WORDS + ENDPOINT.consecutive];
    });
    assert.deepEqual(rows, [1, 2, 2, 3, 0, 1]);
    const words = tallies.endpoints.subarray(3 * ENDPOINT_WORDS);
    assert.deepEqual([words[ENDPOINT.finished], words[ENDPOINT.good], words[ENDPOINT.bad]], [6, 1, 4]);
  });

  it('sum up the times to their response heads, and attempts made in panic', () => {
    const { lane, tallies } = bench(sketch());
    lane.recorder.answered(3, 1500);
    lane.recorder.answered(3, 250);
    lane.recorder.panicked(3);
    const words = tallies.endpoints.subarray(3 * ENDPOINT_WORDS);
    assert.equal(tallies.endpointFloats[(3 * ENDPOINT_WORDS + ENDPOINT.waitedMs) / 2], 1.75);
    assert.deepEqual([words[ENDPOINT.answered], words[ENDPOINT.panics]], [2, 1]);
  });

  it('have the latest probe, by its number and what came of it', () => {
    const { lane, tallies } = bench(sketch());
    lane.recorder.probed(3, 1, PROBE_RESULT.answered);
    lane.recorder.probed(3, 250, PROBE_RESULT.bad);
    assert.equal(tallies.endpoints[3 * ENDPOINT_WORDS + ENDPOINT.probe], 4 * 250 + 2);
  });

  it('a retry counts for route and version', () => {
    const on = bench(sketch());
    on.lane.recorder.retried(begun(on));
    const once = { inFlight: 1, retries: 1 };
    assert.deepEqual([counters(on, ROUTE), counters(on, STABLE)], [once, once]);
  });
});

it('a session is open until it ended, in one way', () => {
  const on = bench(sketch());
  const base = STABLE * CELL_WORDS;
  const words = (): number[] => [...on.tallies.cells.subarray(base + CELL.sessions, base + CELL.hedges)];
  on.lane.recorder.sessionBegan(base);
  on.lane.recorder.sessionBegan(base);
  on.lane.recorder.sessionEnded(base, SESSION_END.drained);
  assert.deepEqual(words(), [1, 0, 0, 0, 0, 0, 1, 0]);
});

describe('objectives', () => {
  const lateOf = (on: Bench, cell: number): number[] => [word(on, cell, CELL.late), word(on, cell, CELL.serviceLate)];

  it('count good exchanges above the thresholds of the route and of the service', () => {
    const on = bench(sketch(100, { serviceSlowMs: 200 }));
    for (const tookMs of [100, 101, 200, 201]) recorded(on, { tookMs });
    for (const cell of [ROUTE, STABLE]) assert.deepEqual(lateOf(on, cell), [3, 1]);
    const loose = bench(sketch(200, { serviceSlowMs: 100 }));
    for (const tookMs of [100, 101, 200, 201]) recorded(loose, { tookMs });
    for (const cell of [ROUTE, STABLE]) assert.deepEqual(lateOf(loose, cell), [1, 3]);
  });

  it('do not count a bad exchange twice, and none that is ignored', () => {
    const on = bench(sketch(100, { serviceSlowMs: 100 }));
    recorded(on, { tookMs: 500, status: 500 });
    recorded(on, { tookMs: 500, reason: REASON.bodyTooLarge, status: 413 });
    for (const cell of [ROUTE, STABLE]) assert.deepEqual(lateOf(on, cell), [0, 0]);
    assert.equal(word(on, ROUTE, CELL.slow), 1);
  });

  it('count errors by class, for route and version', () => {
    const on = bench(sketch());
    for (const status of [200, 404, 429, 500, 503, 501]) recorded(on, { status });
    recorded(on, { status: 504, reason: REASON.connectTimeout });
    recorded(on, { status: 0, reason: REASON.clientClosed });
    for (const cell of [ROUTE, STABLE]) {
      assert.deepEqual(
        [0, 1, 2].map((errorClass) => word(on, cell, CELL.errorClasses + errorClass)),
        [1, 3, 2],
      );
    }
  });

  it('do not hear of ignored paths, whatever their query, and of others that begin so they do', () => {
    const on = bench(sketch(100, { ignorePaths: ['/healthz'] }));
    for (const target of ['/healthz', '/healthz?verbose']) recorded(on, { target, status: 500, tookMs: 500 });
    assert.deepEqual([counters(on, ROUTE), counters(on, STABLE)], [{ ignored: 2 }, { ignored: 2 }]);
    assert.equal(word(on, ROUTE, CELL.errorClasses + 2), 0);
    assert.equal(on.tallies.events[EVENTS_HEAD.written], 0);
    recorded(on, { target: '/healthz/deep' });
    recorded(on, { target: '/' });
    assert.deepEqual(counters(on, ROUTE), { finished: 2, ignored: 2 });
  });
});

it('recording what misses objectives allocates nothing either', COUNTED, () => {
  const on = bench(sketch(1, { serviceSlowMs: 1, ignorePaths: ['/healthz'] }));
  const x = begun(on);
  x.status = 404;
  let n = 0;
  const bytes = bytesPerCall(() => {
    on.lane.recorder.begin(x);
    x.endedAtMs = x.startedAtMs + ((n = (n + 1) & 1023) + 0.5);
    on.lane.recorder.end(x);
  });
  assert.equal(bytes, 0, `${bytes} B`);
});

it('recording allocates nothing, with thresholds and without', COUNTED, () => {
  for (const sinceMs of [Number.POSITIVE_INFINITY, 0]) {
    const on = bench(sketch());
    setLatency(on.latencyDials, 0, { sinceMs, atEndMs: Array(6).fill(99), inFlightMs: Array(6).fill(99) });
    const x = Object.assign(begun(on), { status: 200 });
    let n = 0;
    const run = (): void => {
      on.lane.recorder.begin(x);
      x.endedAtMs = x.startedAtMs + ((n = (n + 1) & 1023) + 0.5);
      on.lane.recorder.end(x);
    };
    assert.equal(bytesPerCall(run), 0);
  }
});
