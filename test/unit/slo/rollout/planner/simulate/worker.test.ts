/** What the simulator's worker writes is what the readers of shared memory count. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS } from '#src/model/latency.ts';
import { CELL, CELL_WORDS, EVENTS_MAX } from '#src/model/tallies.ts';
import { EventReader } from '#src/slo/events.ts';
import { type Finish, SimulatedWorker } from '#src/slo/rollout/planner/simulate/worker.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { UserWindow } from '#src/slo/users.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';

const GOOD: Finish = { cell: 2, unit: 1, user: 77, isBad: false, nowMs: 10_500 };
const BAD: Finish = { ...GOOD, user: 78, isBad: true };

describe('the worker of the simulator', () => {
  it('counts requests, failures and times', () => {
    const worker = new SimulatedWorker(1);
    worker.finish({ ...GOOD, tookMs: 40 });
    worker.finish(BAD);
    const totals = new Totals();
    totals.follow([worker.region]);
    const { finished, bad, pinned } = totals.of(2);
    assert.deepEqual([finished, bad, pinned], [2, 1, 0]);
    assert.equal(totals.of(1).finished, 0);
  });

  it('marks users, each once a second', () => {
    const worker = new SimulatedWorker(1);
    const users = new UserWindow([{ unit: 1, cell: 2 }], [worker.region]);
    for (const exchange of [GOOD, GOOD, BAD]) worker.finish(exchange);
    const counts = { finished: 0, bad: 0 };
    users.read([worker.region], counts);
    assert.deepEqual(counts, { finished: 2, bad: 1 });
  });

  it('writes down failures as long as there is room, and counts the others as lost', () => {
    const worker = new SimulatedWorker(1);
    const reader = new EventReader();
    for (let n = 0; n < EVENTS_MAX + 3; n++) worker.finish(BAD);
    const events = reader.drain([worker.region]);
    assert.equal(events.length, EVENTS_MAX);
    assert.deepEqual([events[0]?.cell, events[0]?.atMs], [2, 10_500]);
    assert.equal(reader.lost, 3);
  });

  it('counts the thresholds that a request exceeds, once there are some and it began after them', () => {
    const dials = createLatencyDials();
    const worker = new SimulatedWorker(1, undefined, dials);
    const levels = (): number[] => {
      const { cells } = worker.region.tallies;
      return [CELL.thresholds, CELL.thresholds + 1, CELL.levels + 2].map(
        (word) => cells[2 * CELL_WORDS + word] as number,
      );
    };
    worker.finish({ ...GOOD, tookMs: 100 });
    assert.deepEqual(levels(), [0, 0, 0]);
    const thresholds = [10, 20, 400, 800, 1600, 3200];
    setLatency(dials, 1, { sinceMs: 10_000, atEndMs: thresholds, inFlightMs: thresholds });
    assert.equal(dials[LATENCY_DIAL_WORDS + LATENCY_DIAL.since], 10_000);
    worker.finish({ ...GOOD, tookMs: 100 });
    worker.finish({ ...GOOD, nowMs: 10_050, tookMs: 100 });
    assert.deepEqual(levels(), [1, 1, 1]);
  });
});
