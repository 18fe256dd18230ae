import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CELL, CELL_USED_WORDS } from '#src/model/tallies.ts';
import { CellTotals, type Sums, TIMES } from '#src/slo/totals/cell-totals.ts';

function sumsOf(words: Readonly<Record<number, number>>): Sums {
  const sums = new Float64Array(CELL_USED_WORDS);
  for (const [word, count] of Object.entries(words)) sums[Number(word)] = count;
  return { sums, secondsSum: 1.5, times: new Float64Array(TIMES.length) };
}

const none = (): number => 0;

suite('totals of a cell', () => {
  test('numbers are of the moment when it was read, arrays go on', () => {
    const sums = sumsOf({ [CELL.finished]: 3, [CELL.bad]: 1, [CELL.statusClass + 2]: 2 });
    const totals = new CellTotals(sums, none, none);
    sums.sums[CELL.finished] = 9;
    sums.sums[CELL.statusClass + 2] = 8;
    assert.deepEqual([totals.finished, totals.bad, totals.secondsSum, totals.statusClasses[2]], [3, 1, 1.5, 8]);
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
    const totals = new CellTotals(sumsOf(Object.fromEntries(words)), none, none);
    assert.deepEqual(totals.mirrored, { sent: 0, skipped: 4, failed: 0 });
    assert.deepEqual(totals.rescued, { good: 0, bad: 5, ignored: 0, skipped: 6 });
    assert.deepEqual(totals.fallbacks, { stale: 0, service: 0, static: 7 });
    const { shed, sessionEnds, streams, thresholds, reasons } = totals;
    assert.deepEqual([shed[0], sessionEnds[0], streams[0], thresholds[0], reasons[1]], [8, 9, 10, 11, 12]);
  });

  test('limit and breaker are those of the cell that shows them, all else its own', () => {
    const own = (word: number): number => (word === CELL.inFlight ? 2 : 0);
    const shown: Readonly<Record<number, number>> = { [CELL.limit]: 8, [CELL.queued]: 1, [CELL.breakerOpen]: 1 };
    const totals = new CellTotals(sumsOf({}), own, (word) => shown[word] ?? 0);
    assert.equal(totals.inFlight, 2);
    assert.deepEqual(totals.admission, { limit: 8, inFlight: 0, queued: 1 });
    assert.deepEqual(totals.breaker, { open: 1, halfOpen: 0 });
  });

  test('cells that counted nothing share what says so', () => {
    const [a, b] = [new CellTotals(sumsOf({}), none, none), new CellTotals(sumsOf({}), none, none)];
    for (const field of ['mirrored', 'rescued', 'fallbacks', 'admission', 'breaker', 'phaseMs'] as const) {
      assert.equal(a[field], b[field], field);
      assert.deepEqual(new Set(Object.values(a[field])), new Set([0]), field);
    }
  });
});
