/**
 * Shows the grid of healthy canaries as a table: rollouts, rollbacks, and how often it can be at most.
 */

import { upperBound } from './bound.ts';
import { CELLS, type Cell } from './cells.ts';
import type { Count, FalseRollbacks } from './results.ts';
import type { Table } from './tables.ts';

const SHARES = [0.01, 0.05, 0.5] as const;

/** `0 of 2,500 (≤ 0.18 %)`: with 99 % confidence at most so many. */
export function countText({ rolledBack, rollouts }: Count): string {
  const bound = (100 * upperBound(rolledBack, rollouts)).toFixed(2);
  return `${rolledBack} of ${rollouts.toLocaleString('en-US')} (≤ ${bound} %)`;
}

/** One row per kind, error ratio and rate; one column per share of the canary. */
export function gridTable({ cells }: FalseRollbacks): Table {
  const rows = new Map<string, string[]>();
  for (const cell of CELLS) {
    const { kind, errorRatio, requestsPerSecond } = cell;
    const key = `${kind} ${errorRatio} ${requestsPerSecond}`;
    const row = rows.get(key) ?? [kind, `${100 * errorRatio} %`, `${requestsPerSecond}`, ...SHARES.map(() => '—')];
    row[3 + columnOf(cell)] = cells[cell.key] === undefined ? 'not run' : countText(cells[cell.key] as Count);
    rows.set(key, row);
  }
  return {
    title:
      'Healthy canaries rolled back within an hour, looked at ten times a second, alpha 0.001 (≤: 99 % upper bound)',
    head: ['failures', 'bad', 'requests/s', ...SHARES.map((share) => `${100 * share} % on the canary`)],
    rows: [...rows.values()],
  };
}

function columnOf({ canaryShare }: Cell): number {
  return SHARES.indexOf(canaryShare as (typeof SHARES)[number]);
}
