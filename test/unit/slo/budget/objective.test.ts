/** One objective: what counts as missed, its alerts, its memory. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SloConfig } from '#src/model/slo.ts';
import type { ObjectiveTrouble } from '#src/model/threads/load/alerts.ts';
import { noCounts, type SliCounts } from '#src/slo/budget/counts.ts';
import { Objective, type ObjectiveSpec, objectiveId } from '#src/slo/budget/objective.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';

const WALL_MS = Date.UTC(2026, 10, 20, 12);
const NO_ERRORS = { client: 0, transient: 0, server: 0, weighted: 0 };
const SLO: SloConfig = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };

function specOf(changes: Partial<ObjectiveSpec> = {}, slo: Partial<SloConfig> = {}): ObjectiveSpec {
  return {
    scope: 'route',
    name: 'checkout',
    indicator: 'availability',
    targetRatio: 0.999,
    thresholdMs: null,
    slo: { ...SLO, ...slo },
    ...changes,
  };
}

function counts(finished: number, bad = 0, late = 0): SliCounts {
  return { ...noCounts(), finished, bad, late };
}

function at(nowMs: number) {
  return { nowMs, wallMs: WALL_MS + nowMs };
}

/** Counts and evaluates once a second; returns the sentences. */
function run(objective: Objective, fromMs: number, seconds: number, each: SliCounts): string[] {
  const sentences: string[] = [];
  for (let n = 0; n < seconds; n++) {
    const nowMs = fromMs + n * 1000;
    objective.count(each, at(nowMs));
    for (const { sentence } of objective.evaluate(nowMs)) sentences.push(sentence);
  }
  return sentences;
}

function troublesOf(objective: Objective): ObjectiveTrouble[] {
  const found: ObjectiveTrouble[] = [];
  assert.equal(objective.troubles(found, 100), 0);
  return found;
}

describe('an objective', () => {
  it('of availability misses bad exchanges, of latency late ones too', () => {
    const availability = new Objective(specOf());
    const latency = new Objective(specOf({ indicator: 'latency', thresholdMs: 300 }));
    for (const objective of [availability, latency]) objective.count(counts(100, 3, 5), at(0));
    assert.deepEqual(availability.status(at(0), NO_ERRORS).events, { good: 97, bad: 3 });
    assert.deepEqual(latency.status(at(0), NO_ERRORS).events, { good: 92, bad: 8 });
  });

  it('has the events of 28 days, and forgets those before', () => {
    const objective = new Objective(specOf());
    assert.deepEqual(objective.periodEvents(0), { good: 0, bad: 0 });
    objective.count(counts(100, 3), at(0));
    objective.count(counts(10, 1), at(3_600_000));
    assert.deepEqual(objective.periodEvents(3_600_000), { good: 106, bad: 4 });
    assert.deepEqual(objective.periodEvents(28 * 86_400_000), { good: 9, bad: 1 });
  });

  it('is known by what it counts, not by its target', () => {
    assert.equal(objectiveId(specOf({ targetRatio: 0.5 })), objectiveId(specOf()));
    assert.equal(objectiveId(specOf({ indicator: 'latency', thresholdMs: 300 })), 'route/checkout/latency/300ms');
  });

  it('tells what is wrong with it: alerts that fire, and a budget that is spent beyond chance', () => {
    const objective = new Objective(specOf());
    run(objective, 0, 10, counts(100));
    assert.deepEqual(troublesOf(objective), []);
    run(objective, 10_000, 60, counts(10, 10));
    const troubles = troublesOf(objective).map(({ kind, severity, key }) => `${severity} ${kind} ${key}`);
    assert.deepEqual(troubles, [
      'page burn route/checkout/availability 1h',
      'page burn route/checkout/availability 6h',
      'ticket burn route/checkout/availability 3d',
      'ticket budget route/checkout/availability',
    ]);
    const { sentence, scope, name, indicator } = troublesOf(objective).at(-1) ?? assert.fail();
    assert.deepEqual([scope, name, indicator], ['route', 'checkout', 'availability']);
    assert.match(sentence, /the budget is overspent by \d+ %; 600 bad of 1600 in 28 days$/);
    const few: ObjectiveTrouble[] = [];
    assert.deepEqual([objective.troubles(few, 1), few.length], [3, 1], 'the others are counted');
    objective.retire();
    assert.deepEqual(troublesOf(objective), [], 'nobody asks for it any more');
    const unlucky = new Objective(specOf({ targetRatio: 0.99 }));
    run(unlucky, 0, 1, counts(50, 1));
    assert.ok((unlucky.status(at(0), NO_ERRORS).remainingRatio ?? 0) < 0);
    assert.deepEqual(troublesOf(unlucky), [], 'one of fifty happens by chance');
  });

  it('that counted nothing knows nothing, and all of it is finite', () => {
    const objective = new Objective(specOf());
    objective.count(counts(0), at(0));
    assert.deepEqual(objective.evaluate(0), []);
    const status = objective.status(at(0), NO_ERRORS);
    assert.deepEqual(
      [status.remainingRatio, status.exhaustedInMs, status.burnRates['5m'], status.policy.kind],
      [null, null, null, 'allowed'],
    );
    assert.equal(objective.save(0), null);
  });

  it('takes an event back that was seen before its worker said that it was bad', () => {
    const objective = new Objective(specOf());
    objective.count(counts(1, 0), at(0));
    objective.count(counts(0, 1), at(1000));
    objective.count(counts(9, 0), at(2000));
    assert.deepEqual(objective.status(at(2000), NO_ERRORS).events, { good: 9, bad: 1 });
  });

  it('fires and resolves with a sentence each, once', () => {
    const objective = new Objective(specOf());
    assert.deepEqual(run(objective, 0, 600, counts(100)), []);
    const fired = run(objective, 600_000, 60, counts(100, 100));
    assert.equal(fired.length, 3);
    assert.match(
      fired.join('\n'),
      /^route checkout, availability 99\.9 %: page firing, burn .* over 1h and .* over 5m/m,
    );
    const alerts = objective.status(at(660_000), NO_ERRORS).alerts;
    assert.deepEqual(
      alerts.map(({ isFiring }) => isFiring),
      [true, true, true],
    );
    assert.ok((alerts[0]?.firingForMs ?? 0) > 50_000);
    const resolved = run(objective, 660_000, 400, counts(100));
    assert.match(resolved.join('\n'), /page resolved, burn .* over 1h and 0x over 5m/);
  });

  it('resolves while nothing is counted, too', () => {
    const objective = new Objective(specOf());
    run(objective, 0, 100, counts(10, 10));
    const sentences = run(objective, 100_000, 400, counts(0));
    assert.match(sentences.join('\n'), /page resolved, burn 1000x over 1h and nothing counted over 5m/);
  });

  it('ends its alerts when it retires', () => {
    const objective = new Objective(specOf());
    run(objective, 0, 10, counts(10, 10));
    assert.deepEqual(
      objective.retire().map(({ state }) => state),
      ['resolved', 'resolved', 'resolved'],
    );
    assert.deepEqual(objective.retire(), []);
  });

  it('keeps its counts when the target changes, and judges them by the new one', () => {
    const objective = new Objective(specOf());
    objective.count(counts(1000, 1), at(0));
    assert.ok(Math.abs(objective.status(at(0), NO_ERRORS).remainingRatio ?? 1) < 1e-9);
    objective.spec = specOf({ targetRatio: 0.99 });
    assert.ok(Math.abs((objective.status(at(0), NO_ERRORS).remainingRatio ?? 0) - 0.9) < 1e-9);
  });

  it('reports the calendar period, and begins anew when its unit changes', () => {
    const objective = new Objective(specOf({}, { calendar: 'month' }));
    objective.count(counts(1000, 1), at(0));
    const { calendar } = objective.status(at(0), NO_ERRORS);
    assert.deepEqual([calendar?.unit, calendar?.sinceMs, calendar?.bad], ['month', Date.UTC(2026, 10, 1), 1]);
    const next = objective.status({ nowMs: 0, wallMs: Date.UTC(2026, 11, 1) }, NO_ERRORS).calendar;
    assert.deepEqual([next?.bad, next?.remainingRatio], [0, null]);
    objective.spec = specOf({}, { calendar: 'week' });
    assert.equal(objective.status(at(0), NO_ERRORS).calendar?.good, 0);
  });

  it('tells rollouts what is left and what fires', () => {
    const objective = new Objective(specOf());
    assert.deepEqual(objective.budget(0), { remainingRatio: null, remainingEvents: null, alert: null });
    objective.count(counts(10_000, 4), at(0));
    const { remainingRatio, remainingEvents, alert } = objective.budget(0);
    assert.deepEqual([remainingRatio?.toFixed(6), remainingEvents?.toFixed(6), alert], ['0.600000', '6.000000', null]);
    run(objective, 1000, 120, counts(100, 100));
    assert.equal(objective.budget(121_000).alert, 'availability of route checkout burns above 14.4x over 1h and 5m');
  });

  it('says what its budget allows', () => {
    const objective = new Objective(specOf());
    objective.count(counts(1000, 5), at(0));
    const { policy, remainingRatio, exhaustedInMs } = objective.status(at(0), NO_ERRORS);
    assert.equal(policy.kind, 'frozen');
    assert.ok((remainingRatio ?? 0) < -3.9);
    assert.equal(exhaustedInMs, 0);
  });
});

describe('a saved objective', () => {
  it('takes an event back once that two processes saw too early, though it is told of it twice', () => {
    const saved = new Objective(specOf());
    saved.count(counts(1, 0), at(0));
    saved.count(counts(0, 1), at(0));
    const state = saved.save(0);
    assert.ok(state !== null && state.owed === 1);
    const objective = new Objective(specOf());
    objective.keepApart(0);
    objective.restore(state, 0, 0);
    objective.restore(state, 0, 0);
    objective.settle();
    objective.count(counts(10), at(1000));
    assert.deepEqual(objective.status(at(1000), NO_ERRORS).events, { good: 10, bad: 1 });
  });

  it('goes on after a restart with its windows, calendar and alerts, and does not fire again', () => {
    const objective = new Objective(specOf({}, { calendar: 'week' }));
    run(objective, 0, 600, counts(100));
    run(objective, 600_000, 60, counts(100, 100));
    const saved = objective.save(660_000);
    assert.ok(saved !== null);
    const back = new Objective(specOf({}, { calendar: 'week' }));
    back.restore(saved, 5, 1000);
    const [was, is] = [objective.status(at(661_000), NO_ERRORS), back.status({ nowMs: 5, wallMs: WALL_MS }, NO_ERRORS)];
    assert.deepEqual(is.events, was.events);
    assert.deepEqual(is.burnRates, was.burnRates);
    assert.deepEqual(is.alerts, was.alerts);
    assert.deepEqual(is.calendar, was.calendar);
    assert.deepEqual(run(back, 1005, 30, counts(100, 100)), []);
  });
});
