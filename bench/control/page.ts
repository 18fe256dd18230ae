/**
 * Writes the tables into docs/verdicts.md, each between its two marks; the words around them are people's.
 *
 * ```
 * <!-- table NAME: written by npm run bench:control -->
 * …
 * <!-- end -->
 * ```
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gridTable } from './grid-table.ts';
import { type Ramps, rampTable } from './ramps.ts';
import { type FalseRollbacks, readResult } from './results.ts';
import { renderTable, type Table } from './tables.ts';

export const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'verdicts.md');
const MARKS = /(<!-- table ([a-z-]+): [^\n]*-->\n)[\s\S]*?(<!-- end -->)/g;

/** The page with every table as `results` has it. @throws Error when a table that the page names has no result */
export function fillPage(page: string, results: (name: string) => unknown = readResult): string {
  return fillTables(page, (name) => {
    const result = results(name);
    return result === null ? null : tableOf(name, result);
  });
}

/** Any page with such marks. @throws Error when there is none of the tables that it names */
export function fillTables(page: string, tableOf: (name: string) => Table | null): string {
  return page.replace(MARKS, (_, open: string, name: string, close: string) => {
    const table = tableOf(name);
    if (table === null) throw new Error(`there is no result for the table ${name}`);
    return `${open}\n${renderTable(table)}\n${close}`;
  });
}

/** What goes on where it was stopped is kept as it was counted, everything else as a table. */
function tableOf(name: string, result: unknown): Table {
  if (name === 'false-rollbacks') return gridTable(result as FalseRollbacks);
  return name === 'ramps' ? rampTable(result as Ramps) : (result as Table);
}

/** Brings the page up to date. */
export function writePage(): void {
  writeFileSync(PAGE, fillPage(readFileSync(PAGE, 'utf8')));
}
