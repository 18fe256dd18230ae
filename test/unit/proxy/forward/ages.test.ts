/** Exceedances: each exchange once per threshold, hung ones while they hang, nothing from before the thresholds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { Ages, type Aging } from '#src/proxy/forward/ages.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

const UNIT = 5;
const CELL_ID = 2;
const THRESHOLDS = [10, 20, 30, 40, 50, 60];

function setup(sinceMs = 0) {
  const cells = new Int32Array(4 * CELL_WORDS);
  const dials = createLatencyDials();
  setLatency(dials, UNIT, { sinceMs, atEndMs: THRESHOLDS, inFlightMs: THRESHOLDS.map((ms) => 1.1 * ms) });
  const ages = new Ages(cells, dials);
  const words = (from: number, count: number): number[] => [
    ...cells.subarray(CELL_ID * CELL_WORDS + from, CELL_ID * CELL_WORDS + from + count),
  ];
  return {
    ages,
    dials,
    exceeded: () => words(CELL.thresholds, 6),
    ended: () => words(CELL.levels, 7),
    begin: (startedAtMs: number): Aging => {
      const split = { unit: UNIT, cellBase: CELL_ID * CELL_WORDS } as LinkedSplit;
      const x: Aging = { ageSlot: -1, startedAtMs, endedAtMs: 0, split };
      ages.begin(x);
      return x;
    },
    end: (x: Aging, endedAtMs: number, isGood = true): void => {
      x.endedAtMs = endedAtMs;
      ages.end(x, isGood);
    },
  };
}

describe('a good exchange', () => {
  it('counts for every threshold that it exceeds, and once for where it ended', () => {
    const on = setup();
    on.end(on.begin(100), 105);
    on.end(on.begin(100), 110);
    on.end(on.begin(100), 135);
    on.end(on.begin(100), 1000);
    assert.deepEqual(on.exceeded(), [2, 2, 2, 1, 1, 1]);
    assert.deepEqual(on.ended(), [2, 0, 0, 1, 0, 0, 1]);
    assert.equal(on.ages.size, 0);
  });

  it('that began before the thresholds were frozen does not count', () => {
    const on = setup(500);
    const early = on.begin(499);
    on.end(on.begin(500), 515);
    on.ages.sweep(10_000);
    on.end(early, 10_000);
    assert.deepEqual(
      [on.exceeded(), on.ended()],
      [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0],
      ],
    );
  });
});

describe('an exchange that hangs', () => {
  it('counts while it is under way, at the tolerated thresholds, once each', () => {
    const on = setup();
    const x = on.begin(0);
    on.ages.sweep(10.5);
    assert.deepEqual(on.exceeded(), [0, 0, 0, 0, 0, 0]);
    on.ages.sweep(23);
    on.ages.sweep(24);
    assert.deepEqual(on.exceeded(), [1, 1, 0, 0, 0, 0]);
    on.end(x, 35);
    assert.deepEqual(on.exceeded(), [1, 1, 1, 0, 0, 0]);
    assert.deepEqual(on.ended(), [0, 0, 0, 1, 0, 0, 0]);
  });

  it('stays counted above all of them without another count', () => {
    const on = setup();
    on.begin(0);
    for (let nowMs = 50; nowMs < 1000; nowMs += 50) on.ages.sweep(nowMs);
    assert.deepEqual(on.exceeded(), [1, 1, 1, 1, 1, 1]);
  });
});

describe('an exchange that fails', () => {
  it('counts for what it exceeded and is never taken for fast', () => {
    const on = setup();
    on.end(on.begin(0), 1, false);
    on.end(on.begin(0), 25, false);
    assert.deepEqual(on.exceeded(), [1, 1, 0, 0, 0, 0]);
    assert.deepEqual(on.ended(), [0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('an exchange that is left out', () => {
  it('counts for nothing from then on, and only for what it had exceeded before', () => {
    const on = setup();
    const [early, late] = [on.begin(0), on.begin(0)];
    on.ages.leave(early);
    on.ages.sweep(23);
    on.ages.leave(late);
    on.ages.sweep(1000);
    assert.deepEqual(on.exceeded(), [1, 1, 0, 0, 0, 0]);
    assert.deepEqual(on.ended(), [0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual([early.ageSlot, late.ageSlot, on.ages.size], [-1, -1, 0]);
  });
});

describe('the list', () => {
  it('keeps who is under way, whatever the order in which they end', () => {
    const on = setup();
    const all = Array.from({ length: 50 }, (_, n) => on.begin(n));
    on.ages.sweep(35);
    for (const x of all.filter((_, n) => n % 3 === 0)) on.end(x, x.startedAtMs + 5);
    assert.equal(on.ages.size, 33);
    for (const x of all.filter((_, n) => n % 3 !== 0).reverse()) on.end(x, x.startedAtMs + 65);
    assert.equal(on.ages.size, 0);
    assert.equal(on.exceeded()[5], 33);
    assert.equal(
      on.ended().reduce((sum, count) => sum + count),
      50,
    );
    assert.ok(all.every(({ ageSlot }) => ageSlot === -1));
  });

  it('takes slots that are free again before others, and as many as are needed', () => {
    const on = setup();
    const first = Array.from({ length: 200 }, (_, n) => on.begin(n));
    for (const x of first.filter((_, n) => n % 2 === 0)) on.end(x, x.startedAtMs + 5);
    const second = Array.from({ length: 150 }, () => on.begin(1000));
    const slots = new Set([...first, ...second].map(({ ageSlot }) => ageSlot).filter((slot) => slot >= 0));
    assert.deepEqual([slots.size, Math.max(...slots), on.ages.size], [250, 249, 250]);
    on.ages.sweep(1005);
    assert.deepEqual(
      on.exceeded(),
      [100, 100, 100, 100, 100, 100],
      'of the first that are under way, and of them alone',
    );
    for (const x of [...first.filter((_, n) => n % 2 === 1), ...second]) on.end(x, 1005);
    assert.deepEqual([on.ages.size, on.ended()[0], on.ended()[6]], [0, 250, 100]);
    const next = [on.begin(2000), on.begin(2000)];
    assert.deepEqual(
      next.map(({ ageSlot }) => ageSlot),
      [0, 1],
      'a sweep goes through no others from now on',
    );
  });
});

it('beginning, ending and sweeping allocate nothing', COUNTED, () => {
  const on = setup();
  const items = Array.from({ length: 20 }, () => on.begin(0));
  const x = items.pop() as Aging;
  on.end(x, 12);
  let n = 0;
  const bytes = bytesPerCall(() => {
    on.ages.begin(x);
    n = (n + 1) & 63;
    on.ages.sweep(n + 0.5);
    x.endedAtMs = n + 0.25;
    on.ages.end(x, true);
  });
  assert.equal(bytes, 0, `${bytes} B`);
});

describe('a recorder', () => {
  const ms = [10, 20, 30, 40, 50, 60];
  const words = (on: Bench, from: number): number[] =>
    [0, 1, 2].map((k) => on.tallies.cells[1 * CELL_WORDS + from + k] as number);

  /** An exchange of the stable version, cell 1, that began at 1000. */
  function begun(on: Bench, lines = ''): Exchange {
    const x = exchangeOn(on, 1000);
    decide(x, readHead(on.table, get('/', lines)), peerOf(), new Random(1));
    on.lane.recorder.begin(x);
    return x;
  }

  function frozen(): Bench {
    const [stable, canary] = TWO_VERSIONS.versions;
    const on = bench({ routes: [{ versions: [stable!, { ...canary!, weight: 0 }] }] });
    setLatency(on.latencyDials, 0, { sinceMs: 0, atEndMs: ms, inFlightMs: ms });
    return on;
  }

  it('counts good exchanges, not those that are pinned, failed or ignored and were fast', () => {
    const on = frozen();
    const record = (tookMs: number, status: number, reason: Reason, lines = ''): void =>
      on.lane.recorder.end(Object.assign(begun(on, lines), { status, reason, endedAtMs: 1000 + tookMs }));
    record(5, 200, REASON.none);
    record(15, 200, REASON.none);
    record(500, 200, REASON.none, 'X-Release-Stage: stable\r\n');
    record(5, 500, REASON.none);
    record(5, 400, REASON.badRequest);
    assert.deepEqual(
      [words(on, CELL.thresholds), words(on, CELL.levels)],
      [
        [1, 0, 0],
        [1, 1, 0],
      ],
    );
  });

  it('counts what hangs by its sweep, and not again at its end', () => {
    const on = frozen();
    const x = begun(on);
    on.lane.recorder.sweep(1025);
    assert.deepEqual(words(on, CELL.thresholds), [1, 1, 0]);
    on.lane.recorder.end(Object.assign(x, { status: 200, endedAtMs: 1026 }));
    assert.deepEqual(
      [words(on, CELL.thresholds), words(on, CELL.levels)],
      [
        [1, 1, 0],
        [0, 0, 1],
      ],
    );
  });
});
