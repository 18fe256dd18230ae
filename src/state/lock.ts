/**
 * One writer per directory: a lock that the system takes back when its process dies, however it dies.
 *
 * SQLite's own lock on an empty database file beside the state. The state's own file stays unlocked, so that the
 * command line can read it while the gateway writes.
 */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const LOCK_FILE = 'sluice.lock';

/** Holds the lock of a directory until it is let go. */
export interface DirectoryLock {
  release(): void;
}

/** @throws Error of SQLite when somebody else has it (`database is locked`) or the directory cannot be written. */
export function lockDirectory(directory: string): DirectoryLock {
  const database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw error;
  }
  return { release: () => database.close() };
}
