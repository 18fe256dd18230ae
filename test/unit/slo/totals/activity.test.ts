/** Who is to be looked at, counted, over workers' memory. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { Activity, LOOKS_AFTER } from '#src/slo/totals/activity.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

/** Places 0 to 2: a cell, two cells, a cell; nobody is due but by what ends. */
function quiet(): Activity {
  const activity = new Activity([[0], [1, 2], [3]]);
  for (let n = 0; n < 3; n++) activity.setDue(n, Number.POSITIVE_INFINITY);
  return activity;
}

function dueOf(activity: Activity, nowMs = 0): number[] {
  return [0, 1, 2].filter((n) => activity.isDue(n, nowMs));
}

describe('who is to be looked at', () => {
  it('is everybody in the beginning, and nobody while nothing ends', () => {
    const worker = new FakeWorker(1);
    const activity = new Activity([[0], [1, 2], [3]]);
    activity.turn([worker.region]);
    assert.deepEqual(dueOf(activity), [0, 1, 2]);
    for (let n = 0; n < 3; n++) activity.setDue(n, Number.POSITIVE_INFINITY);
    assert.deepEqual(dueOf(activity), []);
    activity.setAllDue();
    assert.deepEqual(dueOf(activity), [0, 1, 2]);
  });

  it('is whose exchange ended, as whatever, in any of its cells, and for some looks after', () => {
    const worker = new FakeWorker(1);
    const activity = quiet();
    activity.turn([worker.region]);
    worker.add(0, CELL.finished, 1);
    worker.add(2, CELL.ignored, 1);
    for (let look = 0; look <= LOOKS_AFTER; look++) assert.deepEqual(dueOf(activity), [0, 1], `look ${look}`);
    assert.deepEqual(dueOf(activity), []);
    worker.add(1, CELL.finished, 1);
    assert.deepEqual(dueOf(activity), [1]);
  });

  it('is who asked to be, from then on', () => {
    const activity = quiet();
    activity.turn([]);
    activity.setDue(1, 500);
    assert.deepEqual(dueOf(activity, 499), []);
    assert.deepEqual(dueOf(activity, 500), [1]);
  });

  it('sees what a worker counted that is new, of one that stays only what is added', () => {
    const [one, two] = [new FakeWorker(1), new FakeWorker(2)];
    one.add(0, CELL.finished, 5);
    two.add(3, CELL.finished, 5);
    const activity = quiet();
    activity.turn([one.region]);
    for (let look = 0; look <= LOOKS_AFTER; look++) assert.deepEqual(dueOf(activity), [0]);
    activity.turn([one.region, two.region]);
    assert.deepEqual(dueOf(activity), [2]);
  });

  it('sees counters wrap', () => {
    const worker = new FakeWorker(1);
    worker.add(0, CELL.finished, 2 ** 31 - 1);
    const activity = quiet();
    activity.turn([worker.region]);
    for (let look = 0; look <= LOOKS_AFTER; look++) dueOf(activity);
    worker.add(0, CELL.finished, 1);
    assert.deepEqual(dueOf(activity), [0]);
  });
});
