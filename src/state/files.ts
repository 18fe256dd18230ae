/**
 * The state's place on the disk: who writes there, and what happens to a file that is damaged.
 *
 * A damaged file is moved aside, never deleted: `sluice.db.damaged-1`, with what lies beside it; then a new one begins.
 */

import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { STATE_FILE, StateDatabase } from './database.ts';
import { faultOf } from './faults.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';

/** Owner only: decisions carry request ids. */
const DIRECTORY_MODE = 0o700;
const ASIDE_MAX = 1000;
/** Endings of what belongs together; the file itself comes last. */
const COMPANIONS = ['-wal', '-shm', ''];

/** An open state. */
export interface OpenFiles {
  readonly database: StateDatabase;
  readonly lock: DirectoryLock;
  /** Where a damaged file went and what was wrong with it, or null. */
  readonly aside: { readonly path: string; readonly because: string } | null;
}

/**
 * Opens the state in `directory`, which is made if it is not there. A damaged file is moved aside.
 * @param held the directory's lock, where it is held already: then it stays whatever happens
 * @throws Error when that is not possible now: no right, no room, another writer
 */
export function openFiles(directory: string, wallTime: () => string, held: DirectoryLock | null = null): OpenFiles {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const lock = held ?? lockDirectory(directory);
  const path = join(directory, STATE_FILE);
  try {
    return { ...openOrReplace(path, wallTime), lock };
  } catch (error) {
    if (held === null) lock.release();
    throw error;
  }
}

/** Bytes that the file and its companions take; 0 for one that is not there. */
export function bytesOf(path: string): number {
  return COMPANIONS.reduce((sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function openOrReplace(path: string, wallTime: () => string): Omit<OpenFiles, 'lock'> {
  try {
    return { database: new StateDatabase({ path, wallTime }), aside: null };
  } catch (error) {
    const fault = faultOf(error);
    if (fault.kind !== 'corrupt') throw error;
    const aside = { path: moveAside(path), because: fault.because };
    return { database: new StateDatabase({ path, wallTime }), aside };
  }
}

/** Renames the file and its companions. @returns the file's new path */
export function moveAside(path: string): string {
  let number = 1;
  while (number < ASIDE_MAX && existsSync(`${path}.damaged-${number}`)) number += 1;
  const to = `${path}.damaged-${number}`;
  for (const suffix of COMPANIONS) {
    if (existsSync(path + suffix)) renameSync(path + suffix, to + suffix);
  }
  return to;
}
