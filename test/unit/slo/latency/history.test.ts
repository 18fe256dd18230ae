/** Latencies of the last minutes: what was before is not known, what is old is left out. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LatencyHistory, SPAN_MS } from '#src/slo/latency/history.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const CELL_ID = 2;

function setup() {
  const worker = new FakeWorker(1);
  const regions = [worker.region];
  const finish = (count: number, tookMs: number): void => {
    for (let n = 0; n < count; n++) {
      worker.finish({ cell: CELL_ID, unit: 0, user: n, isBad: false, nowMs: 10_000, tookMs });
    }
  };
  finish(1000, 7);
  return { finish, regions, history: new LatencyHistory([CELL_ID], regions, 0) };
}

/** Within the width of a bucket. */
function near(value: number | null | undefined, expected: number): void {
  assert.ok(value !== null && value !== undefined && Math.abs(value / expected - 1) < 0.012, `${value}`);
}

describe('a history', () => {
  it('begins empty, whatever the cell counted before', () => {
    const { history, regions } = setup();
    history.take(regions);
    assert.equal(history.recent([0.5], 1), null);
  });

  it('has quantiles once there are enough latencies', () => {
    const { finish, history, regions } = setup();
    finish(150, 20);
    finish(50, 80);
    history.take(regions);
    assert.equal(history.recent([0.5], 201), null);
    const quantiles = history.recent([0.5, 0.9], 200);
    near(quantiles?.[0], 20);
    near(quantiles?.[1], 80);
  });

  it('leaves out what is older than its span', () => {
    const { finish, history, regions } = setup();
    finish(500, 20);
    for (let atMs = 60_000; atMs <= SPAN_MS + 60_000; atMs += 60_000) {
      history.turn(regions, atMs);
      finish(30, 90);
    }
    history.take(regions);
    near(history.recent([0.01], 100)?.[0], 90);
    assert.equal(history.recent([0.5], 500), null);
  });

  it('tells quantiles since a mark', () => {
    const { finish, history, regions } = setup();
    finish(500, 20);
    history.take(regions);
    history.mark();
    assert.equal(history.sinceMark(0.5), null);
    finish(3, 400);
    history.take(regions);
    near(history.sinceMark(0.5), 400);
  });

  it('adds up workers that come and go', () => {
    const { finish, history, regions } = setup();
    finish(100, 20);
    history.take(regions);
    const other = new FakeWorker(2);
    for (let n = 0; n < 300; n++) {
      other.finish({ cell: CELL_ID, unit: 0, user: n, isBad: false, nowMs: 10_000, tookMs: 60 });
    }
    history.take([other.region]);
    near(history.recent([0.2], 400)?.[0], 20);
    near(history.recent([0.5], 400)?.[0], 60);
  });
});
