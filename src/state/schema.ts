/**
 * The tables, and how a file of an earlier release becomes one of this release: forward, one step after another.
 *
 * | table | holds |
 * |---|---|
 * | `schema_version` | one row per step taken, with its time |
 * | `budgets` | the newest bytes of every error budget |
 * | `rollouts` | where every route's rollout stands, as canonical JSON |
 * | `decisions` | the decision log, append-only, hash-chained, without gaps |
 * | `head` | number and hash of the newest decision, so that a log that was cut short shows it |
 * | `segments` | tapes: the evidence that decisions rest on, packed (deflate), hash-chained per watch; the oldest go |
 * | `let_go` | per watch, how many of its segments went |
 */

import type { DatabaseSync } from 'node:sqlite';

/** A step is never edited once released: a later one mends it. */
const STEPS: readonly string[] = [
  `CREATE TABLE budgets (key TEXT PRIMARY KEY, format INTEGER NOT NULL, bytes BLOB NOT NULL, at TEXT NOT NULL) STRICT;
   CREATE TABLE rollouts (route TEXT PRIMARY KEY, format INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
   CREATE TABLE decisions (
     seq INTEGER PRIMARY KEY, previous TEXT NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
   INSERT INTO head SELECT 1, seq, hash FROM decisions ORDER BY seq DESC LIMIT 1;
   CREATE TABLE segments (
     id INTEGER PRIMARY KEY, watch TEXT NOT NULL, route TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL,
     previous TEXT NOT NULL, hash TEXT NOT NULL, packed BLOB NOT NULL, UNIQUE (watch, number)
   ) STRICT;
   CREATE TABLE let_go (watch TEXT PRIMARY KEY, route TEXT NOT NULL, segments INTEGER NOT NULL) STRICT;`,
];

/** Version of the tables that this release writes. */
export const SCHEMA_VERSION = STEPS.length;

/** Version of the tables in a file; 0 for an empty one. */
export function versionOf(database: DatabaseSync): number {
  const table = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'`).get();
  if (table === undefined) return 0;
  const { version } = database.prepare('SELECT max(version) AS version FROM schema_version').get() as {
    version: number | null;
  };
  return version ?? 0;
}

/**
 * Brings the tables to `target`, all steps in one transaction.
 * @returns the version that was there before
 */
export function migrate(database: DatabaseSync, at: string, target = SCHEMA_VERSION): number {
  const before = versionOf(database);
  if (before >= target) return before;
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT');
    const note = database.prepare('INSERT INTO schema_version (version, at) VALUES (?, ?)');
    for (let version = before + 1; version <= target; version++) {
      database.exec(STEPS[version - 1] as string);
      note.run(version, at);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
  return before;
}
