/**
 * The state's file: opened with care, read at the start, written one transaction at a time.
 *
 * WAL with synchronous NORMAL: what was committed survives the death of the process at any instant; a loss of power may
 * cost what came after the last checkpoint, and never breaks the file. A batch is written whole or not at all.
 * Source: https://www.sqlite.org/wal.html
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { deflateRawSync } from 'node:zlib';
import { canonicalJson } from '../lib/text/canonical.ts';
import type { SavedRollout } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';
import type { LoadedState, Recorded, SavedBudget, Segment, StateBatch } from '../model/threads/state.ts';
import { chained, GENESIS } from './chain.ts';
import { DamagedError } from './faults.ts';
import { DECISIONS_PENDING_MAX } from './pending.ts';
import { migrate, SCHEMA_VERSION, versionOf } from './schema.ts';

export const STATE_FILE = 'sluice.db';
/** How long a statement waits for another connection that is in the way. */
const BUSY_MS = 2000;
/** Newest decisions that a start hands back. */
const LOADED_DECISIONS = 1000;
/** A batch whose acknowledgement was lost comes again, with what came since: its decisions are among the newest. */
const KNOWN_DECISIONS = 2 * DECISIONS_PENDING_MAX;
/** What all tapes together may take, packed: about 600 hours of one rollout at 1,000 requests per second. */
const TAPE_BYTES_MAX = 256 * 1024 * 1024;

export interface DatabaseOptions {
  readonly path: string;
  /** Wall clock, ISO 8601. */
  readonly wallTime: () => string;
  /** For tests; default TAPE_BYTES_MAX. */
  readonly tapeBytesMax?: number;
}

/** The state's database, opened for writing. */
export class StateDatabase {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #seq: number;
  #head: string;
  #tapeBytes: number;
  readonly #tapeBytesMax: number;

  /**
   * Opens or creates the file, brings its tables up to date and checks its integrity.
   * @throws DamagedError and errors of SQLite; `faultOf` sorts them out
   */
  constructor(options: DatabaseOptions) {
    this.#database = new DatabaseSync(options.path, { timeout: BUSY_MS });
    try {
      prepareFile(this.#database, options.wallTime());
      this.#statements = statementsOf(this.#database);
      const last = this.#database.prepare('SELECT seq, hash FROM decisions ORDER BY seq DESC LIMIT 1').get();
      this.#seq = (last?.['seq'] as number | undefined) ?? 0;
      this.#head = (last?.['hash'] as string | undefined) ?? GENESIS;
      const tapes = this.#database.prepare('SELECT coalesce(sum(length(packed)), 0) AS bytes FROM segments').get();
      this.#tapeBytes = tapes?.['bytes'] as number;
      this.#tapeBytesMax = options.tapeBytesMax ?? TAPE_BYTES_MAX;
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  load(): LoadedState {
    return loadFrom(this.#database);
  }

  /**
   * Writes a batch in one transaction; what it has of decisions and segments already, it does not write again.
   * @returns the decisions as recorded
   * @throws errors of SQLite; nothing is written then
   */
  write(batch: StateBatch): Recorded[] {
    const [seq, head, tapeBytes] = [this.#seq, this.#head, this.#tapeBytes];
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const [key, budget] of batch.budgets) this.#saveBudget(key, budget);
      for (const rollout of batch.rollouts.values()) this.#saveRollout(rollout);
      for (const segment of batch.segments) this.#saveSegment(segment);
      for (const [watch, { route, segments }] of batch.segmentsLost) this.#statements.letGo.run(watch, route, segments);
      if (batch.segments.length > 0) this.#letGo();
      const known = batch.decisions.length === 0 ? new Map<string, Omit<Recorded, 'id'>>() : this.#newest();
      const recorded = batch.decisions.map((decision) => this.#append(decision, known));
      if (recorded.length > 0) this.#statements.head.run(this.#seq, this.#head);
      this.#database.exec('COMMIT');
      return recorded;
    } catch (error) {
      this.#seq = seq;
      this.#head = head;
      this.#tapeBytes = tapeBytes;
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #saveBudget(key: string, { format, bytes, at }: SavedBudget): void {
    this.#statements.budget.run(key, format, bytes, at);
  }

  #saveRollout(rollout: SavedRollout): void {
    this.#statements.rollout.run(rollout.route, rollout.format, canonicalJson(rollout));
  }

  #saveSegment({ watch, route, number, at, previous, hash, bytes }: Segment): void {
    const packed = deflateRawSync(bytes);
    const { changes } = this.#statements.segment.run(watch, route, number, at, previous, hash, packed);
    if (changes > 0) this.#tapeBytes += packed.length;
  }

  /** Makes room: the oldest segments go, and are counted. */
  #letGo(): void {
    while (this.#tapeBytes > this.#tapeBytesMax) {
      const oldest = this.#statements.oldest.get();
      if (oldest === undefined) return;
      const { id, watch, route, bytes } = oldest as { id: number; watch: string; route: string; bytes: number };
      this.#statements.drop.run(id);
      this.#statements.letGo.run(watch, route, 1);
      this.#tapeBytes -= bytes;
    }
  }

  /** The newest decisions by their body, which no two have: it says when, and which. */
  #newest(): ReadonlyMap<string, Omit<Recorded, 'id'>> {
    const rows = this.#statements.newest.all(this.#seq - KNOWN_DECISIONS);
    return new Map(rows.map(({ seq, hash, body }) => [body as string, { seq: seq as number, hash: hash as string }]));
  }

  #append(decision: LoggedDecision, known: ReadonlyMap<string, Omit<Recorded, 'id'>>): Recorded {
    const body = canonicalJson(decision);
    const before = known.get(body);
    if (before !== undefined) return { ...before, id: decision.id };
    const hash = chained(this.#head, body);
    const seq = this.#seq + 1;
    this.#statements.decision.run(seq, this.#head, hash, body);
    this.#seq = seq;
    this.#head = hash;
    return { seq, id: decision.id, hash };
  }
}

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

const SQL = {
  budget: `INSERT INTO budgets VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET format = excluded.format, bytes = excluded.bytes, at = excluded.at`,
  rollout: `INSERT INTO rollouts VALUES (?, ?, ?)
    ON CONFLICT (route) DO UPDATE SET format = excluded.format, body = excluded.body`,
  decision: 'INSERT INTO decisions VALUES (?, ?, ?, ?)',
  newest: 'SELECT seq, hash, body FROM decisions WHERE seq > ?',
  head: `INSERT INTO head VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
  segment: `INSERT INTO segments (watch, route, number, at, previous, hash, packed) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (watch, number) DO NOTHING`,
  oldest: 'SELECT id, watch, route, length(packed) AS bytes FROM segments ORDER BY id LIMIT 1',
  drop: 'DELETE FROM segments WHERE id = ?',
  letGo: `INSERT INTO let_go VALUES (?, ?, ?)
    ON CONFLICT (watch) DO UPDATE SET segments = segments + excluded.segments`,
} as const;

function statementsOf(database: DatabaseSync): Statements {
  const names = Object.keys(SQL) as (keyof typeof SQL)[];
  return Object.fromEntries(names.map((name) => [name, database.prepare(SQL[name])])) as Statements;
}

function prepareFile(database: DatabaseSync, at: string): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  checkFile(database);
  migrate(database, at);
}

/**
 * A state's file to be read, beside a process that may write to it, and that locks it while it begins, recovers or closes it.
 * @throws errors of SQLite
 */
export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
}

/** That a file is whole and not of a later release. @throws DamagedError, errors of SQLite, Error */
export function checkFile(database: DatabaseSync): void {
  const check = database.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string };
  if (check.integrity_check !== 'ok') throw new DamagedError(`the integrity check says: ${check.integrity_check}`);
  const version = versionOf(database);
  if (version > SCHEMA_VERSION) {
    throw new Error(`its tables have version ${version}, this release knows ${SCHEMA_VERSION}; was it downgraded?`);
  }
}

/** What a start needs. @throws errors of SQLite, DamagedError when a text is no JSON */
export function loadFrom(database: DatabaseSync): LoadedState {
  const budgets = new Map<string, SavedBudget>();
  for (const { key, format, bytes, at } of database.prepare('SELECT * FROM budgets').iterate()) {
    budgets.set(key as string, { format: format as number, bytes: bytes as Uint8Array, at: at as string });
  }
  const bodies = (sql: string, ...values: number[]): string[] =>
    [...database.prepare(sql).iterate(...values)].map(({ body }) => body as string);
  const newest = bodies('SELECT body FROM decisions ORDER BY seq DESC LIMIT ?', LOADED_DECISIONS).toReversed();
  return {
    budgets,
    rollouts: bodies('SELECT body FROM rollouts ORDER BY route').map((body) => parsed(body) as SavedRollout),
    decisions: newest.map((body) => parsed(body) as LoggedDecision),
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new DamagedError(`a row is no JSON: ${String(error)}`);
  }
}
