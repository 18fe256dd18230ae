/** The engine over workers' memory: what it counts, when it looks, and what idle routes cost. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AlertChange, SloConfig, SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { NO_SURROUNDINGS, ROW, type Surroundings } from '#src/slo/budget/composite/score.ts';
import { SLICES, SloEngine, TROUBLES_MAX } from '#src/slo/budget/engine.ts';
import type { Region } from '#src/slo/regions.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SLO: SloConfig = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };
const TIMED: SloConfig = { ...SLO, latency: { thresholdMs: 300, targetRatio: 0.99 } };
const SCORED: SloConfig = {
  ...SLO,
  composite: {
    targetRatio: 0.99,
    atLeastRatio: 0.9,
    windowMs: 1000,
    formula: 'mean',
    weights: { success: 1, latency: 1, health: 1, dependencies: 1 },
    dependencies: [],
    whileBelow: { accessLogRatio: 1, concurrencyRatio: 0.5 },
  },
};

function route(name: string, cell: number, slo = SLO): SloSource {
  return { scope: 'route', name, cells: [cell], slo };
}

/** An engine with its workers and a virtual clock. */
class Desk {
  readonly engine: SloEngine;
  nowMs = 0;
  regions: readonly Region[];

  constructor(workers: readonly FakeWorker[], surroundings: () => Surroundings = () => NO_SURROUNDINGS) {
    this.engine = new SloEngine(surroundings);
    this.regions = workers.map(({ region }) => region);
  }

  /** Seconds that each begin with something. */
  seconds(count: number, begin: () => void): void {
    for (let n = 0; n < count; n++) {
      begin();
      this.second();
    }
  }

  /** One second of turns, or part of one. */
  second(turns = SLICES): AlertChange[] {
    const changes: AlertChange[] = [];
    for (let n = 0; n < turns; n++) {
      this.nowMs += 100;
      changes.push(...this.engine.turn(this.regions, { nowMs: this.nowMs, wallMs: this.nowMs }));
    }
    return changes;
  }

  events(): Record<string, readonly [number, number]> {
    const statuses = this.engine.status({ nowMs: this.nowMs, wallMs: this.nowMs });
    const entries = statuses.map(({ scope, name, indicator, events }) => [
      `${scope} ${name} ${indicator}`,
      [events.good, events.bad] as const,
    ]);
    return Object.fromEntries(entries) as Record<string, readonly [number, number]>;
  }
}

describe('the engine', () => {
  it('counts seconds for a composite objective, beside the requests of the others', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker], () => ({ health: 1, dependencies: null }));
    desk.engine.follow([route('a', 1, SCORED)]);
    desk.seconds(4, () => worker.add(1, CELL.finished, 100));
    desk.seconds(2 * ROW, () => {
      worker.add(1, CELL.finished, 100);
      worker.add(1, CELL.bad, 50);
    });
    assert.deepEqual(desk.events(), { 'route a availability': [700, 300], 'route a composite': [4, 6] });
    assert.deepEqual(
      desk.engine.strained().map(({ name }) => name),
      ['a'],
    );
    const [, composite] = desk.engine.status({ nowMs: desk.nowMs, wallMs: 0 });
    assert.deepEqual([composite?.score?.parts.success, composite?.score?.isBelow], [0.5, true]);
    assert.equal(composite?.alerts[0]?.isFiring, true, '6 bad seconds of 10');
    desk.engine.follow([route('a', 1)]);
    assert.deepEqual(desk.engine.strained(), []);
  });

  it('leaves composite objectives out of what burns fast: whose requests those are nobody can say', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker], () => ({ health: 0, dependencies: null }));
    desk.engine.follow([route('a', 1, SCORED)]);
    desk.seconds(5, () => worker.add(1, CELL.finished, 100));
    assert.deepEqual(desk.engine.leftOf('a', desk.nowMs)?.fast, []);
    assert.ok((desk.engine.budgetOf('a', desk.nowMs)?.remainingRatio ?? 1) < 0, 'its budget binds rollouts');
  });

  it('tells what is wrong with all of them', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('fine', 1), route('broken', 2, TIMED)]);
    desk.seconds(20, () => {
      for (const cell of [1, 2]) worker.add(cell, CELL.finished, 100);
      worker.add(2, CELL.bad, 50);
    });
    const { found: troubles, unsaid } = desk.engine.troubles();
    assert.equal(unsaid, 0);
    assert.deepEqual(new Set(troubles.map(({ name }) => name)), new Set(['broken']));
    assert.deepEqual(new Set(troubles.map(({ indicator }) => indicator)), new Set(['availability', 'latency']));
    assert.equal(troubles.filter(({ kind }) => kind === 'budget').length, 2);
  });

  it('tells so many of them one by one, and counts the others', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow(Array.from({ length: TROUBLES_MAX }, (_, n) => route(`r${n}`, 1)));
    desk.seconds(20, () => {
      worker.add(1, CELL.finished, 100);
      worker.add(1, CELL.bad, 50);
    });
    const { found, unsaid } = desk.engine.troubles();
    assert.deepEqual([found.length, unsaid], [TROUBLES_MAX, 3 * TROUBLES_MAX]);
  });

  it('weighs the requests of the gateway by what they are worth', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    const { calendar, errorWeights, budgetPolicy } = SLO;
    const terms = { calendar, errorWeights, budgetPolicy };
    const business = { targetRatio: 0.99, atLeastRatio: 0.9, windowMs: 1000, lateRatio: 1, terms };
    const source: SloSource = {
      scope: 'gateway',
      name: 'business',
      cells: [1, 2],
      values: [10, 0.5],
      slo: { ...terms, business },
    };
    desk.engine.follow([source]);
    desk.seconds(2, () => {
      for (const cell of [1, 2]) worker.add(cell, CELL.finished, 100);
      worker.add(2, CELL.bad, 100);
    });
    assert.deepEqual(desk.events(), { 'gateway business business': [2, 0] });
    desk.seconds(1, () => {
      worker.add(1, CELL.finished, 100);
      worker.add(1, CELL.bad, 20);
    });
    const [status] = desk.engine.status({ nowMs: desk.nowMs, wallMs: 0 });
    assert.deepEqual(status?.score?.value, { asked: 3100, served: 2800 });
    assert.deepEqual([status?.score?.now, status?.events], [0.8, { good: 2, bad: 1 }]);
  });

  it('goes on with the seconds that an earlier process counted', () => {
    const worker = new FakeWorker(1);
    const [before, after] = [new Desk([worker], () => ({ health: 1, dependencies: null })), new Desk([])];
    before.engine.follow([route('a', 1, SCORED)]);
    before.seconds(5, () => undefined);
    after.engine.follow([route('a', 1, SCORED)]);
    assert.deepEqual(after.engine.restore(before.engine.save(before.nowMs), 0, 0), []);
    assert.deepEqual(after.events(), { 'route a availability': [0, 0], 'route a composite': [5, 0] });
  });

  it('tells rollouts of the worst of a route’s objectives', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1, TIMED), { scope: 'service', name: 'a', cells: [1], slo: SLO }]);
    assert.deepEqual(desk.engine.budgetOf('a', 0), { remainingRatio: null, remainingEvents: null, alert: null });
    assert.equal(desk.engine.budgetOf('b', 0), null);
    worker.add(1, CELL.finished, 10_000);
    worker.add(1, CELL.bad, 1);
    worker.add(1, CELL.late, 80);
    desk.second();
    const budget = desk.engine.budgetOf('a', desk.nowMs);
    assert.equal(budget?.remainingRatio?.toFixed(3), '0.190', 'latency has less left than availability');
    assert.equal(budget.remainingEvents?.toFixed(3), '9.000', 'of availability');
  });

  it('tells what is left to a route, and which of its objectives burn fast', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1, TIMED)]);
    assert.equal(desk.engine.leftOf('b', 0), null);
    assert.deepEqual(desk.engine.leftOf('a', 0), { remainingRatio: null, fast: [] });
    worker.add(1, CELL.finished, 10_000);
    worker.add(1, CELL.late, 80);
    desk.second();
    const left = desk.engine.leftOf('a', desk.nowMs);
    assert.deepEqual([left?.remainingRatio?.toFixed(3), left?.fast], ['0.200', []]);
    worker.add(1, CELL.finished, 1000);
    worker.add(1, CELL.bad, 1000);
    desk.second();
    const fast = desk.engine
      .leftOf('a', desk.nowMs)
      ?.fast.map(({ indicator, budgetRatio }) => [indicator, budgetRatio.toFixed(3)]);
    // 91 times what availability leaves, 9.8 times what latency does.
    assert.deepEqual(fast, [['availability', '0.001']]);
  });

  it('counts routes, services and both indicators from the same cells', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([
      route('a', 1, TIMED),
      route('b', 2),
      { scope: 'service', name: 's', cells: [1, 2], slo: TIMED },
    ]);
    for (const [cell, finished] of [
      [1, 100],
      [2, 50],
    ] as const) {
      worker.add(cell, CELL.finished, finished);
      worker.add(cell, CELL.bad, cell);
      worker.add(cell, CELL.late, 10);
      worker.add(cell, CELL.serviceLate, 20);
    }
    desk.second();
    assert.deepEqual(desk.events(), {
      'route a availability': [99, 1],
      'route a latency': [89, 11],
      'route b availability': [48, 2],
      'service s availability': [147, 3],
      'service s latency': [107, 43],
    });
  });

  it('looks at every source in use once a second, however many there are', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow(Array.from({ length: 25 }, (_, n) => route(`r${n}`, 1 + (n % 5))));
    for (let cell = 1; cell <= 5; cell++) worker.add(cell, CELL.finished, 1);
    const looked = [1, 11, 7, 2].map((s) => desk.second(s * SLICES).length + desk.engine.takeMoved().length);
    assert.deepEqual(looked, [25, 25, 0, 25], 'at nobody idle but when windows slide, at 20 s');
    for (const events of Object.values(desk.events())) assert.deepEqual(events, [1, 0]);
  });

  it('tells of an outage of a route within the minute, and of its end', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1), route('b', 2)]);
    const seconds = (count: number, isBad: boolean): AlertChange[] => {
      const changes: AlertChange[] = [];
      for (let n = 0; n < count; n++) {
        worker.add(1, CELL.finished, 1000);
        if (isBad) worker.add(1, CELL.bad, 1000);
        worker.add(2, CELL.finished, 1000);
        changes.push(...desk.second());
      }
      return changes;
    };
    assert.deepEqual(seconds(3600, false), []);
    const fired = seconds(62, true);
    assert.deepEqual(
      fired.map(({ name, severity, long, state }) => [name, severity, long, state]),
      [
        // An hour of history only: longer windows hold no more than that, so they are exceeded sooner.
        ['a', 'ticket', '3d', 'firing'],
        ['a', 'page', '6h', 'firing'],
        ['a', 'page', '1h', 'firing'],
      ],
    );
    const resolved = seconds(400, false);
    assert.ok(resolved.some(({ long, state }) => long === '1h' && state === 'resolved'));
  });

  it('loses nothing that a worker counted before it left', () => {
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    const desk = new Desk([first]);
    desk.engine.follow(Array.from({ length: 12 }, (_, n) => route(`r${n}`, 1 + (n % 7))));
    // In the middle of a second: those whose turn it was already must be looked at as well.
    desk.second(SLICES + 4);
    for (let cell = 1; cell <= 7; cell++) first.add(cell, CELL.finished, 3);
    desk.regions = [second.region];
    desk.second();
    for (let cell = 1; cell <= 7; cell++) second.add(cell, CELL.finished, 4);
    desk.second();
    for (const events of Object.values(desk.events())) assert.deepEqual(events, [7, 0]);
  });

  it('lets the past of a cell be when a route gets objectives, and keeps counts over a reload', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.second();
    worker.add(1, CELL.finished, 1000);
    desk.engine.follow([route('a', 1)]);
    worker.add(1, CELL.finished, 7);
    desk.second();
    desk.engine.follow([route('b', 2), route('a', 1, { ...TIMED, availabilityRatio: 0.5 })]);
    worker.add(1, CELL.finished, 1);
    desk.second();
    assert.deepEqual(desk.events(), {
      'route b availability': [0, 0],
      'route a availability': [8, 0],
      'route a latency': [1, 0],
    });
  });

  it('ends the alerts of a route that goes', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1)]);
    worker.add(1, CELL.finished, 100);
    worker.add(1, CELL.bad, 100);
    assert.equal(desk.second().length, 3);
    desk.engine.follow([]);
    assert.deepEqual(
      desk.second().map(({ state }) => state),
      ['resolved', 'resolved', 'resolved'],
    );
  });

  it('counts errors by class and weighs them', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1, { ...TIMED, errorWeights: { client: 1, transient: 0.5, server: 2 } })]);
    worker.add(1, CELL.finished, 20);
    worker.add(1, CELL.errorClasses, 1);
    worker.add(1, CELL.errorClasses + 1, 2);
    worker.add(1, CELL.errorClasses + 2, 3);
    desk.second();
    for (const { errors } of desk.engine.status({ nowMs: desk.nowMs, wallMs: 0 })) {
      assert.deepEqual(errors, { client: 1, transient: 2, server: 3, weighted: 8 });
    }
  });

  it('saves what counted, and restores it into a new process', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1, TIMED), route('idle', 2)]);
    worker.add(1, CELL.finished, 100);
    worker.add(1, CELL.bad, 4);
    desk.second();
    const saved = desk.engine.save(desk.nowMs);
    assert.deepEqual(
      saved.map(({ id }) => id),
      ['route/a/availability', 'route/a/latency/300ms'],
    );
    const next = new Desk([new FakeWorker(2)]);
    next.engine.follow([route('a', 1)]);
    assert.deepEqual(next.engine.restore(saved, 0, 5000), ['route/a/latency/300ms']);
    assert.deepEqual(next.events(), { 'route a availability': [96, 4] });
  });

  it('keeps counts apart until it is known what was saved, also of routes that came meanwhile', () => {
    const before = new Desk([new FakeWorker(1)]);
    before.engine.follow([route('a', 1), route('b', 2)]);
    const counted = new FakeWorker(3);
    before.regions = [counted.region];
    for (const cell of [1, 2]) counted.add(cell, CELL.finished, 100);
    before.second();
    const saved = before.engine.save(before.nowMs);

    const worker = new FakeWorker(2);
    const desk = new Desk([worker]);
    desk.engine.follow([route('a', 1)]);
    desk.engine.keepApart(0);
    desk.engine.follow([route('a', 1), route('b', 2)]);
    for (const cell of [1, 2]) worker.add(cell, CELL.finished, 7);
    desk.second();
    assert.deepEqual(desk.engine.saveNews(desk.nowMs, 10).length, 2);
    assert.deepEqual(desk.engine.restore(saved, desk.nowMs, 0), []);
    const sums = { 'route a availability': [107, 0], 'route b availability': [107, 0] };
    assert.deepEqual(desk.events(), sums);
    desk.engine.settle();
    assert.deepEqual(desk.engine.saveNews(desk.nowMs, 10).length, 2, 'the sum is not what was saved');
    assert.deepEqual(desk.events(), sums);
  });

  it('looks at everybody at once when asked to', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([1, 2, 3].map((cell) => route(`r${cell}`, cell)));
    for (const cell of [1, 2, 3]) worker.add(cell, CELL.finished, cell);
    desk.engine.turn(desk.regions, { nowMs: 100, wallMs: 0 }, true);
    assert.deepEqual(
      Object.values(desk.events()).map(([good]) => good),
      [1, 2, 3],
    );
  });

  it('saves news once, a few at a time, and comes round to everybody', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow([1, 2, 3].map((cell) => route(`r${cell}`, cell)));
    for (const cell of [1, 2, 3]) worker.add(cell, CELL.finished, 10);
    desk.second();
    const save = () => desk.engine.saveNews(desk.nowMs, 2).map(({ id }) => id);
    const [first, second] = [save(), save()];
    assert.deepEqual([first.length, second.length, save().length], [2, 1, 0]);
    assert.equal(new Set([...first, ...second]).size, 3);
    worker.add(2, CELL.finished, 1);
    desk.second();
    assert.deepEqual(save(), ['route/r2/availability']);
  });
});
