/**
 * Measures the judge and writes the tables of docs/verdicts.md: `npm run bench:control`, hours on one core.
 *
 * ```
 * --tables a,b       only these (see TABLES); default all
 * --rollouts N       healthy rollouts per cell of the grid, default 5000; what is there already is kept and gone on from
 * --cells REGEX      only cells of the grid whose key matches
 * --ramp-runs N      ramps of each sound canary, default 500, of bad ones a fifth; what is there already is kept
 * --page             measures nothing, writes the page from the results
 * --smoke            takes seconds, writes nothing, shows only that it runs
 * ```
 * Results are JSON under bench/results/control; grid and ramps can be stopped at any time.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { costs } from './cost.ts';
import { runGrid } from './grid.ts';
import { gridTable } from './grid-table.ts';
import { writePage } from './page.ts';
import { runRamps } from './ramps.ts';
import { evidenceCosts } from './replay.ts';
import { writeResult } from './results.ts';
import { routedRollouts } from './routes.ts';
import { slowness } from './slowness.ts';
import { type Depth, detections, falseAlarms, renderTable, rests, sharedOutages, type Table } from './tables.ts';

const FULL: Depth = { healthyRuns: 100, healthyMs: 3_600_000, detectionRuns: 500, costTicks: 3000 };
const SMOKE: Depth = { healthyRuns: 1, healthyMs: 60_000, detectionRuns: 2, costTicks: 20 };

/** Everything but grid and ramps, by name; each is measured as a whole. */
const TABLES: Readonly<Record<string, (depth: Depth) => Table>> = {
  cost: ({ costTicks }) => costs(costTicks),
  evidence: ({ costTicks }) => evidenceCosts(costTicks, 300 * costTicks),
  detection: detections,
  slowness,
  outages: sharedOutages,
  units: falseAlarms,
  rests,
  routes: routedRollouts,
};
const GRID = 'false-rollbacks';
const RAMPS = 'ramps';
const NAMES = [...Object.keys(TABLES), RAMPS, GRID];

function main(): void {
  const { values } = parseArgs({
    options: {
      tables: { type: 'string', default: NAMES.join() },
      rollouts: { type: 'string', default: '5000' },
      cells: { type: 'string', default: '' },
      'ramp-runs': { type: 'string', default: '500' },
      page: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
    },
  });
  const names = values.page ? [] : values.tables.split(',');
  for (const name of names) if (name !== GRID && name !== RAMPS) measure(name, values.smoke);
  if (names.includes(RAMPS) && !values.smoke) runRamps({ runs: Number(values['ramp-runs']), log });
  const grid = { rollouts: Number(values.rollouts), match: new RegExp(values.cells), log };
  if (names.includes(GRID) && values.smoke) smokeGrid();
  else if (names.includes(GRID)) runGrid(grid);
  if (!values.smoke) writePage();
}

function measure(name: string, isSmoke: boolean): void {
  const table = TABLES[name];
  if (table === undefined) throw new Error(`there is no table ${name}: ${NAMES.join(', ')}`);
  const result = table(isSmoke ? SMOKE : FULL);
  log(renderTable(result));
  if (!isSmoke) writeResult(name, result);
}

function smokeGrid(): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-control-'));
  log(
    renderTable(
      gridTable(runGrid({ rollouts: 1, match: /100 rps, 5 %/, log: () => undefined, folder, durationMs: 60_000 })),
    ),
  );
  rmSync(folder, { recursive: true });
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

main();
