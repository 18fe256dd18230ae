/**
 * Composition of waiting: a configuration of before is put in force when its endpoints are there.
 */

import type { Config } from '../../../model/config.ts';

/**
 * A command waits so long, within what the admin server gives it (admin/commands.ts). Endpoints that are found later are put in
 * force then.
 */
export const COMMAND_WAIT_MS = 6000;

/**
 * Opens the lookups of a configuration. Resolves when its endpoints are there, or had their time, with what is to be called when
 * the configuration was offered; null: there is nothing to wait for.
 */
export type PrepareEndpoints = (config: Config) => Promise<() => void> | null;

export class Preparation {
  #open: PrepareEndpoints = () => null;
  #unwatched: () => void = () => undefined;

  /** @param unwatched lets go of the lookups of configurations that nobody may go back to by himself any more */
  by(open: PrepareEndpoints, unwatched: () => void): void {
    this.#open = open;
    this.#unwatched = unwatched;
  }

  /**
   * Calls `put` when the endpoints of `config` are there, or had their time: at once, if there is nothing to wait for.
   * @param waitMs less than the time that they have
   */
  async run<T>(config: Config, put: () => T, waitMs?: number): Promise<T> {
    const waiting = this.#open(config);
    if (waiting === null) return put();
    const done = new AbortController();
    const isThere = waitMs === undefined ? waiting : Promise.race([waiting, elapsed(waitMs, done.signal)]);
    try {
      await isThere;
      return put();
    } finally {
      done.abort();
      void waiting.then((release) => release());
    }
  }

  /** No configuration is watched any more. */
  unwatched(): void {
    this.#unwatched();
  }
}

/** Resolves after a time, or when nobody waits any more. */
function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
