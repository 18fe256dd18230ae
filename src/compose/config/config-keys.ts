/**
 * The keys that documents are signed with, kept up with: a file of keys that is replaced counts without a restart.
 *
 * ```
 * file changed, or a reload ─┬▶ keys, others than before ─▶ they count from now on
 *                            └▶ no keys, or unreadable ───▶ those of before stay, and it is said
 * ```
 * A gateway that has keys never comes to have none. Those of the environment are the process's for good.
 */

import { timingSafeEqual } from 'node:crypto';
import type { Log } from '../../lib/log.ts';
import { SluiceError } from '../../model/problem.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { type ConfigKey, loadConfigKeys, readConfigKeys } from '../../sources/document/signature/keys.ts';
import { type FileEvent, type FileSource, openFile } from '../../sources/file.ts';

export interface ConfigKeysDeps {
  /** Null: the environment may have the keys. */
  readonly file: string | null;
  readonly environment: Environment;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Other keys count from now on. */
  readonly changed: (file: string) => void;
}

export class ConfigKeys {
  readonly #deps: ConfigKeysDeps;
  readonly #reloads = { done: 0, failed: 0 };
  #list: readonly ConfigKey[] = [];
  #because = '';
  #source: FileSource | null = null;

  constructor(deps: ConfigKeysDeps) {
    this.#deps = deps;
  }

  /** Those that count now; none: no document needs a signature. */
  get list(): readonly ConfigKey[] {
    return this.#list;
  }

  /** Why what the file holds now cannot be used; empty: it can. */
  get because(): string {
    return this.#because;
  }

  /** How often the file was replaced, and how often by what cannot be used. */
  get reloads(): { readonly done: number; readonly failed: number } {
    return { ...this.#reloads };
  }

  /** Reads the keys, and follows their file. @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE */
  async open(): Promise<void> {
    const { file, environment } = this.#deps;
    if (file === null) {
      this.#list = await loadConfigKeys(null, environment);
      return;
    }
    const { text, source } = await openFile(file, (event) => this.#onFile(file, event));
    try {
      this.#list = readConfigKeys(text, file);
      this.#source = source;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Reads the file again. */
  reload(): void {
    this.#source?.reload();
  }

  /** Idempotent. */
  close(): void {
    this.#source?.close();
  }

  #onFile(file: string, event: FileEvent): void {
    if (event.kind === 'text') this.#take(file, event.text);
    else if (event.kind === 'unreadable') this.#refuse(file, event.error);
    else this.#deps.log.warn('config_unwatched', { file, error: event.error.message });
  }

  #take(file: string, text: string): void {
    try {
      const keys = readConfigKeys(text, file);
      this.#because = '';
      if (areSame(keys, this.#list)) return;
      this.#list = keys;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.#refuse(file, error);
      return;
    }
    this.#reloads.done += 1;
    this.#deps.log.info('config_keys', { file, keys: this.#ids });
    this.#deps.changed(file);
  }

  #refuse(file: string, { message }: SluiceError): void {
    this.#because = message;
    this.#reloads.failed += 1;
    this.#deps.log.error('config_keys_refused', { file, kept: this.#ids, because: message });
  }

  get #ids(): readonly string[] {
    return this.#list.map(({ id }) => id);
  }
}

function areSame(a: readonly ConfigKey[], b: readonly ConfigKey[]): boolean {
  const isSame = (one: ConfigKey, other: ConfigKey | undefined): boolean => {
    if (one.id !== other?.id || one.secret.length !== other.secret.length) return false;
    return timingSafeEqual(one.secret, other.secret);
  };
  return a.length === b.length && a.every((one, index) => isSame(one, b[index]));
}
