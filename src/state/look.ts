/**
 * Looks at what a state directory holds without opening it for good: before a start knows what it may go on with, and beside a
 * gateway that writes there. Nothing is locked, moved aside or brought up to date.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SavedBudget } from '../model/threads/state.ts';
import { checkFile, openToRead, STATE_FILE } from './database.ts';
import { versionOf } from './schema.ts';

/**
 * Rows among the budgets whose keys begin with `prefix`, by key.
 * Cost: reads the whole file once, as opening it does; the caller's thread waits for the disk.
 * @throws Error when the file is not there, is damaged, or is of a later release
 */
export function lookInto(directory: string, prefix: string): ReadonlyMap<string, SavedBudget> {
  const path = join(directory, STATE_FILE);
  if (!existsSync(path)) throw new Error(`there is no ${STATE_FILE} in it`);
  const database = openToRead(path);
  try {
    checkFile(database);
    if (versionOf(database) === 0) return new Map();
    const rows = database.prepare('SELECT * FROM budgets WHERE substr(key, 1, ?) = ?').iterate(prefix.length, prefix);
    const found = new Map<string, SavedBudget>();
    for (const { key, format, bytes, at } of rows) {
      found.set(key as string, { format: format as number, bytes: bytes as Uint8Array, at: at as string });
    }
    return found;
  } finally {
    database.close();
  }
}
