/** The control bench runs, its results are those of the judge as it is, and the page shows them. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { upperBound } from '../../bench/control/bound.ts';
import { CELLS } from '../../bench/control/cells.ts';
import { costs } from '../../bench/control/cost.ts';
import { runGrid } from '../../bench/control/grid.ts';
import { countText, gridTable } from '../../bench/control/grid-table.ts';
import { fillPage, PAGE } from '../../bench/control/page.ts';
import { type Ramps, rampTable, runRamps } from '../../bench/control/ramps.ts';
import { evidenceCosts } from '../../bench/control/replay.ts';
import { type FalseRollbacks, falseRollbacks, NOTHING, readResult, writeResult } from '../../bench/control/results.ts';
import { routedRollouts } from '../../bench/control/routes.ts';
import { slowness } from '../../bench/control/slowness.ts';
import { detections, falseAlarms, renderTable, rests, sharedOutages } from '../../bench/control/tables.ts';
import { fingerprint, isConvicted, isRolledBack, passesScreen } from '../../bench/control/watch.ts';
import { POLICY } from '../support/simulate/rollout.ts';
import { Screen } from '../support/simulate/watch/screen.ts';

const SEED = 5501;
/** Removed after the test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-control-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const QUIET = { match: /^independent, 1 % of 100 rps, 5/, log: () => undefined, durationMs: 30_000 };

describe('the control bench', () => {
  it('fills every cell of its tables', () => {
    const depth = { healthyRuns: 1, healthyMs: 30_000, detectionRuns: 1, costTicks: 5 };
    const late = { ...depth, detectionRuns: 1 };
    const tables = [
      costs(5),
      evidenceCosts(5, 500),
      sharedOutages(depth),
      falseAlarms(depth),
      rests(depth),
      detections(late),
      slowness(depth),
      routedRollouts(depth),
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
  });

  it('goes on where it stopped, and starts over for another judge', (t) => {
    const quiet = { ...QUIET, folder: folderOf(t) };
    runGrid({ ...quiet, rollouts: 2 });
    const log: string[] = [];
    const { cells } = runGrid({ ...quiet, rollouts: 3, log: (line) => log.push(line) });
    const matching = CELLS.filter(({ key }) => quiet.match.test(key));
    assert.ok(matching.length === 2 && log.length === 2, log.join());
    for (const { key } of matching) assert.equal(cells[key]?.rollouts, 3);
    runGrid({ ...quiet, rollouts: 3, log: (line) => assert.fail(line) });
    writeResult('false-rollbacks', { fingerprint: 'another', cells }, quiet.folder);
    assert.deepEqual(falseRollbacks(fingerprint(), quiet.folder).cells, {});
  });

  it('takes the cell that is furthest from its goal first', (t) => {
    const quiet = { ...QUIET, folder: folderOf(t) };
    const cell = CELLS.find(({ key }) => quiet.match.test(key)) as (typeof CELLS)[number];
    writeResult(
      'false-rollbacks',
      {
        fingerprint: fingerprint(),
        cells: { [cell.key]: { rollouts: 4, rolledBack: 0, seeds: [] } },
      },
      quiet.folder,
    );
    const log: string[] = [];
    runGrid({ ...quiet, rollouts: 5, log: (line) => log.push(line) });
    assert.ok(log.length === 2 && log[1]?.startsWith(`${cell.key}:`), log.join());
  });

  it('goes on with the ramps where it stopped', (t) => {
    const folder = folderOf(t);
    const seeds: number[] = [];
    const take = (_: unknown, seed: number) => {
      seeds.push(seed);
      return { state: seed % 2 === 0 ? 'succeed' : 'rollback', canaryBad: seed - 500_000, tookMs: 60_000 };
    };
    runRamps({ runs: 5, log: () => undefined, folder, take });
    assert.equal(seeds.length, 2 * 5 + 5 * 1);
    const ramps = runRamps({ runs: 6, log: () => undefined, folder, take });
    assert.deepEqual(
      seeds.slice(15).toSorted((a, b) => a - b),
      [500_002, 500_002, 500_002, 500_002, 500_002, 500_006, 500_006],
    );
    const { head, rows } = rampTable(ramps);
    assert.ok(rows.length === 7 && rows.every((row) => row.length === head.length));
    assert.deepEqual(rows[0]?.slice(1), ['1,000', '6', '3', '3', '3', '6', '1.0', '1.0']);
    writeResult('ramps', { ...ramps, fingerprint: 'another' }, folder);
    assert.equal(Object.values(runRamps({ runs: 1, log: () => undefined, folder, take }).rows)[0]?.length, 1);
  });

  it('shows how often it can be at most', () => {
    assert.ok(Math.abs(upperBound(0, 2303) - (1 - 0.01 ** (1 / 2303))) < 1e-9);
    assert.ok(upperBound(3, 5000) > 3 / 5000 && upperBound(3, 5000) < 0.0021);
    assert.equal(upperBound(5, 5), 1);
    assert.equal(countText({ rolledBack: 0, rollouts: 2500, seeds: [] }), '0 of 2,500 (≤ 0.18 %)');
  });
});

describe('a look at requests alone', () => {
  it('knows the evidence of requests as the gateway does', (t) => {
    const cells = CELLS.filter(({ key }) => /of 100 rps, (5|50) %|1 % of 1000 rps, 5 %/.test(key));
    for (const [n, cell] of cells.entries()) {
      const traffic = cell.start(SEED + n, false);
      const rule = new MinRule(POLICY.toleratedRatio, traffic.nowMs, POLICY.absoluteFloor);
      const screen = new Screen(traffic.nowMs);
      traffic.onStep = () => {
        rule.step(traffic.nowMs);
        screen.step(traffic.nowMs);
      };
      let highest = 0;
      for (let tick = 1; tick <= 6000; tick++) {
        traffic.next();
        rule.observe(traffic.evidence, traffic.nowMs);
        screen.passes(traffic.evidence.requests, traffic.nowMs);
        highest = Math.max(highest, screen.e);
        if (tick % 50 !== 0) continue;
        assert.ok(Math.abs(Math.log(screen.e) - rule.logERequests) < 1e-9, `${cell.key}, tick ${tick}`);
      }
      t.diagnostic(`seed ${SEED + n}, ${cell.key}: at most ${highest.toFixed(2)}`);
    }
  });

  it('lets every history pass that is convicted, and few others', (t) => {
    const options = { durationMs: 300_000, alpha: 0.5 };
    let [all, convicted, passed] = [0, 0, 0];
    for (const cell of CELLS) {
      for (let seed = 1; seed <= 3; seed++) {
        const [isPassed, isGuilty] = [passesScreen(cell, seed, options), isConvicted(cell, seed, options)];
        assert.ok(isPassed || !isGuilty, `seed ${seed}: ${cell.key}`);
        assert.equal(isRolledBack(cell, seed, options), isGuilty);
        all += 1;
        if (isGuilty) convicted += 1;
        if (isPassed) passed += 1;
      }
    }
    t.diagnostic(`of ${all} histories ${passed} pass and ${convicted} are convicted`);
    assert.ok(convicted >= 5 && passed < all / 2, `${passed} pass, ${convicted} are convicted`);
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

  it('shows a grid that reaches its goals: no rollback over what both versions suffer, and few enough of all others', () => {
    const { cells } = readResult('false-rollbacks') as FalseRollbacks;
    for (const { key, kind } of CELLS) {
      const { rolledBack, rollouts } = cells[key] ?? NOTHING;
      const most = upperBound(rolledBack, rollouts);
      const limit = kind === 'hiccup of a canary endpoint' ? 0.01 : 0.002;
      assert.ok(most <= limit, `${key}: ${rolledBack} of ${rollouts}, at most ${most}`);
      if (kind.startsWith('shared outage')) assert.equal(rolledBack, 0, key);
    }
    const outages = CELLS.filter(({ kind }) => kind.startsWith('shared outage'));
    assert.deepEqual([CELLS.length, outages.length], [63, 4]);
  });

  it('shows ramps of which 99 in 100 sound canaries succeed, and no bad one', () => {
    const { rows } = readResult('ramps') as Ramps;
    for (const [name, ramps] of Object.entries(rows)) {
      const share = ramps.filter((outcome) => outcome.startsWith('succeed ')).length / ramps.length;
      if (name.startsWith('fails as stable does')) assert.ok(share >= 0.99 && ramps.length >= 300, `${name}: ${share}`);
      else assert.equal(share, 0, name);
    }
    assert.equal(Object.keys(rows).length, 7);
  });

  it('does not let a table pass that nobody measured', () => {
    assert.throws(
      () => fillPage('<!-- table nothing: -->\n<!-- end -->', () => null),
      /no result for the table nothing/,
    );
  });
});
