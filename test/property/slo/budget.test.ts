/** Budgets equal an offline recomputation to the last event, over random histories with gaps, clock steps and restarts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SloConfig } from '#src/model/slo.ts';
import type { SloStatus } from '#src/model/status.ts';
import { CELL } from '#src/model/tallies.ts';
import { BURN_WINDOWS, burnRate } from '#src/slo/budget/burn.ts';
import { SLICES, SloEngine } from '#src/slo/budget/engine.ts';
import { isBeyondChance } from '#src/slo/budget/guard.ts';
import { periodStartMs } from '#src/slo/budget/ledger/calendar.ts';
import { Ring, WINDOWS, type WindowName } from '#src/slo/budget/ring.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { badNeeded } from '../../support/readings/metrics/fewest.ts';
import { samples } from '../../support/runner/depth.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

/** A quick run tries one in ten of them. */
const runs = (all: number): number => samples(all, all / 10);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Slot width and slots of each window, said once more. */
const SPANS: Readonly<Record<WindowName, readonly [slotMs: number, slots: number]>> = {
  '5m': [10_000, 30],
  '30m': [60_000, 30],
  '1h': [60_000, 60],
  '6h': [60_000, 360],
  '3d': [600_000, 432],
  '28d': [HOUR_MS, 672],
};

interface Counted {
  readonly atMs: number;
  readonly good: number;
  readonly bad: number;
}

/** What a window holds, from the list of everything that ever happened. */
function recomputed(events: readonly Counted[], window: WindowName, nowMs: number): { good: number; bad: number } {
  const [slotMs, slots] = SPANS[window];
  const oldest = Math.floor(nowMs / slotMs) - slots + 1;
  const out = { good: 0, bad: 0 };
  for (const { atMs, good, bad } of events) {
    if (Math.floor(atMs / slotMs) < oldest) continue;
    out.good += good;
    out.bad += bad;
  }
  return out;
}

const gapMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 2 * HOUR_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 4 * DAY_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 27 * DAY_MS, max: 60 * DAY_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: -HOUR_MS, max: -1 }) },
);

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('count' as const),
      gapMs,
      good: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 1_000_000 })),
      bad: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 1_000_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), gapMs, clockMs: fc.nat({ max: 1e12 }) }) },
);

describe('a ring', () => {
  it('equals the offline recomputation at every step (fast-check prints the seed)', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e10 }), fc.array(action, { maxLength: 80 }), (startMs, actions) => {
        let ring = new Ring(startMs);
        /** True time, and how far the process's clock is away from it. */
        let trueMs = startMs;
        let clockMs = startMs;
        const events: Counted[] = [];
        for (const one of actions) {
          // The wall clock may step back over a restart; the ring then loses the time, not the events.
          trueMs += Math.max(0, one.gapMs);
          if (one.kind === 'restart') {
            ring = Ring.fromBytes(ring.toBytes(), one.clockMs, one.gapMs);
            clockMs = one.clockMs;
          } else {
            const readMs = clockMs + one.gapMs;
            clockMs = Math.max(clockMs, readMs);
            ring.add(readMs, one.good, one.bad);
            events.push({ atMs: trueMs, good: one.good, bad: one.bad });
          }
          for (const window of WINDOWS)
            assert.deepEqual(ring.counts(window), recomputed(events, window, trueMs), window);
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('a ring that takes in another', () => {
  it('equals the offline recomputation of both, an edge of one slot aside', () => {
    const counted = fc.array(fc.record({ gapMs, good: fc.nat({ max: 99 }), bad: fc.nat({ max: 9 }) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(counted, counted, fc.nat({ max: 1e10 }), (before, since, startMs) => {
        const run = (all: typeof before, ring: Ring, fromMs: number, events: Counted[]): number => {
          let nowMs = fromMs;
          for (const { gapMs: gap, good, bad } of all) {
            nowMs += Math.max(0, gap);
            ring.add(nowMs, good, bad);
            events.push({ atMs: nowMs, good, bad });
          }
          return nowMs;
        };
        const events: Counted[] = [];
        const first = new Ring(startMs);
        const middleMs = run(before, first, startMs, events);
        const own = new Ring(middleMs);
        const endMs = run(since, own, middleMs, events);
        // Another process's clock: its slots begin elsewhere.
        const ring = Ring.fromBytes(first.toBytes(), 777, endMs - middleMs);
        ring.absorb(Ring.fromBytes(own.toBytes(), 777, 0), 777);
        let [good, bad] = [0, 0];
        for (const event of events) [good, bad] = [good + event.good, bad + event.bad];
        assert.deepEqual(ring.totals, { good, bad });
        for (const window of WINDOWS) {
          const [slotMs] = SPANS[window];
          const least = recomputed(events, window, endMs + slotMs);
          const most = recomputed(events, window, endMs - slotMs);
          const counts = ring.counts(window);
          assert.ok(counts.good >= least.good && counts.good <= most.good, `${window} ${counts.good}`);
          assert.ok(counts.bad >= least.bad && counts.bad <= most.bad, `${window} ${counts.bad}`);
        }
      }),
      { numRuns: runs(150) },
    );
  });
});

const moment = fc.record({
  gapMs: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 * HOUR_MS }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 30 * DAY_MS }) },
  ),
  /** How far the wall clock is off from now on. */
  wallOffMs: fc.option(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), { freq: 10 }),
  good: fc.nat({ max: 50 }),
  late: fc.nat({ max: 5 }),
  bad: fc.nat({ max: 5 }),
  /** Bad exchanges of which only the end is written before the next look. */
  half: fc.nat({ max: 2 }),
  what: fc.constantFrom('work', 'work', 'work', 'replace', 'restart'),
});

const SLO: SloConfig = {
  ...DEFAULT_SLO,
  availabilityRatio: 0.999,
  latency: { thresholdMs: 300, targetRatio: 0.99 },
  calendar: 'month',
};
const SOURCE = { scope: 'route', name: 'a', cells: [1], slo: SLO } as const;
const START_WALL_MS = Date.UTC(2026, 9, 29);

/** A gateway that is worked, replaced, restarted and looked at, and the truth about it. */
class History {
  engine = new SloEngine();
  worker = new FakeWorker(1);
  truth = { finished: 0, bad: 0, late: 0 };
  /** When the engine took in what, by the ring's own time, which goes on over restarts. */
  readonly counted: Counted[] = [];
  #totals = { good: 0, bad: 0 };
  readonly booked: { readonly trueWallMs: number; readonly total: number }[] = [];
  trueMs = 0;
  wallOffMs = 0;
  #clockMs = 500;
  #workers = 1;
  #half = 0;

  constructor() {
    this.engine.follow([SOURCE]);
    this.look();
  }

  get instant() {
    return { nowMs: this.#clockMs, wallMs: START_WALL_MS + this.trueMs + this.wallOffMs };
  }

  look(): void {
    for (let n = 0; n < SLICES; n++) {
      this.pass(100);
      this.engine.turn([this.worker.region], this.instant);
      const { good, bad } = this.engine.status(this.instant)[0]?.eventsTotal ?? this.#totals;
      this.counted.push({ atMs: this.ringMs, good: good - this.#totals.good, bad: bad - this.#totals.bad });
      this.#totals = { good, bad };
    }
  }

  /** The clock of the first process, gone on. */
  get ringMs(): number {
    return this.trueMs + 500;
  }

  pass(ms: number): void {
    this.trueMs += ms;
    this.#clockMs += ms;
  }

  work({ good, late, bad, half }: { good: number; late: number; bad: number; half: number }): void {
    this.#settle();
    this.worker.add(1, CELL.finished, good + late + bad + half);
    this.worker.add(1, CELL.late, late);
    this.worker.add(1, CELL.bad, bad);
    this.#half = half;
    this.truth.finished += good + late + bad + half;
    this.truth.bad += bad + half;
    this.truth.late += late;
  }

  replace(): void {
    this.#settle();
    this.#workers += 1;
    this.worker = new FakeWorker(this.#workers);
    this.look();
  }

  restart(awayMs: number): void {
    this.#settle();
    this.look();
    const saved = this.engine.save(this.#clockMs);
    this.trueMs += awayMs;
    this.#clockMs = 700;
    this.#workers += 1;
    this.worker = new FakeWorker(this.#workers);
    this.engine = new SloEngine();
    this.engine.follow([SOURCE]);
    assert.deepEqual(this.engine.restore(saved, this.#clockMs, awayMs), []);
  }

  /** A quiet end: what was half written is written, and a good one lets what is owed be taken off. */
  finish(): readonly SloStatus[] {
    this.look();
    this.work({ good: 1000, late: 0, bad: 0, half: 0 });
    this.look();
    return this.engine.status(this.instant);
  }

  #settle(): void {
    this.worker.add(1, CELL.bad, this.#half);
    this.#half = 0;
  }
}

function everyNumberIsFinite(value: unknown, path = ''): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${path} is ${value}`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) everyNumberIsFinite(inner, `${path}.${key}`);
}

describe('the engine', () => {
  it('counts every event once, whatever becomes of workers, clocks and the process', () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 40 }), (moments) => {
        const history = new History();
        for (const one of moments) {
          history.pass(one.gapMs);
          history.wallOffMs = one.wallOffMs ?? history.wallOffMs;
          history.work(one);
          history.look();
          if (one.what === 'replace') history.replace();
          if (one.what === 'restart') history.restart(one.gapMs);
          everyNumberIsFinite(history.engine.status(history.instant));
        }
        const [availability, latency] = history.finish() as readonly [SloStatus, SloStatus];
        const { finished, bad, late } = history.truth;
        assert.deepEqual(availability.eventsTotal, { good: finished - bad, bad });
        assert.deepEqual(latency.eventsTotal, { good: finished - bad - late, bad: bad + late });
        const window = (name: WindowName) => recomputed(history.counted, name, history.ringMs);
        assert.deepEqual(availability.events, window('28d'));
        for (const name of BURN_WINDOWS) {
          assert.equal(availability.burnRates[name], burnRate(window(name), 1 - SLO.availabilityRatio), name);
        }
      }),
      { numRuns: runs(150) },
    );
  });

  it('reports a calendar month as if the wall clock had never been wrong, once it is right', () => {
    const wrong = fc.record({ stepMs: fc.integer({ min: -5 * HOUR_MS, max: 5 * HOUR_MS }), good: fc.nat({ max: 9 }) });
    fc.assert(
      fc.property(fc.array(wrong, { maxLength: 20 }), (steps) => {
        const history = new History();
        // Three days on either side of the first of November, three hours at a time.
        for (let n = 0; n < 48; n++) {
          const step = steps[n % Math.max(1, steps.length)];
          // A wrong clock is put right within the hour; what is counted meanwhile is booked by it.
          history.wallOffMs = n % 3 === 0 ? (step?.stepMs ?? 0) : 0;
          history.work({ good: 1 + (step?.good ?? 0), late: 0, bad: 0, half: 0 });
          history.look();
          history.wallOffMs = 0;
          history.look();
          history.booked.push({
            trueWallMs: START_WALL_MS + history.trueMs,
            total: 1 + (step?.good ?? 0),
          });
          history.pass(3 * HOUR_MS);
        }
        const status = history.engine.status(history.instant)[0] as SloStatus;
        const sinceMs = periodStartMs('month', history.instant.wallMs);
        assert.equal(status.calendar?.sinceMs, sinceMs);
        const inMonth = history.booked.filter(({ trueWallMs }) => trueWallMs >= sinceMs + 6 * HOUR_MS);
        let least = 0;
        for (const { total } of inMonth) least += total;
        let most = 0;
        for (const { total, trueWallMs } of history.booked) if (trueWallMs >= sinceMs - 6 * HOUR_MS) most += total;
        const good = status.calendar?.good ?? -1;
        // Only what was counted within the error of the clock around midnight may stand on the other side of it.
        assert.ok(good >= least && good <= most, `${least} <= ${good} <= ${most}`);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('the guard', () => {
  it('needs a count from which on all are enough', () => {
    const total = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(total, fc.double({ min: 1e-6, max: 0.5, noNaN: true }), (n, expectedRatio) => {
        const needed = badNeeded(n, expectedRatio);
        assert.ok(Number.isSafeInteger(needed));
        assert.ok(isBeyondChance(needed, n, expectedRatio));
        assert.ok(isBeyondChance(needed + 1, n, expectedRatio));
        assert.ok(needed === 2 || !isBeyondChance(needed - 1, n, expectedRatio));
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('a full outage', () => {
  it('pages in 52 s, give or take 10, at any rate from 10 requests a second on and wherever it begins', () => {
    const outage = fc.record({
      rate: fc.constantFrom(10, 37, 100, 1000, 20_000),
      /** Where in its slots and slices it begins. */
      beginsMs: fc.integer({ min: 0, max: 600_000 }),
      hours: fc.integer({ min: 6, max: 80 }),
    });
    fc.assert(
      fc.property(outage, ({ rate, beginsMs, hours }) => {
        const worker = new FakeWorker(1);
        const engine = new SloEngine();
        engine.follow([{ ...SOURCE, slo: { ...SLO, latency: null, calendar: null } }]);
        let nowMs = 0;
        const turn = (stepMs: number) => {
          nowMs += stepMs;
          return engine.turn([worker.region], { nowMs, wallMs: nowMs });
        };
        /** Requests of a time, as of which the loop turns once for every slice. */
        const pass = (ms: number, isBad: boolean) => {
          const count = Math.round((rate * ms) / 1000);
          worker.add(1, CELL.finished, count);
          if (isBad) worker.add(1, CELL.bad, count);
          return Array.from({ length: SLICES }, () => turn(ms / SLICES)).flat();
        };
        turn(0);
        pass(1 + beginsMs, false);
        // Minutes, so that days are cheap; every window is full behind the outage but the longest.
        for (let minute = 0; minute < 60 * hours; minute++) pass(60_000, false);
        const beganMs = nowMs;
        let pagedMs = Number.NaN;
        for (let second = 0; second < 90 && Number.isNaN(pagedMs); second++) {
          const page = pass(1000, true).find(({ severity, long }) => severity === 'page' && long === '1h');
          if (page?.state === 'firing') pagedMs = nowMs;
        }
        const tookS = (pagedMs - beganMs) / 1000;
        assert.ok(tookS >= 42 && tookS <= 62, `${tookS} s at ${rate}/s`);
      }),
      { numRuns: runs(40) },
    );
  });
});
