/** The control bench runs, its results are those of the judge as it is, and the page shows them. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { upperBound } from '../../bench/control/bound.ts';
import { CELLS } from '../../bench/control/cells.ts';
import { costs } from '../../bench/control/cost.ts';
import { runGrid } from '../../bench/control/grid.ts';
import { countText, gridTable } from '../../bench/control/grid-table.ts';
import { fillPage, PAGE } from '../../bench/control/page.ts';
import { evidenceCosts } from '../../bench/control/replay.ts';
import { type FalseRollbacks, falseRollbacks, readResult, writeResult } from '../../bench/control/results.ts';
import { ramps, slowness } from '../../bench/control/slowness.ts';
import { detections, falseAlarms, renderTable, rests, sharedOutages } from '../../bench/control/tables.ts';
import { fingerprint } from '../../bench/control/watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-control-'));
after(() => rmSync(folder, { recursive: true }));

const quiet = { match: /^independent, 1 % of 100 rps, 5/, log: () => undefined, folder, durationMs: 30_000 };

describe('the control bench', () => {
  it('fills every cell of its tables', () => {
    const depth = { healthyRuns: 1, healthyMs: 30_000, detectionRuns: 1, rampRuns: 0, costTicks: 5 };
    const late = { ...depth, detectionRuns: 1 };
    const tables = [
      costs(5),
      evidenceCosts(5, 500),
      sharedOutages(depth),
      falseAlarms(depth),
      rests(depth),
      detections(late),
      slowness(depth),
    ];
    for (const table of tables) {
      for (const row of table.rows) {
        assert.equal(row.length, table.head.length);
        assert.ok(
          row.every((cell) => cell !== '' && !cell.includes('NaN')),
          row.join(),
        );
      }
      assert.match(renderTable(table), /^\*\*.+\*\*\n\n\| .+ \|\n\| --- \|/);
    }
    assert.equal(ramps(depth).rows.length, 5);
  });

  it('goes on where it stopped, and starts over for another judge', () => {
    runGrid({ ...quiet, rollouts: 2 });
    const log: string[] = [];
    const { cells } = runGrid({ ...quiet, rollouts: 3, log: (line) => log.push(line) });
    const matching = CELLS.filter(({ key }) => quiet.match.test(key));
    assert.ok(matching.length === 2 && log.length === 2, log.join());
    for (const { key } of matching) assert.equal(cells[key]?.rollouts, 3);
    runGrid({ ...quiet, rollouts: 3, log: (line) => assert.fail(line) });
    writeResult('false-rollbacks', { fingerprint: 'another', cells }, folder);
    assert.deepEqual(falseRollbacks(fingerprint(), folder).cells, {});
  });

  it('shows how often it can be at most', () => {
    assert.ok(Math.abs(upperBound(0, 2303) - (1 - 0.01 ** (1 / 2303))) < 1e-9);
    assert.ok(upperBound(3, 5000) > 3 / 5000 && upperBound(3, 5000) < 0.0021);
    assert.equal(upperBound(5, 5), 1);
    assert.equal(countText({ rolledBack: 0, rollouts: 2500, seeds: [] }), '0 of 2,500 (≤ 0.18 %)');
  });
});

describe('the page on verdicts', () => {
  it('shows the results that are there: `npm run bench:control -- --page` renews it', () => {
    const page = readFileSync(PAGE, 'utf8');
    assert.equal(fillPage(page), page);
    assert.ok(page.includes(renderTable(gridTable(readResult('false-rollbacks') as FalseRollbacks))));
  });

  it('shows results of the judge as it is', () => {
    assert.equal((readResult('false-rollbacks') as FalseRollbacks).fingerprint, fingerprint());
  });

  it('does not let a table pass that nobody measured', () => {
    assert.throws(
      () => fillPage('<!-- table nothing: -->\n<!-- end -->', () => null),
      /no result for the table nothing/,
    );
  });
});
