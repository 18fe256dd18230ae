/**
 * Prints the tables of docs/verdicts.md: `node bench/control/run.ts`, 20 minutes on one core; `--smoke` takes seconds and
 * shows only that it runs.
 */

import { costs } from './cost.ts';
import { type Depth, detections, falseAlarms, renderTable, rests, sharedOutages } from './tables.ts';

const FULL: Depth = { healthyRuns: 1000, healthyMs: 3_600_000, detectionRuns: 1000 };
const SMOKE: Depth = { healthyRuns: 1, healthyMs: 60_000, detectionRuns: 2 };

const depth = process.argv.includes('--smoke') ? SMOKE : FULL;
process.stdout.write(`${renderTable(costs(depth === SMOKE ? 20 : 3000))}\n`);
for (const table of [detections, sharedOutages, falseAlarms, rests])
  process.stdout.write(`${renderTable(table(depth))}\n`);
