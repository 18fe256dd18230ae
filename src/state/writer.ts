/**
 * Writes batches, and opens the file again when it had to be given up.
 *
 * ```
 * closed ── opened ─▶ open ── cannot write (full, read-only, …) ─▶ shut; the next batch tries again
 *                      └───── the file is damaged ─▶ moved aside, a new one begun, the batch written there
 * ```
 * Who has once opened the file keeps the directory's lock while it is shut, so nobody else writes there meanwhile and what
 * this process holds stays the newest. Nothing is written before what the file holds was handed out.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FromState, LoadedState, MovedAside, StateBatch } from '../model/threads/state.ts';
import { loadFrom, openToRead, STATE_FILE, type StateDatabase } from './database.ts';
import { faultOf } from './faults.ts';
import { bytesOf, moveAside, openFiles } from './files.ts';
import type { DirectoryLock } from './lock.ts';

export class Writer {
  readonly #directory: string;
  readonly #wallTime: () => string;
  #lock: DirectoryLock | null = null;
  #database: StateDatabase | null = null;
  /** What the file held was handed out. */
  #isRead = false;

  constructor(directory: string, wallTime: () => string) {
    this.#directory = directory;
    this.#wallTime = wallTime;
  }

  /** Opens the file and reads it. */
  open(): FromState {
    try {
      const { database, aside } = this.#opened();
      return this.#handOut(database, aside);
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind === 'corrupt' && this.#database !== null) return this.#openAnew(fault.because);
      return this.#closed(fault.because);
    }
  }

  /** Writes a batch; opens the file again where it had to be given up. */
  write(batch: StateBatch): FromState {
    try {
      if (!this.#isRead) throw new Error('nobody has seen yet what it holds');
      // SQLite would go on writing to a file without a name.
      if (this.#database !== null && !existsSync(this.#path)) throw new Error('its file was removed');
      const { database, aside } = this.#opened();
      return this.#written(database, batch, aside);
    } catch (error) {
      const fault = faultOf(error);
      this.#shut();
      if (fault.kind === 'corrupt') return this.#writeAnew(batch, fault.because);
      return { kind: 'failed', budgets: batch.budgets, because: fault.because };
    }
  }

  close(): void {
    this.#shut();
    this.#lock?.release();
    this.#lock = null;
  }

  get #path(): string {
    return join(this.#directory, STATE_FILE);
  }

  #handOut(database: StateDatabase, aside: MovedAside | null): FromState {
    const loaded = database.load();
    this.#isRead = true;
    return { kind: 'opened', loaded, aside, fileBytes: this.#fileBytes() };
  }

  #closed(because: string): FromState {
    this.close();
    return { kind: 'closed', loaded: this.#readOnly(), because };
  }

  /** What SQLite finds whole may still hold what nobody can read. */
  #openAnew(because: string): FromState {
    try {
      this.#shut();
      const aside: MovedAside = { path: moveAside(this.#path), because };
      return this.#handOut(this.#opened().database, aside);
    } catch (error) {
      return this.#closed(faultOf(error).because);
    }
  }

  #written(database: StateDatabase, batch: StateBatch, aside: MovedAside | null): FromState {
    return { kind: 'written', recorded: database.write(batch), aside, fileBytes: this.#fileBytes() };
  }

  /** Null where nobody may look: what was written is written all the same, and the status says that it is not known. */
  #fileBytes(): number | null {
    try {
      return bytesOf(this.#path);
    } catch {
      return null;
    }
  }

  #shut(): void {
    this.#database?.close();
    this.#database = null;
  }

  #opened(): { readonly database: StateDatabase; readonly aside: MovedAside | null } {
    if (this.#database !== null) return { database: this.#database, aside: null };
    // A lock on a file that was removed keeps nobody away.
    if (this.#lock !== null && !this.#lock.holds()) this.close();
    const { database, lock, aside } = openFiles(this.#directory, this.#wallTime, this.#lock);
    this.#lock = lock;
    this.#database = database;
    return { database, aside };
  }

  #writeAnew(batch: StateBatch, because: string): FromState {
    try {
      const aside: MovedAside = { path: moveAside(this.#path), because };
      return this.#written(this.#opened().database, batch, aside);
    } catch (error) {
      this.#shut();
      return { kind: 'failed', budgets: batch.budgets, because: faultOf(error).because };
    }
  }

  /** A directory that cannot be written, or that another process writes to, may still say what was held. */
  #readOnly(): LoadedState | null {
    if (!existsSync(this.#path)) return null;
    try {
      const database = openToRead(this.#path);
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
