/**
 * Follows one configuration file and says when its text is another.
 *
 * ```
 *            ┌──────────── nothing new, or said ────────────┐
 *            ▼                                              │
 *  idle ─▶ watching ── folder event ─▶ debounced ── timer ─▶ reloading
 *   ▲          └────── poll, reload() ──────────────────────▶ │  ▲ │
 *   └── close() from every state                              └──┘ event meanwhile: debounced again
 * ```
 * The folder is watched, not the file: an editor's rename puts another inode in its place, and a Kubernetes ConfigMap
 * swaps the symlink `..data` beside it. A folder event is only a reason to look; what counts is the hash of the bytes. They become a text when
 * they are others: a text of megabytes at every look had V8 collect the whole heap for it.
 * Every `pollMs` the watch is renewed and the file is looked at anyway: folders that are replaced, links into other
 * folders and file systems without events are seen then. Errors are said once, until they change or end.
 */

import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { SluiceError } from '../model/problem.ts';
import { DISK, type Disk, type FolderWatch, textOf } from './disk.ts';

/** What a file source has to say. */
export type FileEvent =
  /** The text is another, or `reload()` was asked for. */
  | { readonly kind: 'text'; readonly text: string }
  /** The file cannot be read; the watch goes on. */
  | { readonly kind: 'unreadable'; readonly error: SluiceError }
  /** The folder cannot be watched: changes are seen within `pollMs` only. */
  | { readonly kind: 'unwatched'; readonly error: Error };

/** States of the watch, each with what belongs to it alone. */
export type WatchState =
  | { readonly name: 'idle' }
  | { readonly name: 'watching' }
  /** Waits for the writer to finish; each event starts the wait anew, at most `EXTENSIONS_MAX` times. */
  | { readonly name: 'debounced'; readonly timer: unknown; readonly extensions: number }
  /** `isStale`: something changed while the file was being read. */
  | { readonly name: 'reloading'; readonly isStale: boolean };

export interface Timers {
  set(run: () => void, delayMs: number): unknown;
  clear(timer: unknown): void;
}

type FileDisk = Pick<Disk, 'readBytes' | 'watchFolder'>;

export interface FileSourceOptions {
  /** Quiet time after a folder event before the file is read; default 100. */
  readonly debounceMs?: number;
  /** Time between two looks without any event; default 5000. */
  readonly pollMs?: number;
  readonly timers?: Timers;
  readonly disk?: FileDisk;
}

/** Longest wait under a stream of events is this many times `debounceMs`. */
export const EXTENSIONS_MAX = 10;

/** Timers that do not keep the process alive. */
export const UNREF_TIMERS: Timers = {
  set: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** A followed file. */
export interface FileSource {
  readonly state: WatchState['name'];
  /** Reads the file now and says its text even if it is the same: for SIGHUP. Does nothing after `close()`. */
  reload(): void;
  /** Ends the watch; nothing is said afterwards. Idempotent. */
  close(): void;
}

/**
 * Reads `file` and follows it from then on.
 * @returns the text it begins with, and the source
 * @throws SluiceError `SLU_CONFIG_UNREADABLE` when it cannot be read now
 */
export async function openFile(
  file: string,
  onEvent: (event: FileEvent) => void,
  options: FileSourceOptions = {},
): Promise<{ readonly text: string; readonly source: FileSource }> {
  const source = new WatchedFile(file, onEvent, options);
  const text = await source.open();
  return { text, source };
}

/** What a look found; `hash` null: no text. */
interface Found {
  readonly hash: string | null;
  readonly event: FileEvent;
}

class WatchedFile implements FileSource {
  readonly #file: string;
  readonly #onEvent: (event: FileEvent) => void;
  readonly #options: Required<FileSourceOptions>;
  #state: WatchState = { name: 'idle' };
  #watch: FolderWatch | null = null;
  #pollTimer: unknown = null;
  /** Hash of what was last said, and taken; null after an error, so that its end is said. */
  #hash: string | null = null;
  /** Messages of the errors that last, so that each is said once. */
  #unreadable = '';
  #unwatched = '';
  #isForced = false;

  constructor(file: string, onEvent: (event: FileEvent) => void, options: FileSourceOptions) {
    this.#file = file;
    this.#onEvent = onEvent;
    this.#options = { debounceMs: 100, pollMs: 5000, timers: UNREF_TIMERS, disk: DISK, ...options };
  }

  get state(): WatchState['name'] {
    return this.#state.name;
  }

  /** The first text. A change between reading and watching is found by one more look. */
  async open(): Promise<string> {
    this.#state = { name: 'reloading', isStale: false };
    try {
      const bytes = await this.#options.disk.readBytes(this.#file);
      const text = textOf(this.#file, bytes);
      this.#renewWatch();
      this.#hash = hashOf(bytes);
      this.#schedulePoll();
      this.#arm(0);
      return text;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  reload(): void {
    if (this.#state.name === 'idle') return;
    this.#isForced = true;
    if (this.#state.name === 'debounced') this.#options.timers.clear(this.#state.timer);
    if (this.#state.name === 'reloading') this.#state = { name: 'reloading', isStale: true };
    else void this.#look();
  }

  close(): void {
    if (this.#state.name === 'debounced') this.#options.timers.clear(this.#state.timer);
    this.#state = { name: 'idle' };
    if (this.#pollTimer !== null) this.#options.timers.clear(this.#pollTimer);
    this.#pollTimer = null;
    this.#watch?.close();
    this.#watch = null;
  }

  #schedulePoll(): void {
    this.#pollTimer = this.#options.timers.set(() => {
      // First: whatever goes wrong at this look must not be the last one.
      this.#schedulePoll();
      this.#renewWatch();
      if (this.#state.name === 'watching') void this.#look();
    }, this.#options.pollMs);
  }

  #renewWatch(): void {
    this.#watch?.close();
    this.#watch = null;
    const watchLost = (error: Error): void => this.#loseWatch(error);
    try {
      const onChange = (name: string | null): void => this.#onChange(name);
      this.#watch = this.#options.disk.watchFolder(dirname(this.#file), onChange, watchLost);
      this.#unwatched = '';
    } catch (error) {
      watchLost(error as Error);
    }
  }

  #loseWatch(error: Error): void {
    if (this.#state.name === 'idle') return;
    this.#watch?.close();
    this.#watch = null;
    if (this.#unwatched === error.message) return;
    this.#unwatched = error.message;
    this.#onEvent({ kind: 'unwatched', error });
  }

  #onChange(name: string | null): void {
    // A ConfigMap's own entries begin with two dots; other neighbors are none of our business.
    if (name !== null && name !== basename(this.#file) && !name.startsWith('..')) return;
    const state = this.#state;
    if (state.name === 'watching') this.#arm(0);
    else if (state.name === 'reloading') this.#state = { name: 'reloading', isStale: true };
    else if (state.name === 'debounced' && state.extensions < EXTENSIONS_MAX) {
      this.#options.timers.clear(state.timer);
      this.#arm(state.extensions + 1);
    }
  }

  #arm(extensions: number): void {
    const timer = this.#options.timers.set(() => void this.#look(), this.#options.debounceMs);
    this.#state = { name: 'debounced', timer, extensions };
  }

  async #look(): Promise<void> {
    this.#state = { name: 'reloading', isStale: false };
    const isForced = this.#isForced;
    this.#isForced = false;
    const found = await this.#read(isForced);
    // Awaiting gave others a turn: the source may be closed, or something may have changed meanwhile.
    const state = this.#state as WatchState;
    if (state.name !== 'reloading') return;
    if (!state.isStale) this.#state = { name: 'watching' };
    else if (this.#isForced) void this.#look();
    else this.#arm(0);
    if (found !== null) this.#say(found, isForced);
  }

  /** null: what was said last is still there. @param isForced it is to be said again */
  async #read(isForced: boolean): Promise<Found | null> {
    try {
      const bytes = await this.#options.disk.readBytes(this.#file);
      const hash = hashOf(bytes);
      if (hash === this.#hash && !isForced) return null;
      return { hash, event: { kind: 'text', text: textOf(this.#file, bytes) } };
    } catch (error) {
      if (error instanceof SluiceError) return { hash: null, event: { kind: 'unreadable', error } };
      const message = `${this.#file}: ${error instanceof Error ? error.message : String(error)}`;
      const unexpected = new SluiceError('SLU_CONFIG_UNREADABLE', message, { cause: error });
      return { hash: null, event: { kind: 'unreadable', error: unexpected } };
    }
  }

  #say({ hash, event }: Found, isForced: boolean): void {
    const message = event.kind === 'unreadable' ? event.error.message : '';
    const isNews = hash !== this.#hash || message !== this.#unreadable;
    this.#hash = hash;
    this.#unreadable = message;
    if (!isNews && !isForced) return;
    try {
      this.#onEvent(event);
    } catch (error) {
      // What was not taken counts as unsaid: the next look says it again.
      this.#hash = null;
      this.#unreadable = '';
      throw error;
    }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
