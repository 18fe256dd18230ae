/** Totals for people: over all workers that ever were, beyond 32 bits, cheap for what nobody used. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bucketIndex, quantile } from '#src/lib/histogram.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, reserveTallies, SESSION_END, viewTallies } from '#src/model/tallies.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const HERE = { cell: 3, unit: 0, user: 1, nowMs: 10_000 };

/** Totals look at every cell of a worker that leaves, so these regions have their full size. */
function worker(id: number): FakeWorker {
  return new FakeWorker(id, viewTallies(reserveTallies()));
}

describe('reading some routes', () => {
  it('goes round, so that a counter that wraps unasked loses nothing', () => {
    const one = worker(1);
    const totals = new Totals();
    totals.follow([one.region]);
    const routes = [1, 3, 5].map((cell) => ({ cell, splits: [{ cell: cell + 1 }] }));
    const words = one.region.tallies.cells;
    for (const count of [2_000_000_000, -1_500_000_000]) {
      words[4 * CELL_WORDS + CELL.finished] = count;
      for (let turn = 0; turn < 3; turn++) totals.readSome(routes, 1);
    }
    assert.equal(totals.of(4).finished, 2 ** 32 - 1_500_000_000);
    words[4 * CELL_WORDS + CELL.finished] = 2_000_000_000;
    assert.equal(totals.of(4).finished, 2 ** 32 + 2_000_000_000);
    totals.readSome([], 10);
  });
});

describe('totals of a cell', () => {
  it('have the times of attempts by phase, the first byte being what is left of the wait, over workers that come and go', () => {
    const totals = new Totals();
    const [one, two] = [worker(1), worker(2)];
    const take = ({ region: { tallies } }: FakeWorker, times: readonly number[]): void => {
      tallies.cells[3 * CELL_WORDS + CELL.finished] = 1;
      tallies.cells[3 * CELL_WORDS + CELL.attempts] = 1;
      [CELL.waitMs, CELL.queueMs, CELL.connectMs, CELL.tlsMs, CELL.bodyMs].forEach((at, n) => {
        tallies.cellFloats[(3 * CELL_WORDS + at) >> 1] = times[n] as number;
      });
    };
    totals.follow([one.region, two.region]);
    take(one, [10, 2, 3, 1, 7]);
    take(two, [100, 20, 30, 10, 70]);
    totals.follow([two.region]);
    assert.deepEqual(totals.of(3).phaseMs, { queue: 22, connect: 22, tls: 11, firstByte: 55, body: 77 });
    assert.equal(totals.of(3).attempts, 2);
    totals.forget(3);
    assert.deepEqual(totals.of(3).phaseMs, { queue: 0, connect: 0, tls: 0, firstByte: 0, body: 0 });
  });

  it('have limit and breaker from the cell that shows them, and all else from their own', () => {
    const one = worker(1);
    const totals = new Totals();
    totals.follow([one.region]);
    one.finish({ ...HERE, isBad: false });
    const words = one.region.tallies.cells;
    words[HERE.cell * CELL_WORDS + CELL.limit] = 2;
    words[7 * CELL_WORDS + CELL.limit] = 9;
    words[7 * CELL_WORDS + CELL.breakerOpen] = 1;
    const { finished, admission, breaker } = totals.of(HERE.cell, 7);
    assert.deepEqual([finished, admission.limit, breaker.open], [1, 9, 1]);
    assert.equal(totals.of(HERE.cell).admission.limit, 2);
  });

  it('have the copies for a mirror, which are counted behind the histogram', () => {
    const one = worker(1);
    const totals = new Totals();
    totals.follow([one.region]);
    one.finish({ ...HERE, isBad: false });
    one.add(HERE.cell, CELL.mirrorSent, 3);
    one.add(HERE.cell, CELL.mirrorFailed, 1);
    assert.deepEqual(totals.of(HERE.cell).mirrored, { sent: 3, skipped: 0, failed: 1 });
  });

  it('are the sums over all workers', () => {
    const [a, b] = [worker(1), worker(2)];
    const totals = new Totals();
    totals.follow([a.region, b.region]);
    a.finish({ ...HERE, isBad: true, tookMs: 30 });
    b.finish({ ...HERE, isBad: false, tookMs: 40 });
    b.finish({ ...HERE, isBad: false, isPinned: true, tookMs: 50 });
    a.add(HERE.cell, CELL.inFlight, 2);
    b.add(HERE.cell, CELL.inFlight, 1);
    b.add(HERE.cell, CELL.statusClass + 2, 2);
    a.add(HERE.cell, CELL.reasons + REASON.upstreamReset, 1);
    a.add(HERE.cell, CELL.ignored, 4);
    a.add(HERE.cell, CELL.slow, 1);
    for (const [n, word] of [CELL.retries, CELL.hedges, CELL.retriesSkipped].entries()) a.add(HERE.cell, word, 5 + n);
    a.add(HERE.cell, CELL.thresholds + 7, 6);
    a.add(HERE.cell, CELL.sessions, 3);
    b.add(HERE.cell, CELL.sessions, 1);
    b.add(HERE.cell, CELL.sessionEnds + SESSION_END.rolledBack, 2);
    const cell = totals.of(HERE.cell);
    assert.deepEqual([cell.inFlight, cell.finished, cell.bad, cell.ignored, cell.slow], [3, 3, 1, 4, 1]);
    assert.deepEqual([cell.pinned, cell.pinnedBad, cell.thresholds[7]], [1, 0, 6]);
    assert.deepEqual(cell.retries, { made: 5, hedged: 6, skipped: 7 });
    assert.ok(Math.abs(cell.secondsSum - 0.12) < 1e-12);
    assert.deepEqual([cell.statusClasses[2], cell.statusClasses.length], [2, 6]);
    assert.equal(cell.reasons[REASON.upstreamReset], 1);
    assert.deepEqual([cell.sessions, [...cell.sessionEnds]], [4, [0, 0, 0, 0, 0, 0, 2]]);
    assert.ok(Math.abs((quantile(cell.histogram, 0, 0.5) as number) / 40 - 1) < 0.0109);
  });

  it('have what came of rescues, also after the last exchange of the version', () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    a.finish({ ...HERE, isBad: true });
    a.add(HERE.cell, CELL.mended, 4);
    totals.of(HERE.cell);
    [1, 2, 3].forEach((count, n) => a.add(HERE.cell, CELL.rescues + n, count));
    assert.deepEqual(totals.of(HERE.cell).rescued, { good: 1, bad: 2, ignored: 3, skipped: 0 });
    a.add(HERE.cell, CELL.rescuesSkipped, 5);
    const { rescued, mended } = totals.of(HERE.cell);
    assert.deepEqual([rescued.skipped, mended], [5, 4]);
  });

  it('stay the same when they are read again', () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    a.finish({ ...HERE, isBad: true });
    totals.of(HERE.cell);
    const again = totals.of(HERE.cell);
    assert.deepEqual([again.finished, again.bad], [1, 1]);
    assert.equal(again.histogram[bucketIndex(5)], 1);
  });

  it('of a cell that nobody used are zero', () => {
    const totals = new Totals();
    totals.follow([worker(1).region]);
    const { finished, inFlight, secondsSum, histogram } = totals.of(9);
    assert.deepEqual([finished, inFlight, secondsSum], [0, 0, 0]);
    assert.equal(quantile(histogram, 0, 0.5), null);
  });

  it('keep what a worker counted that left, also in cells that were never read', () => {
    const [first, second] = [worker(1), worker(2)];
    const totals = new Totals();
    totals.follow([first.region]);
    first.finish({ ...HERE, isBad: true });
    first.add(HERE.cell, CELL.inFlight, 1);
    totals.of(HERE.cell);
    first.finish({ ...HERE, isBad: false });
    first.finish({ ...HERE, cell: 30_000, isBad: true });
    totals.follow([second.region]);
    second.finish({ ...HERE, isBad: false });
    const cell = totals.of(HERE.cell);
    assert.deepEqual([cell.finished, cell.bad, cell.inFlight], [3, 1, 0]);
    assert.equal(cell.histogram[bucketIndex(5)], 3);
    assert.ok(Math.abs(cell.secondsSum - 0.015) < 1e-12);
    assert.equal(totals.of(30_000).bad, 1);
    totals.follow([second.region]);
    assert.equal(totals.of(HERE.cell).finished, 3);
  });

  it('go on beyond 32 bits', () => {
    const a = worker(1);
    const words = a.region.tallies.cells;
    const at = HERE.cell * CELL_WORDS + CELL.finished;
    const totals = new Totals();
    totals.follow([a.region]);
    let sum = 0;
    for (const now of [-1, 2 ** 31 - 1, -10, 5]) {
      sum = Math.ceil((sum - (now >>> 0)) / 2 ** 32) * 2 ** 32 + (now >>> 0);
      words[at] = now;
      assert.equal(totals.of(HERE.cell).finished, sum);
    }
    assert.ok(sum > 2 ** 33);
  });

  it('begin again at zero when the cell goes to another owner', () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    a.finish({ ...HERE, isBad: true });
    totals.forget(HERE.cell);
    totals.forget(12);
    a.finish({ ...HERE, isBad: false });
    const cell = totals.of(HERE.cell);
    assert.deepEqual([cell.finished, cell.bad], [1, 0]);
    assert.equal(cell.histogram[bucketIndex(5)], 1);
  });

  it('are live: as of the last reading of the cell, whoever read it', () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    const live = totals.live(HERE.cell);
    assert.deepEqual([live.finished, live.histogram[bucketIndex(5)]], [0, 0]);
    a.finish({ ...HERE, isBad: true });
    assert.equal(live.finished, 0, 'nobody has read it');
    live.refresh();
    assert.deepEqual([live.finished, live.bad, live.histogram[bucketIndex(5)]], [1, 1, 1]);
    assert.ok(Math.abs(live.secondsSum - 0.005) < 1e-12, 'its sum is of the same moment');
    a.finish({ ...HERE, isBad: false });
    totals.readSome([{ cell: HERE.cell, splits: [] }], 1);
    assert.deepEqual([live.finished, live.histogram], [2, live.histogram]);
  });

  it('that somebody holds go on showing the owner that the cell had', () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    a.finish({ ...HERE, isBad: true });
    const before = totals.of(HERE.cell);
    totals.forget(HERE.cell);
    a.finish({ ...HERE, isBad: false });
    const after = totals.of(HERE.cell);
    assert.deepEqual([before.finished, before.bad], [1, 1]);
    assert.deepEqual([after.finished, after.bad], [1, 0]);
  });

  it('cost nothing to read again, used or not', COUNTED, () => {
    const a = worker(1);
    const totals = new Totals();
    totals.follow([a.region]);
    a.finish({ ...HERE, isBad: true });
    const cells = [totals.of(HERE.cell), totals.of(9)];
    let sum = 0;
    const bytes = bytesPerCall(() => {
      for (const cell of cells) {
        cell.refresh();
        sum += cell.finished + cell.bad + cell.ignored + cell.inFlight + cell.sessions + cell.admission.limit;
        sum += (cell.statusClasses[2] as number) + (cell.streams[0] as number) + cell.retries.made + cell.rescued.bad;
        sum += cell.fallbacks.stale + cell.mirrored.sent + cell.breaker.open + cell.mended;
      }
    });
    assert.ok(bytes < 1, `${bytes} B, ${sum}`);
  });

  it('show a version at its limit: gauges of those that are alive, refusals since the start', () => {
    const [a, b] = [worker(1), worker(2)];
    const at = HERE.cell * CELL_WORDS;
    for (const { region } of [a, b]) {
      const words = region.tallies.cells;
      words[at + CELL.limit] = 8;
      words[at + CELL.admitted] = 5;
      words[at + CELL.queued] = 2;
      words[at + CELL.ignored] = 3;
      words[at + CELL.shed + 3] = 3;
    }
    const totals = new Totals();
    totals.follow([a.region, b.region]);
    assert.deepEqual(totals.of(HERE.cell).admission, { limit: 16, inFlight: 10, queued: 4 });
    a.region.tallies.cells[at + CELL.shed] = 1;
    a.region.tallies.cells[at + CELL.ignored] = 4;
    assert.deepEqual([...totals.of(HERE.cell).shed], [1, 0, 0, 6], 'also when nothing finished');
    totals.follow([b.region]);
    assert.equal(totals.of(HERE.cell).admission.limit, 8);
    assert.deepEqual([...totals.of(HERE.cell).shed], [1, 0, 0, 6]);
  });
});
