/** The engine over workers' memory: what it counts, when it looks, and what idle routes cost. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AlertChange, SloConfig, SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { SLICES, SloEngine } from '#src/slo/budget/engine.ts';
import type { Region } from '#src/slo/regions.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SLO: SloConfig = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };
const TIMED: SloConfig = { ...SLO, latency: { thresholdMs: 300, targetRatio: 0.99 } };

function route(name: string, cell: number, slo = SLO): SloSource {
  return { scope: 'route', name, cells: [cell], slo };
}

/** An engine with its workers and a virtual clock. */
class Desk {
  readonly engine = new SloEngine();
  nowMs = 0;
  regions: readonly Region[];

  constructor(workers: readonly FakeWorker[]) {
    this.regions = workers.map(({ region }) => region);
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

  it('looks at every source once a second, however many there are', () => {
    const worker = new FakeWorker(1);
    const desk = new Desk([worker]);
    desk.engine.follow(Array.from({ length: 25 }, (_, n) => route(`r${n}`, 1 + (n % 5))));
    for (let cell = 1; cell <= 5; cell++) worker.add(cell, CELL.finished, 1);
    desk.second();
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
    desk.engine.keepApart();
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
