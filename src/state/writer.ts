/**
 * Writes batches, and opens the file again when it had to be given up.
 *
 * ```
 * closed ── opened ─▶ open ── cannot write (full, read-only, …) ─▶ closed; the next batch tries again
 *                      └───── the file is damaged ─▶ moved aside, a new one begun, the batch written there
 * ```
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { FromState, LoadedState, MovedAside, StateBatch } from '../model/threads/state.ts';
import { loadFrom, STATE_FILE } from './database.ts';
import { faultOf } from './faults.ts';
import { moveAside, type OpenFiles, openFiles } from './files.ts';

export class Writer {
  readonly #directory: string;
  readonly #wallTime: () => string;
  #files: OpenFiles | null = null;

  constructor(directory: string, wallTime: () => string) {
    this.#directory = directory;
    this.#wallTime = wallTime;
  }

  /** Opens the file and reads it. */
  open(): FromState {
    try {
      const files = this.#opened();
      return { kind: 'opened', loaded: files.database.load(), aside: files.aside };
    } catch (error) {
      this.close();
      return { kind: 'closed', loaded: this.#readOnly(), because: faultOf(error).because };
    }
  }

  /** Writes a batch; opens the file first where that failed before. */
  write(batch: StateBatch): FromState {
    try {
      const wasOpen = this.#files !== null;
      // SQLite would go on writing to a file without a name.
      if (wasOpen && !existsSync(join(this.#directory, STATE_FILE))) throw new Error('its file was removed');
      const { database, aside } = this.#opened();
      return { kind: 'written', recorded: database.write(batch), aside: wasOpen ? null : aside };
    } catch (error) {
      const fault = faultOf(error);
      this.close();
      if (fault.kind === 'corrupt') return this.#writeAnew(batch, fault.because);
      return { kind: 'failed', budgets: batch.budgets, because: fault.because };
    }
  }

  close(): void {
    this.#files?.database.close();
    this.#files?.lock.release();
    this.#files = null;
  }

  #opened(): OpenFiles {
    this.#files ??= openFiles(this.#directory, this.#wallTime);
    return this.#files;
  }

  #writeAnew(batch: StateBatch, because: string): FromState {
    try {
      const aside: MovedAside = { path: moveAside(join(this.#directory, STATE_FILE)), because };
      return { kind: 'written', recorded: this.#opened().database.write(batch), aside };
    } catch (error) {
      this.close();
      return { kind: 'failed', budgets: batch.budgets, because: faultOf(error).because };
    }
  }

  /** A directory that cannot be written, or that another process writes to, may still say what was held. */
  #readOnly(): LoadedState | null {
    const path = join(this.#directory, STATE_FILE);
    if (!existsSync(path)) return null;
    try {
      const database = new DatabaseSync(path, { readOnly: true });
      try {
        return loadFrom(database);
      } finally {
        database.close();
      }
    } catch {
      // Already told: the state is unavailable, and why.
      return null;
    }
  }
}
