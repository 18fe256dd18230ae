/**
 * Writes the tables into docs/overload.md, each between its two marks (bench/control/page.ts); the words around them are people's.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillTables } from '../control/page.ts';
import { readResult, writeResult } from '../control/results.ts';
import type { Table } from '../control/tables.ts';
import { type Depth, TABLES } from './tables.ts';

export const RESULTS = join(import.meta.dirname, '..', 'results', 'overload');
export const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'overload.md');

/** Simulates a table and keeps it. @param name of TABLES. @throws Error when there is no such table */
export function simulate(name: string, depth: Depth, folder = RESULTS): Table {
  const tableOf = TABLES[name];
  if (tableOf === undefined) throw new Error(`there is no table ${name}: ${Object.keys(TABLES).join(', ')}`);
  const table = tableOf(depth);
  writeResult(name, table, folder);
  return table;
}

/** The page with every table as it was kept. @throws Error when a table that the page names was not */
export function fillPage(page: string, folder = RESULTS): string {
  return fillTables(page, (name) => readResult(name, folder) as Table | null);
}

/** Brings the page up to date. */
export function writePage(): void {
  writeFileSync(PAGE, fillPage(readFileSync(PAGE, 'utf8')));
}
