/**
 * All sources of a configuration together: followed side by side, handed on in the order of their precedence.
 */

import { type Problem, SluiceError } from '../../model/problem.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { SourceDocument } from '../document/pieces.ts';
import { type FollowEvent, Follower, type FollowerOptions } from './follower.ts';
import type { Piece, Store } from './source.ts';

export interface FeedsOptions extends Omit<FollowerOptions, 'store' | 'onEvent'> {
  readonly stores: readonly Store[];
  /** `source`: its name. */
  readonly onEvent: (source: string, event: FollowEvent) => void;
}

/** Pieces of one source, and their documents. */
interface Told {
  readonly pieces: readonly Piece[];
  readonly documents: readonly SourceDocument[];
}

export class Feeds {
  readonly #options: FeedsOptions;
  readonly #followers: readonly Follower[];
  readonly #names: readonly string[];
  readonly #documents = new WeakMap<Piece, SourceDocument>();
  /** Of each source, what was asked for last. */
  readonly #last: Told[];

  constructor(options: FeedsOptions) {
    this.#options = options;
    this.#names = distinct(options.stores.map(({ name }) => name));
    this.#last = options.stores.map(() => ({ pieces: [], documents: [] }));
    this.#followers = options.stores.map((store, index) => {
      const name = this.#names[index] as string;
      return new Follower({ ...options, store, onEvent: (event) => options.onEvent(name, event) });
    });
  }

  /**
   * Begins to follow; resolves when every source has answered once, or had the start's time to.
   * @returns `SLU_SOURCE_UNAVAILABLE` with those that have not, which are asked on; null: all have
   */
  async start(): Promise<SluiceError | null> {
    for (const follower of this.#followers) follower.start();
    const { timers, settings } = this.#options;
    let timer: unknown = null;
    const isLate = new Promise<boolean>((resolve) => {
      timer = timers.set(() => resolve(true), settings.startTimeoutMs);
    });
    const all = Promise.all(this.#followers.map(({ first }) => first)).then(() => false);
    const late = await Promise.race([all, isLate]);
    timers.clear(timer);
    return late ? this.#unanswered() : null;
  }

  /** Whether every source has answered once. */
  get haveAnswered(): boolean {
    return this.#followers.every(({ hasAnswered }) => hasAnswered);
  }

  /** Since the one heard from longest ago said what it holds. */
  get staleMs(): number {
    return Math.max(0, ...this.status().map(({ staleMs }) => staleMs));
  }

  /** What a source is called, distinct. @param source its number, from 1 */
  nameOf(source: number): string {
    return this.#names[source - 1] ?? '';
  }

  /** Every document that is held, sources numbered from 1; the same object for a piece that stayed. */
  documents(): SourceDocument[] {
    return this.#followers.flatMap(({ pieces }, index) => this.#documentsOf(pieces, index));
  }

  /** Asks every source now; sudden losses that were not believed are believed. */
  reload(): void {
    for (const follower of this.#followers) follower.reload();
  }

  status(): SourceStatus[] {
    return this.#followers.map((follower, index) => ({ ...follower.status(), name: this.#names[index] as string }));
  }

  /** Idempotent. */
  close(): void {
    for (const follower of this.#followers) follower.close();
  }

  /** What is in its place still is not looked up. */
  #documentsOf(pieces: readonly Piece[], index: number): readonly SourceDocument[] {
    const last = this.#last[index] as Told;
    if (last.pieces === pieces) return last.documents;
    const { isForeign } = this.#options.stores[index] as Store;
    const documents = pieces.map((piece, n) => {
      const same = last.pieces[n] === piece ? last.documents[n] : undefined;
      return same ?? this.#documentOf(piece, index + 1, isForeign);
    });
    this.#last[index] = { pieces, documents };
    return documents;
  }

  #documentOf(piece: Piece, source: number, isForeign: boolean): SourceDocument {
    const known = this.#documents.get(piece);
    if (known !== undefined) return known;
    const { name, mount, text } = piece;
    const made = { name, mount, text, source, isForeign };
    this.#documents.set(piece, made);
    return made;
  }

  #unanswered(): SluiceError {
    const problems = this.status()
      .filter(({ revision, pieces, confirmedAt }) => revision === '' && pieces === 0 && confirmedAt === '')
      .map(({ name, lastError }) => unansweredProblem(name, lastError));
    const names = problems.map(({ file }) => file).join(', ');
    const message = `no answer from ${names} within ${this.#options.settings.startTimeoutMs} ms`;
    return new SluiceError('SLU_SOURCE_UNAVAILABLE', message, { problems });
  }
}

function unansweredProblem(name: string, lastError: string): Problem {
  return {
    code: 'SLU_SOURCE_UNAVAILABLE',
    file: name,
    line: 0,
    column: 0,
    path: '',
    expected: 'an answer',
    got: lastError === '' ? 'none' : lastError,
    hint: 'start it, mend its entry in sources, or give it longer with follow.startTimeout',
  };
}

/** Two sources may be called the same; what is exported must not be. */
function distinct(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name} (${earlier + 1})`;
  });
}
