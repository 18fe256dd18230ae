/**
 * One writer per directory: a lock that the system takes back when its process dies, however it dies.
 *
 * SQLite's own lock on an empty database file beside the state. The state's own file stays unlocked, so that the
 * command line can read it while the gateway writes.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const LOCK_FILE = 'sluice.lock';

/** Holds the lock of a directory until it is let go. */
export interface DirectoryLock {
  /** Whether its file is still there, so that others meet it. */
  holds(): boolean;
  release(): void;
}

/** @throws Error of SQLite when somebody else has it (`database is locked`) or the directory cannot be written. */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, LOCK_FILE);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw error;
  }
  const inode = inodeOf(path);
  return { holds: () => inodeOf(path) === inode, release: () => database.close() };
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
