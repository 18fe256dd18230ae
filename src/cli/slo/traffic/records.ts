/**
 * Reads recorded traffic: CSV whose first line names the fields, or an access log of the gateway, one JSON object per line.
 *
 * A file is CSV if its first line has the columns `time` and `status`; in an access log lines that do not begin with `{`, and events
 * other than requests, are passed over: standard output also carries a greeting. A file of which nothing else is left is refused. CSV is
 * that of RFC 4180, but for line breaks within quotes. The first line that cannot be read ends it, with its place.
 */

import { similarTo } from '../../../lib/text/similar.ts';
import { visible } from '../../../lib/text/visible.ts';
import { SluiceError } from '../../../model/problem.ts';
import type { RecordedRequest } from '../../../model/threads/load/traffic.ts';
import { didYouMean } from '../../args.ts';
import { type Cell, type Cells, FIELDS, type Field, FieldError, requestOf } from './fields.ts';
import { LINE_CHARS_MAX, linesOf } from './lines.ts';

/** A request, and where it stands. */
export interface Recorded {
  readonly request: RecordedRequest;
  /** 1-based. */
  readonly line: number;
  /** Of its time. */
  readonly column: number;
}

const NEITHER =
  'file: expected CSV with the columns time and status, separated by commas, or requests of an access log, got neither';

/** Every request of a file. @throws SluiceError SLU_LOG_UNREADABLE, also while it is read */
export function* readTraffic(file: string): Generator<Recorded> {
  let line = 0;
  let requests = 0;
  let passedOver = 0;
  let cellsOf: ((text: string) => Cells | null) | null = null;
  try {
    for (const text of linesOf(file)) {
      line += 1;
      if (text.length > LINE_CHARS_MAX)
        throw new FieldError('line', LINE_CHARS_MAX, `at most ${LINE_CHARS_MAX} characters`, 'more');
      if (cellsOf === null) {
        const header = headerOf(text);
        cellsOf = header === null ? cellsOfJson : (row) => cellsOfRow(row, header);
        if (header !== null) continue;
      }
      if (text.trim() === '') continue;
      const cells = cellsOf(text);
      if (cells === null) {
        passedOver += 1;
        continue;
      }
      requests += 1;
      yield { request: requestOf(cells), line, column: cells('time')?.column ?? 1 };
    }
    if (requests === 0 && passedOver > 0) throw unreadable(file, 1, 1, NEITHER);
  } catch (error) {
    if (error instanceof FieldError) throw unreadable(file, line, error.column, error.message);
    if (error instanceof SluiceError) throw error;
    const because = error instanceof Error ? error.message : String(error);
    throw new SluiceError('SLU_LOG_UNREADABLE', `cannot read ${file}: ${because}`, { cause: error });
  }
}

/** What cannot be read, and where. */
export function unreadable(file: string, line: number, column: number, because: string): SluiceError {
  return new SluiceError('SLU_LOG_UNREADABLE', visible(`${file}:${line}:${column}: ${because}`));
}

interface Header {
  /** Place of each field in a row, from 0. */
  readonly indexes: ReadonlyMap<string, number>;
  /** Fields of a row, those that are passed over as well. */
  readonly width: number;
}

/** null: it is no CSV. */
function headerOf(text: string): Header | null {
  if (isJson(text)) return null;
  const cells = splitRow(text).map(({ text: name, column }) => ({ name: name.trim(), column }));
  const indexes = new Map(cells.map(({ name }, index) => [name, index]));
  if (!indexes.has('time') && !indexes.has('status')) return null;
  const known: readonly string[] = FIELDS;
  for (const [index, { name, column }] of cells.entries()) {
    const isKnown = known.includes(name);
    if (isKnown && cells.findIndex((cell) => cell.name === name) < index)
      throw new FieldError('header', column, 'each column once', `${name} again`);
    const meant = isKnown ? null : similarTo(name, known);
    if (meant !== null && !indexes.has(meant))
      throw new FieldError('header', column, `a column of docs/slo-files.md${didYouMean(meant)}`, name);
  }
  const missing = ['time', 'status'].find((name) => !indexes.has(name));
  if (missing !== undefined) throw new FieldError('header', 1, `a column ${missing}`, 'none');
  if (!indexes.has('route') && !indexes.has('service'))
    throw new FieldError('header', 1, 'a column route or service', 'neither');
  return { indexes, width: cells.length };
}

function cellsOfRow(text: string, { indexes, width }: Header): Cells {
  const row = splitRow(text);
  if (row.length !== width)
    throw new FieldError('line', (row.at(-1) as Cell).column, `${width} fields, as in the header`, `${row.length}`);
  return (name) => {
    const index = indexes.get(name);
    return index === undefined ? undefined : row[index];
  };
}

/** Fields of a line of CSV, at least one. */
function splitRow(text: string): Cell[] {
  const cells: Cell[] = [];
  for (let from = 0; ; ) {
    const column = from + 1;
    if (text[from] !== '"') {
      const comma = text.indexOf(',', from);
      const end = comma === -1 ? text.length : comma;
      cells.push({ text: text.slice(from, end), column });
      if (comma === -1) return cells;
      from = end + 1;
      continue;
    }
    const end = endOfQuote(text, from);
    cells.push({ text: text.slice(from + 1, end).replaceAll('""', '"'), column });
    if (end + 1 === text.length) return cells;
    if (text[end + 1] !== ',')
      throw new FieldError('line', end + 2, 'a comma after a quoted field', text[end + 1] ?? '');
    from = end + 2;
  }
}

/** Where the quote that closes is; two are one within. */
function endOfQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  throw new FieldError('line', from + 1, 'a quoted field that ends in its line', 'none');
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith('{');
}

/** null: no request. */
function cellsOfJson(text: string): Cells | null {
  if (!isJson(text)) return null;
  const record = recordOf(text);
  if ('event' in record && record['event'] !== 'request') return null;
  return (name) => {
    const value = record[name];
    if (value === undefined || value === null) return undefined;
    return { text: textOf(value, name, text), column: columnOf(name, text) };
  };
}

function recordOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, position = String(text.length)] = /position (\d+)/.exec(message) ?? [];
    throw new FieldError('line', Number(position) + 1, 'a JSON object', message);
  }
}

function textOf(value: unknown, name: Field, text: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new FieldError(name, columnOf(name, text), 'a string or a number', JSON.stringify(value).slice(0, 40));
}

/** Where a field stands in a line that JSON has; objects within objects are none of ours. */
function columnOf(name: Field, text: string): number {
  return text.indexOf(`"${name}"`) + 1;
}
