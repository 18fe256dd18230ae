/**
 * The file that tells a supervisor which process serves now.
 *
 * Replaced by a rename, so that nobody reads half of it; removed only by the process that it names. A file that cannot be
 * written is told and ends nothing: a gateway is there to serve.
 */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Log } from '../../lib/log.ts';

export interface PidFileOptions {
  /** Null: there is none. */
  readonly path: string | null;
  readonly pid: number;
  readonly log: Pick<Log, 'error'>;
}

export class PidFile {
  readonly #options: PidFileOptions;

  constructor(options: PidFileOptions) {
    this.#options = options;
  }

  /** Names this process. */
  write(): void {
    this.#try((path, pid) => {
      const fresh = `${path}.${pid}`;
      writeFileSync(fresh, `${pid}\n`);
      renameSync(fresh, path);
    });
  }

  /** Removes the file if it still names this process. */
  remove(): void {
    this.#try((path, pid) => {
      // Before the first write, and after somebody took it away, there is nothing to remove.
      if (existsSync(path) && readFileSync(path, 'utf8').trim() === String(pid)) rmSync(path);
    });
  }

  #try(act: (path: string, pid: number) => void): void {
    const { path, pid, log } = this.#options;
    if (path === null) return;
    try {
      act(path, pid);
    } catch (error) {
      log.error('pid_file_failed', { path, error });
    }
  }
}
