import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { type CellSource, CellTotals, Sums } from '#src/slo/totals/cell-totals.ts';

type Words = Readonly<Record<number, number>>;

function sumsOf(words: Words): Sums {
  const sums = new Sums();
  for (const [word, count] of Object.entries(words)) sums.words[Number(word)] = count;
  sums.secondsSum = 1.5;
  return sums;
}

/** Of one cell, 1; its limit is shown in cell 2. */
function totalsOf(sums: Sums | null, gauges: Words = {}, shown: Words = {}): CellTotals {
  const source: CellSource = {
    sumsOf: (cell) => (cell === 1 ? sums : null),
    gauge: (cell, word) => (cell === 1 ? gauges : shown)[word] ?? 0,
    refresh: () => undefined,
  };
  return new CellTotals(source, 1, 2);
}

suite('totals of a cell', () => {
  test('numbers are those of now', () => {
    const sums = sumsOf({ [CELL.finished]: 3, [CELL.bad]: 1, [CELL.statusClass + 2]: 2 });
    const totals = totalsOf(sums);
    assert.deepEqual([totals.finished, totals.bad, totals.secondsSum, totals.statusClasses[2]], [3, 1, 1.5, 2]);
    sums.words[CELL.finished] = 9;
    sums.words[CELL.statusClass + 2] = 8;
    assert.deepEqual([totals.finished, totals.bad, totals.secondsSum, totals.statusClasses[2]], [9, 1, 1.5, 8]);
    assert.equal(totals.statusClasses, totals.statusClasses, 'arrays are made once');
  });

  test('a reading of the cell is asked of its source', () => {
    const refreshed: number[] = [];
    const source = { sumsOf: () => null, gauge: () => 0, refresh: (cell: number) => void refreshed.push(cell) };
    new CellTotals(source, 1, 2).refresh();
    assert.deepEqual(refreshed, [1]);
  });

  test('every count stands at its own place', () => {
    const words = [
      [CELL.mirrorSkipped, 4],
      [CELL.rescues + 1, 5],
      [CELL.rescuesSkipped, 6],
      [CELL.fallbacks + 2, 7],
      [CELL.shed, 8],
      [CELL.sessionEnds, 9],
      [CELL.streams, 10],
      [CELL.thresholds, 11],
      [CELL.reasons + 1, 12],
    ] as const;
    const totals = totalsOf(sumsOf(Object.fromEntries(words)));
    assert.deepEqual(totals.mirrored, { sent: 0, skipped: 4, failed: 0 });
    assert.deepEqual(totals.rescued, { good: 0, bad: 5, ignored: 0, skipped: 6 });
    assert.deepEqual(totals.fallbacks, { stale: 0, service: 0, static: 7 });
    const { shed, sessionEnds, streams, thresholds, reasons } = totals;
    assert.deepEqual([shed[0], sessionEnds[0], streams[0], thresholds[0], reasons[1]], [8, 9, 10, 11, 12]);
  });

  test('limit and breaker are those of the cell that shows them, all else its own', () => {
    const shown = { [CELL.limit]: 8, [CELL.queued]: 1, [CELL.breakerOpen]: 1 };
    const totals = totalsOf(sumsOf({}), { [CELL.inFlight]: 2 }, shown);
    assert.equal(totals.inFlight, 2);
    assert.deepEqual(totals.admission, { limit: 8, inFlight: 0, queued: 1 });
    assert.deepEqual(totals.breaker, { open: 1, halfOpen: 0 });
  });

  test('cells that counted nothing share what says so', () => {
    const [a, b] = [totalsOf(sumsOf({})), totalsOf(null)];
    for (const field of ['mirrored', 'rescued', 'fallbacks', 'admission', 'breaker', 'phaseMs'] as const) {
      assert.equal(a[field], b[field], field);
      assert.deepEqual(new Set(Object.values(a[field])), new Set([0]), field);
    }
  });
});
