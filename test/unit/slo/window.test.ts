/** Reading a cell: differences over all workers, nothing lost or counted twice, never an impossible pair. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { CellWindow } from '#src/slo/window.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const HERE = { cell: 3, unit: 0, user: 1, nowMs: 10_000 };

function read(window: CellWindow, regions: readonly Region[]): readonly [finished: number, bad: number] {
  const out = { finished: -1, bad: -1 };
  window.read(regions, out);
  return [out.finished, out.bad];
}

function setup(workers = 1): { workers: FakeWorker[]; regions: Region[]; window: CellWindow } {
  const all = Array.from({ length: workers }, (_, id) => new FakeWorker(id));
  const regions = all.map(({ region }) => region);
  return { workers: all, regions, window: new CellWindow(HERE.cell, regions) };
}

describe('a window on a cell', () => {
  it('reads what was counted since the last reading, over all workers', () => {
    const { workers, regions, window } = setup(2);
    for (const worker of workers) worker.finish({ ...HERE, isBad: false });
    workers[1]?.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(window, regions), [3, 1]);
    assert.deepEqual(read(window, regions), [0, 0]);
  });

  it('looks at its own cell only', () => {
    const { workers, regions, window } = setup();
    workers[0]?.finish({ ...HERE, cell: 4, isBad: true });
    assert.deepEqual(read(window, regions), [0, 0]);
  });

  it('does not count what was there when it was opened', () => {
    const { workers, regions } = setup();
    workers[0]?.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(new CellWindow(HERE.cell, regions), regions), [0, 0]);
  });

  it('leaves out what a color pinned', () => {
    const { workers, regions, window } = setup();
    for (const isBad of [true, true, false]) workers[0]?.finish({ ...HERE, isBad, isPinned: true });
    workers[0]?.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(window, regions), [1, 1]);
  });

  it('takes for bad what failed first and was mended, where it is counted', () => {
    const { workers, regions, window } = setup();
    for (const _ of [1, 2, 3]) workers[0]?.finish({ ...HERE, isBad: false });
    workers[0]?.add(HERE.cell, CELL.mended, 2);
    assert.deepEqual(read(window, regions), [3, 2]);
    workers[0]?.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(window, regions), [1, 1]);
  });

  it('lets what happened in between pass when it skips', () => {
    const { workers, regions, window } = setup();
    workers[0]?.finish({ ...HERE, isBad: true });
    window.skip(regions);
    assert.deepEqual(read(window, regions), [0, 0]);
    workers[0]?.finish({ ...HERE, isBad: false });
    assert.deepEqual(read(window, regions), [1, 0]);
  });

  it('allocates nothing', COUNTED, () => {
    const { regions, window } = setup(2);
    const out = { finished: 0, bad: 0 };
    assert.ok(bytesPerCall(() => window.read(regions, out)) < 1);
  });
});

describe('counters that wrap', () => {
  it('count on', () => {
    const worker = new FakeWorker(1);
    const base = HERE.cell * CELL_WORDS;
    worker.region.tallies.cells[base + CELL.finished] = -2;
    worker.region.tallies.cells[base + CELL.bad] = 2 ** 31 - 1;
    const window = new CellWindow(HERE.cell, [worker.region]);
    for (let n = 0; n < 5; n++) worker.finish({ ...HERE, isBad: n < 3 });
    assert.equal(worker.region.tallies.cells[base + CELL.finished], 3);
    assert.ok((worker.region.tallies.cells[base + CELL.bad] as number) < 0);
    assert.deepEqual(read(window, [worker.region]), [5, 3]);
  });
});

describe('a worker that is replaced', () => {
  it('is read once more, forgotten, and followed by one that counts from zero', () => {
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    const window = new CellWindow(HERE.cell, [first.region]);
    first.finish({ ...HERE, isBad: false });
    assert.deepEqual(read(window, [first.region]), [1, 0]);
    first.finish({ ...HERE, isBad: true });
    second.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(window, [second.region, first.region]), [2, 2]);
    second.finish({ ...HERE, isBad: false });
    assert.deepEqual(read(window, [second.region]), [1, 0]);
    assert.deepEqual(read(window, []), [0, 0]);
  });
});

describe('a reading between two words of a writer', () => {
  it('holds back a bad exchange whose end was not seen yet', () => {
    const { workers, regions, window } = setup();
    workers[0]?.add(HERE.cell, CELL.bad, 1);
    assert.deepEqual(read(window, regions), [0, 0]);
    workers[0]?.add(HERE.cell, CELL.finished, 1);
    assert.deepEqual(read(window, regions), [1, 1]);
  });

  it('takes a pinned exchange back that was seen before its pin', () => {
    const { workers, regions, window } = setup();
    workers[0]?.add(HERE.cell, CELL.finished, 1);
    workers[0]?.add(HERE.cell, CELL.bad, 1);
    assert.deepEqual(read(window, regions), [1, 1]);
    workers[0]?.add(HERE.cell, CELL.pinned, 1);
    workers[0]?.add(HERE.cell, CELL.pinnedBad, 1);
    assert.deepEqual(read(window, regions), [0, 0]);
    workers[0]?.finish({ ...HERE, isBad: true });
    assert.deepEqual(read(window, regions), [0, 0]);
    workers[0]?.finish({ ...HERE, isBad: false });
    assert.deepEqual(read(window, regions), [1, 0]);
  });
});
