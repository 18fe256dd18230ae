/** When checks begin: apart from one another, not too many at a time, none forgotten. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Schedule } from '#src/health/checks/schedule.ts';
import { Random } from '#src/lib/random.ts';

const SEED = 8;
const INTERVAL_MS = 1000;

function scheduleOf(count: number, concurrencyMax = 1000): Schedule<number> {
  const schedule = new Schedule<number>(new Random(SEED), concurrencyMax);
  for (let n = 0; n < count; n++) schedule.add(n, INTERVAL_MS, 0);
  return schedule;
}

/** Instants at which each check began within a time, when each ends at once. */
function starts(schedule: Schedule<number>, forMs: number): Map<number, number[]> {
  const all = new Map<number, number[]>();
  for (let nowMs = 0; nowMs <= forMs; nowMs += 10) {
    for (const slot of schedule.turn(nowMs)) {
      all.set(slot.check, [...(all.get(slot.check) ?? []), nowMs]);
      schedule.done(slot);
    }
  }
  return all;
}

it('every check begins once an interval, give or take a tenth, and a tick', () => {
  for (const times of starts(scheduleOf(20), 60_000).values()) {
    assert.ok((times[0] as number) <= INTERVAL_MS + 10);
    times.slice(1).forEach((time, n) => {
      const gap = time - (times[n] as number);
      assert.ok(gap >= 900 && gap <= 1110, `seed ${SEED}: ${gap} ms`);
    });
  }
});

it('checks that are added together do not begin together, at first or later', () => {
  const all = starts(scheduleOf(1000), 30_000);
  for (const from of [0, 25_000]) {
    for (let tenth = 0; tenth < 10; tenth++) {
      const begun = [...all.values()]
        .flat()
        .filter((time) => time > from + tenth * 100 && time <= from + tenth * 100 + 100);
      assert.ok(
        begun.length > 60 && begun.length < 150,
        `seed ${SEED}: ${begun.length} of 100 at ${from} + ${tenth} tenths`,
      );
    }
  }
});

it('a check that is under way does not begin again', () => {
  const schedule = scheduleOf(1);
  const [slot] = schedule.turn(1000);
  assert.deepEqual(schedule.turn(9000), []);
  assert.ok(slot !== undefined);
  schedule.done(slot);
  assert.equal(schedule.turn(9000).length, 1);
});

it('no more than allowed are under way; who waited longest is next, and counted as late once', () => {
  const schedule = scheduleOf(10, 4);
  const first = schedule.turn(2000);
  assert.equal(first.length, 4);
  assert.deepEqual(schedule.turn(2100), []);
  assert.equal(schedule.late, 6);
  for (const slot of first) schedule.done(slot);
  const second = schedule.turn(2200);
  assert.equal(second.length, 4);
  assert.ok(second.every(({ check }) => first.every((slot) => slot.check !== check)));
  assert.equal(schedule.late, 6);
});

it('a check that was removed does not begin; removed while under way it frees its place', () => {
  const schedule = scheduleOf(2, 1);
  const [slot] = schedule.turn(2000);
  assert.ok(slot !== undefined);
  schedule.remove(slot);
  schedule.done(slot);
  const [other] = schedule.turn(2000);
  assert.ok(other !== undefined && other !== slot);
  schedule.remove(other);
  schedule.done(other);
  assert.deepEqual(schedule.turn(9000), []);
});

it('a check that is to begin more often does so within its new interval, and one that is to begin less often when it was to', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const schedule = new Schedule<number>(new Random(seed), 1);
    const slot = schedule.add(1, 600_000, 0);
    schedule.pace(slot, 1000, 5000);
    assert.ok(slot.dueAtMs <= 6000, `seed ${seed}: ${slot.dueAtMs}`);
    const { dueAtMs } = slot;
    schedule.pace(slot, 60_000, 5500);
    assert.deepEqual([slot.dueAtMs, slot.intervalMs], [dueAtMs, 60_000]);
  }
});
