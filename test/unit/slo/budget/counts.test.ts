/** What objectives read from a cell. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { CountReader, noCounts } from '#src/slo/budget/counts.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const CELL_ID = 3;

function setup() {
  const workers = [new FakeWorker(1), new FakeWorker(2)] as const;
  return { workers, regions: workers.map(({ region }) => region) };
}

function read(reader: CountReader, regions: Parameters<CountReader['read']>[0]) {
  const { finished, bad, late, errors } = noCounts();
  const out = { finished, bad, late, errors };
  reader.read(regions, out);
  return [out.finished, out.bad, out.late, ...out.errors];
}

describe('a reading', () => {
  it('is the increase over all workers since the one before', () => {
    const { workers, regions } = setup();
    const reader = new CountReader(CELL_ID, CELL.late, regions);
    workers[0].add(CELL_ID, CELL.finished, 10);
    workers[0].add(CELL_ID, CELL.bad, 2);
    workers[1].add(CELL_ID, CELL.finished, 5);
    workers[1].add(CELL_ID, CELL.late, 1);
    workers[1].add(CELL_ID, CELL.errorClasses + 2, 3);
    assert.deepEqual(read(reader, regions), [15, 2, 1, 0, 0, 3]);
    assert.deepEqual(read(reader, regions), [0, 0, 0, 0, 0, 0]);
    workers[1].add(CELL_ID, CELL.finished, 1);
    assert.deepEqual(read(reader, regions), [1, 0, 0, 0, 0, 0]);
  });

  it('adds to what is there', () => {
    const { workers, regions } = setup();
    const out = noCounts();
    for (const cell of [1, 2]) {
      const reader = new CountReader(cell, CELL.late, regions);
      workers[0].add(cell, CELL.finished, cell);
      reader.read(regions, out);
    }
    assert.equal(out.finished, 3);
  });

  it('looks at the threshold that it was made for', () => {
    const { workers, regions } = setup();
    const reader = new CountReader(CELL_ID, CELL.serviceLate, regions);
    workers[0].add(CELL_ID, CELL.finished, 9);
    workers[0].add(CELL_ID, CELL.late, 5);
    workers[0].add(CELL_ID, CELL.serviceLate, 7);
    assert.equal(read(reader, regions)[2], 7);
  });

  it('leaves the past out', () => {
    const { workers, regions } = setup();
    workers[0].add(CELL_ID, CELL.finished, 10);
    assert.deepEqual(read(new CountReader(CELL_ID, CELL.late, regions), regions), [0, 0, 0, 0, 0, 0]);
  });

  it('goes on over the wrap of a counter', () => {
    const { workers, regions } = setup();
    workers[0].add(CELL_ID, CELL.finished, 2 ** 31 - 1);
    const reader = new CountReader(CELL_ID, CELL.late, regions);
    workers[0].add(CELL_ID, CELL.finished, 10);
    assert.equal(read(reader, regions)[0], 10);
  });

  it('counts a new worker from zero, and forgets one that left', () => {
    const { workers, regions } = setup();
    const reader = new CountReader(CELL_ID, CELL.late, regions);
    workers[0].add(CELL_ID, CELL.finished, 4);
    const successor = new FakeWorker(3);
    successor.add(CELL_ID, CELL.finished, 6);
    assert.equal(read(reader, [...regions, successor.region])[0], 10);
    successor.add(CELL_ID, CELL.finished, 1);
    assert.equal(read(reader, [successor.region])[0], 1);
    assert.equal(read(reader, regions)[0], 4);
  });

  it('allocates nothing', COUNTED, () => {
    const { workers, regions } = setup();
    const reader = new CountReader(CELL_ID, CELL.late, regions);
    const out = noCounts();
    const bytes = bytesPerCall(() => {
      workers[0].add(CELL_ID, CELL.finished, 1);
      reader.read(regions, out);
      out.finished = 0;
    });
    assert.ok(bytes < 1, `${bytes} B`);
  });
});
