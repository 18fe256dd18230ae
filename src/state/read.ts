/**
 * Reads the log of decisions and the tapes it rests on: from a state directory, also beside a gateway that writes there, or
 * from an export.
 *
 * An export has one JSON object per line, bytes in base64. Decisions come first, then head and what was let go, then the
 * segments, tape after tape.
 */

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { inflateRawSync } from 'node:zlib';
import { SluiceError } from '../model/problem.ts';
import type { LogLine } from '../model/threads/state.ts';
import { openToRead, STATE_FILE } from './database.ts';

const CHUNK_BYTES = 1024 * 1024;
/** A segment is at most so long; what claims to be longer was made by somebody else. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;

const QUERIES = [
  ['decision', 'SELECT seq, previous, hash, body FROM decisions ORDER BY seq'],
  ['head', 'SELECT seq, hash FROM head'],
  ['letGo', 'SELECT watch, route, segments FROM let_go ORDER BY watch'],
  ['segment', 'SELECT watch, route, number, at, previous, hash, packed FROM segments ORDER BY watch, number'],
] as const;

const KINDS: ReadonlySet<string> = new Set(QUERIES.map(([kind]) => kind));

/**
 * Every line of a log.
 * @param path a state directory, its file, or an export
 * @throws SluiceError SLU_LOG_UNREADABLE, also while it is read
 */
export function* readLog(path: string): Generator<LogLine> {
  try {
    if (statSync(path).isDirectory()) yield* fromDatabase(join(path, STATE_FILE));
    else if (isDatabase(path)) yield* fromDatabase(path);
    else yield* fromExport(path);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new SluiceError('SLU_LOG_UNREADABLE', `cannot read the log in ${path}: ${message}`, { cause: error });
  }
}

/** A line as it is exported, without its end. */
export function formatLine(line: LogLine): string {
  if (line.kind !== 'segment') return JSON.stringify(line);
  return JSON.stringify({ ...line, bytes: Buffer.from(line.bytes).toString('base64') });
}

/** @throws SluiceError SLU_LOG_UNREADABLE with the place when it is not a line of a log */
export function parseLine(text: string, where: string): LogLine {
  try {
    const line = JSON.parse(text) as LogLine & { readonly bytes?: string };
    if (!KINDS.has(line.kind)) throw new Error(`there is no kind ${String(line.kind)}`);
    return line.kind === 'segment' ? { ...line, bytes: Buffer.from(line.bytes, 'base64') } : line;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SluiceError('SLU_LOG_UNREADABLE', `${where} is not a line of a log: ${message}`, { cause: error });
  }
}

function isDatabase(path: string): boolean {
  const head = Buffer.alloc(16);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, head);
  } finally {
    closeSync(descriptor);
  }
  return head.toString('latin1') === 'SQLite format 3\0';
}

function* fromDatabase(file: string): Generator<LogLine> {
  if (!existsSync(file)) throw new Error('there is no sluice.db in it');
  const database = openToRead(file);
  try {
    // One moment for all tables, whatever is written meanwhile.
    database.exec('BEGIN');
    const tables = new Set(
      database
        .prepare('SELECT name FROM sqlite_schema')
        .all()
        .map(({ name }) => name),
    );
    for (const [kind, sql] of QUERIES) {
      // Of an earlier release: it kept decisions only.
      if (kind !== 'decision' && !tables.has('segments')) continue;
      for (const row of database.prepare(sql).iterate()) yield fromRow(kind, row);
    }
  } finally {
    database.close();
  }
}

function fromRow(kind: LogLine['kind'], { packed, ...row }: Record<string, unknown>): LogLine {
  if (kind !== 'segment') return { kind, ...row } as unknown as LogLine;
  const bytes = inflateRawSync(packed as Uint8Array, { maxOutputLength: SEGMENT_BYTES_MAX });
  return { kind, ...row, bytes } as unknown as LogLine;
}

function* fromExport(file: string): Generator<LogLine> {
  let number = 0;
  for (const text of textLines(file)) {
    number += 1;
    if (text !== '') yield parseLine(text, `${file}:${number}`);
  }
}

function* textLines(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  try {
    for (;;) {
      const bytes = readSync(descriptor, chunk);
      if (bytes === 0) break;
      const lines = (rest + decoder.write(chunk.subarray(0, bytes))).split('\n');
      rest = lines.pop() as string;
      yield* lines;
    }
    yield rest + decoder.end();
  } finally {
    closeSync(descriptor);
  }
}
