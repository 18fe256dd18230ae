/** Recorded traffic: the engine's own arithmetic on the same events, and what is told of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { AlertChange, SloConfig, SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import type { RecordedRequest, TrafficObjective } from '#src/model/threads/load/traffic.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { COURSE_MAX, REORDER_S, TrafficReplay } from '#src/slo/replay/traffic.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { samples } from '../../../support/runner/depth.ts';
import { recordedRequest, TRAFFIC_MS, trafficObjective } from '../../../support/simulate/load/recorded.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SLO: SloConfig = {
  ...DEFAULT_SLO,
  availabilityRatio: 0.999,
  latency: { thresholdMs: 300, targetRatio: 0.99 },
  calendar: null,
};
const AVAILABLE = trafficObjective();
const FAST = trafficObjective({ indicator: 'latency', targetRatio: 0.99, thresholdMs: 300 });

function replayed(requests: Iterable<RecordedRequest>, objectives: readonly TrafficObjective[] = [AVAILABLE]) {
  const replay = new TrafficReplay(objectives, SLO);
  for (const request of requests) assert.ok(replay.take(request), 'it is not too late');
  return replay.end();
}

/** One second of traffic. */
interface Second {
  readonly second: number;
  readonly good: number;
  readonly bad: number;
  readonly late: number;
}

function* requestsOf({ second, good, bad, late }: Second): Generator<RecordedRequest> {
  const endedAtMs = TRAFFIC_MS + second * 1000 + 500;
  for (let n = 0; n < good; n++) yield recordedRequest({ endedAtMs });
  for (let n = 0; n < bad; n++) yield recordedRequest({ endedAtMs, status: 503 });
  for (let n = 0; n < late; n++) yield recordedRequest({ endedAtMs, durationMs: 301 });
}

/** Two hours with an outage, a slow time and a quiet one. */
function* history(seed: number): Generator<Second> {
  const random = new Random(seed);
  for (let second = 0; second < 7200; second++) {
    if (second > 5000 && second < 6500 && second !== 5900) continue;
    const good = Math.floor(4 * random.nextFloat());
    const isOut = second > 1800 && second < 2100;
    const bad = isOut && random.nextFloat() < 0.7 ? 2 : 0;
    yield { second, good, bad, late: second > 3000 && random.nextFloat() < 0.2 ? 1 : 0 };
  }
}

/** What the engine makes of it, looking at the end of each second as the loop does. */
function engineOn(seconds: readonly Second[]) {
  const worker = new FakeWorker(1);
  const engine = new SloEngine();
  const source: SloSource = { scope: 'route', name: 'checkout', cells: [1], slo: SLO };
  engine.follow([source]);
  const changes: (AlertChange & { readonly atMs: number })[] = [];
  const spent = new Set<number>();
  const last = seconds.at(-1)?.second ?? 0;
  const bySecond = new Map(seconds.map((one) => [one.second, one]));
  for (let second = 0; second <= last; second++) {
    const { good = 0, bad = 0, late = 0 } = bySecond.get(second) ?? {};
    worker.add(1, CELL.finished, good + bad + late);
    worker.add(1, CELL.bad, bad);
    worker.add(1, CELL.late, late);
    const nowMs = TRAFFIC_MS + (second + 1) * 1000;
    for (const change of engine.turn([worker.region], { nowMs, wallMs: nowMs }, true))
      changes.push({ ...change, atMs: nowMs });
    if (engine.troubles().found.some(({ kind, indicator }) => kind === 'budget' && indicator === 'availability'))
      spent.add(nowMs);
  }
  const nowMs = TRAFFIC_MS + (last + 1) * 1000;
  return { changes, spent, status: engine.status({ nowMs, wallMs: nowMs }) };
}

describe('recorded traffic', () => {
  for (const seed of [1, 2].slice(0, samples(2, 1))) {
    it(`has the alerts, budgets and burn rates that the gateway's engine has on the same events, seed ${seed}`, () => {
      const seconds = [...history(seed)];
      const { changes, spent, status } = engineOn(seconds);
      const { objectives } = replayed(
        seconds.flatMap((one) => [...requestsOf(one)]),
        [AVAILABLE, FAST],
      );
      for (const [n, one] of objectives.entries()) {
        const mine = changes.filter(({ indicator }) => indicator === one.indicator);
        const [fired, resolved] = [
          mine.filter(({ state }) => state === 'firing'),
          mine.filter(({ state }) => state === 'resolved'),
        ];
        assert.deepEqual(
          one.alerts.map(({ firedAtMs, sentence }) => [firedAtMs, sentence]),
          fired.map(({ atMs, sentence }) => [atMs, sentence]),
        );
        assert.deepEqual(
          one.alerts.flatMap(({ resolvedAtMs }) => resolvedAtMs ?? []).toSorted((a, b) => a - b),
          resolved.map(({ atMs }) => atMs),
        );
        const { events, remainingRatio } = status[n] ?? assert.fail();
        assert.deepEqual([one.good, one.bad, one.remainingRatio], [events.good, events.bad, remainingRatio]);
      }
      assert.ok(
        objectives.every(({ alerts }) => alerts.length > 0),
        'there was something to compare',
      );
      const [{ spent: told } = assert.fail()] = objectives;
      const isTold = (atMs: number): boolean =>
        told.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < (toMs ?? Number.POSITIVE_INFINITY));
      for (let second = 1; second <= 7200; second++) {
        const atMs = TRAFFIC_MS + second * 1000;
        assert.equal(isTold(atMs), spent.has(atMs), `spent at ${second} s`);
      }
    });
  }

  it('says how a target fits, what was met at best, and how long the budget lasts', () => {
    const day = Array.from({ length: 8640 }, (_, n) => ({
      second: 10 * n,
      good: 10,
      bad: n % 28.8 < 1 ? 1 : 0,
      late: 0,
    }));
    const objectives = [AVAILABLE, trafficObjective({ name: 'other' })];
    const {
      requests,
      unclaimed,
      fromMs,
      toMs,
      objectives: told,
    } = replayed(
      day.flatMap((one) => [...requestsOf(one)]),
      objectives,
    );
    assert.deepEqual([requests, unclaimed, fromMs, toMs], [86_700, 0, TRAFFIC_MS + 500, TRAFFIC_MS + 86_390_500]);
    const [missed, unseen] = told;
    assert.deepEqual([missed?.fit, missed?.good, missed?.bad], ['too-tight', 86_400, 300]);
    assert.ok(Math.abs((missed?.bestTargetRatio ?? 0) - 86_400 / 86_700) < 1e-12);
    assert.ok(Math.abs((missed?.burn ?? 0) - 300 / 86_700 / 0.001) < 1e-9);
    assert.ok(Math.abs((missed?.budgetLastsMs ?? 0) - (28 * 86_400_000) / (missed?.burn ?? 1)) < 1);
    assert.deepEqual([unseen?.fit, unseen?.bestTargetRatio, unseen?.burn, unseen?.alerts], [null, null, null, []]);
  });

  it('of more than 28 days met what its worst 28 days met', () => {
    const days = Array.from({ length: 58 }, (_, day) => ({
      second: day * 86_400,
      good: 99,
      bad: day < 29 ? 1 : 0,
      late: 0,
    }));
    const [one] = replayed(days.flatMap((each) => [...requestsOf(each)])).objectives;
    assert.equal(one?.bestTargetRatio, 0.99);
    assert.deepEqual([one?.bad, one?.remainingRatio], [29, 1], 'the last 28 days were good');
  });

  it('met no more than its worst 28 days, also those that end within an hour', () => {
    const minutes = Array.from({ length: 29 * 1440 }, (_, n) => ({
      endedAtMs: TRAFFIC_MS + n * 60_000,
      status: n < 29 * 1440 - 40 ? 200 : 500,
    }));
    const [failing] = replayed(minutes.map(recordedRequest)).objectives;
    assert.equal(failing?.bad, 40);
    assert.equal(failing?.bestTargetRatio, 1 - 40 / (28 * 1440));
    const recovered = Array.from({ length: 1000 }, () => recordedRequest({ endedAtMs: TRAFFIC_MS + 29 * 86_400_000 }));
    const [later] = replayed([...minutes.map(recordedRequest), ...recovered]).objectives;
    // When the next hour begins its slot is empty, and the window 27 days and 23 hours.
    assert.equal(later?.bestTargetRatio, 1 - 40 / (28 * 1440 - 60), 'the worst, not the last');
  });

  it('met no more than the 28 days at its end, also if its last requests are of others', () => {
    const at = (second: number, status: number, route = 'checkout') =>
      recordedRequest({ endedAtMs: TRAFFIC_MS + second * 1000, status, route });
    const first = Array.from({ length: 98 }, () => at(1801, 200));
    const last = at(28 * 86_400 + 1803, 200, 'other');
    const [one] = replayed([...first, at(4000, 500), at(4000, 200), last]).objectives;
    assert.equal(one?.bestTargetRatio, 0.5, 'the first hour is over for 28 days');
  });

  it('has a course that is fine for an hour, coarse for a month, and never long', () => {
    const hour = Array.from({ length: 3600 }, (_, second) => ({ second, good: 1, bad: 0, late: 0 }));
    const [short] = replayed(hour.flatMap((one) => [...requestsOf(one)])).objectives;
    assert.deepEqual(
      short?.course.map(({ atMs }) => (atMs - TRAFFIC_MS) / 300_000),
      Array.from({ length: 12 }, (_, n) => n + 1),
    );
    const month = Array.from({ length: 30 }, (_, day) => ({ second: day * 86_400, good: 1, bad: 0, late: 0 }));
    const [long] = replayed(month.flatMap((one) => [...requestsOf(one)])).objectives;
    assert.ok((long?.course.length ?? 0) <= COURSE_MAX && (long?.course.length ?? 0) >= 28);
    assert.ok(long?.course.every(({ remainingRatio }) => remainingRatio === 1));
  });

  it('may come out of order within ten minutes, and no later', () => {
    const at = (second: number) => recordedRequest({ endedAtMs: TRAFFIC_MS + second * 1000 });
    const sorted = replayed([at(0), at(100), at(REORDER_S)]);
    assert.deepEqual(replayed([at(REORDER_S), at(0), at(100)]), sorted);
    const replay = new TrafficReplay([AVAILABLE], SLO);
    assert.equal(replay.take(at(REORDER_S + 1)), true);
    assert.equal(replay.take(at(0)), false);
    assert.equal(replay.end().requests, 1, 'and is not counted');
  });

  it('counts a line for as many requests as it stands for, in whole ones', () => {
    const third = Array.from({ length: 300 }, (_, n) =>
      recordedRequest({ endedAtMs: TRAFFIC_MS + n * 1000, count: 10 / 3 }),
    );
    const [one] = replayed([...third, recordedRequest({ endedAtMs: TRAFFIC_MS, status: 500 })]).objectives;
    assert.deepEqual([one?.good, one?.bad], [1000, 1]);
  });

  it('tells users apart, and which of them met a bad event; leaves out of latency what has no duration', () => {
    const requests = [
      recordedRequest({ user: 'a' }),
      recordedRequest({ user: 'a', status: 500 }),
      recordedRequest({ user: 'b', durationMs: 301 }),
      recordedRequest({ user: 'c', durationMs: null }),
    ];
    const [available, fast] = replayed(requests, [AVAILABLE, FAST]).objectives;
    assert.deepEqual([available?.users, available?.untimed], [{ all: 3, failed: 1 }, 0]);
    assert.deepEqual([fast?.users, fast?.untimed, fast?.good, fast?.bad], [{ all: 2, failed: 2 }, 1, 1, 2]);
    assert.equal(replayed([recordedRequest()]).objectives[0]?.users, null);
  });

  it('leaves out of latency as many requests as a line without a duration stands for', () => {
    const lines = Array.from({ length: 3 }, () => recordedRequest({ durationMs: null, count: 10 / 3 }));
    const [fast] = replayed([recordedRequest(), ...lines], [FAST]).objectives;
    assert.deepEqual([fast?.good, fast?.untimed], [1, 10]);
  });

  it('is not waited for through years without a request', () => {
    const later = recordedRequest({ endedAtMs: TRAFFIC_MS + 20 * 365 * 86_400_000 });
    const [one] = replayed([recordedRequest({ status: 500 }), later]).objectives;
    assert.deepEqual([one?.good, one?.bad, one?.remainingRatio], [1, 1, 1], 'by then nothing is left of the first');
  });
});
