/** Trials per threshold: each exchange once, over all workers that ever were, also when counters wrap. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArmCounts } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { TrialWindow } from '#src/slo/latency/trials.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const CELL_ID = 2;

function out(): ArmCounts[] {
  return Array.from({ length: 6 }, () => ({ finished: 0, bad: 0 }));
}

/** Exceeded / finished per threshold. */
function read(window: TrialWindow, workers: readonly FakeWorker[]): string[] {
  const counts = out();
  window.read(
    workers.map(({ region }) => region),
    counts,
  );
  return counts.map(({ finished, bad }) => `${bad}/${finished}`);
}

describe('trials', () => {
  it('are those that exceed and those that ended below', () => {
    const worker = new FakeWorker(1);
    const window = new TrialWindow([CELL_ID], [worker.region]);
    worker.add(CELL_ID, CELL.levels, 90);
    worker.add(CELL_ID, CELL.levels + 1, 8);
    worker.add(CELL_ID, CELL.levels + 6, 1);
    worker.add(CELL_ID, CELL.thresholds, 10);
    for (let k = 1; k < 6; k++) worker.add(CELL_ID, CELL.thresholds + k, 1);
    // The tenth that exceeds the first threshold is under way: the others know nothing of it.
    assert.deepEqual(read(window, [worker]), ['10/100', '1/99', '1/99', '1/99', '1/99', '1/99']);
    assert.deepEqual(read(window, [worker]), Array(6).fill('0/0'));
  });

  it('of all workers add up, one that is new counts from zero, one that left is forgotten', () => {
    const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
    a.add(CELL_ID, CELL.levels, 7);
    const window = new TrialWindow([CELL_ID], [a.region]);
    a.add(CELL_ID, CELL.levels, 1);
    b.add(CELL_ID, CELL.levels, 2);
    assert.equal(read(window, [a, b])[0], '0/3');
    assert.equal(read(window, [b])[0], '0/0');
    assert.equal(read(window, [a, b])[0], '0/8', 'as if it were a new one');
  });

  it('survive the wrap of a counter, and pass unread when skipped', () => {
    const worker = new FakeWorker(1);
    worker.add(CELL_ID, CELL.levels, -2);
    const window = new TrialWindow([CELL_ID], [worker.region]);
    worker.add(CELL_ID, CELL.levels, 5);
    assert.equal(read(window, [worker])[0], '0/5');
    worker.add(CELL_ID, CELL.levels, 5);
    window.skip([worker.region]);
    assert.equal(read(window, [worker])[0], '0/0');
  });
});
