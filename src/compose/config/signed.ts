/**
 * Composition of signed documents: keys ▸ ledger ▸ what the configuration may be made of.
 *
 * ```
 * documents ─▶ verified ─┬─ all good ─▶ sound: parsed as ever; their revisions count once it is in force
 *                        ├─ a document without its signature, for less than PAIR_MS ─▶ waiting: the two are written one by one
 *                        └─ anything else ─▶ refused: the last good configuration stays
 * ```
 * Without keys everything is sound, and signatures are left alone. With other keys all is verified anew (`config-keys.ts`).
 */

import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { formatProblem, type Problem, SluiceError } from '../../model/problem.ts';
import type { SignaturesStatus } from '../../model/threads/revision.ts';
import type { SavedBudget } from '../../model/threads/state.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import type { SourceDocument } from '../../sources/document/pieces.ts';
import { printOf } from '../../sources/document/signature/keys.ts';
import { Ledger, type Refusal, type Verified } from '../../sources/document/signature/ledger.ts';
import { SIGNATURE_ENDING } from '../../sources/document/signature/subject.ts';
import { type FileEvent, type FileSource, openFile } from '../../sources/file.ts';
import { ConfigKeys } from './config-keys.ts';

/** How long the other half of a pair is waited for, from the first look that missed it. */
export const PAIR_MS = 5000;
/** At the start nobody tells of changes yet. */
const LOOK_MS = 100;
/** Of rows of the state store. */
const SIGNED_PREFIX = 'signed/';
const FORMAT = 1;

export interface SignedDeps {
  /** The main document. */
  readonly file: string;
  /** Null: the environment may have the keys. */
  readonly keyFile: string | null;
  readonly environment: Environment;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Of the source with this number, from 1. */
  readonly sourceName: (source: number) => string;
  /** The signature of the main document is another, or gone; or the keys are others. */
  readonly changed: (file: string) => void;
  /** What is in force was verified with these keys, as `printOf` has them; null: it holds a document of before, as is known only now. */
  readonly verified: (prints: readonly string[] | null) => void;
  /** Keeps rows for the next process. */
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
}

/** What documents are good for. */
export type Checked =
  | { readonly kind: 'sound'; readonly documents: readonly SourceDocument[]; readonly taken: Taken | null }
  /** `forMs`: until it is refused. */
  | { readonly kind: 'waiting'; readonly forMs: number; readonly problems: readonly Problem[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** Documents with their signatures, and what came of verifying them. */
interface Taken {
  readonly all: readonly SourceDocument[];
  readonly verified: Verified;
}

export class SignedDocuments {
  readonly #deps: SignedDeps;
  readonly #keys: ConfigKeys;
  #ledger: Ledger | null = null;
  #main: SourceDocument | null = null;
  #source: FileSource | null = null;
  /** Since when halves are missing; null: none is. */
  #halfSinceMs: number | null = null;
  #isWaiting = false;
  /** Names of what was refused last, so that each refusal is counted once. */
  #refusedNames: ReadonlySet<string> = new Set();
  #refused: Record<Refusal, number> = { unsigned: 0, wrong: 0, replayed: 0 };
  /** What was checked and taken last, with what was verified. */
  #taken: Taken | null = null;

  constructor(deps: SignedDeps) {
    this.#deps = deps;
    const { keyFile: file, environment, log } = deps;
    this.#keys = new ConfigKeys({ file, environment, log, changed: (name) => this.#onKeys(name) });
  }

  /** There are keys, so every document must be signed. */
  get isRequired(): boolean {
    return this.#ledger !== null;
  }

  /** The keys that count now, as `printOf` has them; null: there are none, and no document must be signed. */
  get prints(): readonly string[] | null {
    return this.isRequired ? this.#keys.list.map(printOf) : null;
  }

  /** Reads the keys. @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE */
  async open(): Promise<void> {
    const { log, file } = this.#deps;
    await this.#keys.open();
    if (this.#keys.list.length === 0) return;
    const placeOf = ({ source }: SourceDocument, subject: string): string =>
      `${source === 0 ? 'main' : this.#deps.sourceName(source)} ${subject}`;
    this.#ledger = new Ledger(this.#keys.list, placeOf);
    log.info('config_signatures', { file, keys: this.#keys.list.map(({ id }) => id) });
  }

  /** Verifies documents, that of the main one's signature added. */
  check(documents: readonly SourceDocument[]): Checked {
    if (this.#ledger === null) return { kind: 'sound', documents, taken: null };
    const all = this.#main === null ? documents : [...documents, this.#main];
    const verified = this.#ledger.verify(all);
    const { refused } = verified;
    if (refused.length === 0) return this.#sound({ all, verified });
    const problems = refused.map(({ problem }) => problem);
    const nowAtMs = this.#deps.nowMs();
    this.#halfSinceMs ??= nowAtMs;
    const forMs = this.#halfSinceMs + PAIR_MS - nowAtMs;
    this.#isWaiting = forMs > 0 && refused.every(({ isHalf }) => isHalf);
    if (this.#isWaiting) return { kind: 'waiting', forMs, problems };
    this.#count(verified);
    return { kind: 'refused', problems };
  }

  /** The same at the start: waits for halves, as long as it may. */
  async first(documents: () => readonly SourceDocument[]): Promise<Checked> {
    for (;;) {
      if (this.isRequired && this.#source === null) await this.#openMain();
      const checked = this.check(documents());
      if (checked.kind !== 'waiting') return checked;
      await sleep(Math.min(LOOK_MS, checked.forMs));
    }
  }

  /** What was checked is in force. */
  accept({ taken }: Checked & { readonly kind: 'sound' }): void {
    if (this.#ledger === null || taken === null) return;
    this.#taken = taken;
    this.#deps.verified(taken.verified.prints);
    const parts = this.#ledger.accept(taken.verified);
    if (parts.size > 0) this.#deps.save(rowsOf(this.#ledger.save(parts)));
  }

  /**
   * Takes what the start has checked, now that it is known what an earlier process had taken.
   * @throws SluiceError `SLU_CONFIG_INVALID` when documents of before were put back while nobody served
   */
  confirm(checked: Checked & { readonly kind: 'sound' }): void {
    const problems = this.#replaysOf(checked.taken);
    if (problems.length === 0) {
      this.accept(checked);
      return;
    }
    const message = `${problems.length} signed document(s) were put back to an earlier revision`;
    throw new SluiceError('SLU_CONFIG_INVALID', message, { problems });
  }

  /** Null where there are no keys. */
  status(): SignaturesStatus | null {
    if (!this.isRequired) return null;
    const keys = this.#keys.list.map(({ id }) => id);
    const { because, reloads } = this.#keys;
    const documents = this.#taken?.verified.floors.size ?? 0;
    return { keys, because, reloads, documents, isWaiting: this.#isWaiting, refused: { ...this.#refused } };
  }

  /** Reads the keys and the main document's signature again. */
  reload(): void {
    this.#keys.reload();
    this.#source?.reload();
  }

  /** Idempotent. */
  close(): void {
    this.#keys.close();
    this.#source?.close();
  }

  // ── what outlives the process ───────────────────────────────────────────────────────────────────────────────────

  save(): Map<string, SavedBudget> {
    return rowsOf(this.#ledger?.save() ?? new Map());
  }

  /** Whether a saved budget is none, but revisions of signed documents; then it is taken in. @throws Error when it is damaged */
  recall(key: string, { format, bytes }: SavedBudget): boolean {
    if (!key.startsWith(SIGNED_PREFIX)) return false;
    if (format !== FORMAT) throw new Error(`format ${format} is not ${FORMAT}`);
    this.#ledger?.recall(bytes);
    return true;
  }

  /** Where the state could be read only now, what is in force stays, and is told of. */
  recalled(): void {
    const problems = this.#replaysOf(this.#taken);
    if (problems.length === 0) return;
    this.#deps.verified(null);
    this.#deps.log.error('config_replayed', { problems: problems.map(formatProblem) });
  }

  // ── ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sound(taken: Taken): Checked {
    this.#halfSinceMs = null;
    this.#isWaiting = false;
    this.#refusedNames = new Set();
    return { kind: 'sound', documents: taken.verified.documents, taken };
  }

  #count({ refused }: Verified): void {
    for (const { name, refusal } of refused) if (!this.#refusedNames.has(name)) this.#refused[refusal] += 1;
    this.#refusedNames = new Set(refused.map(({ name }) => name));
  }

  #replaysOf(taken: Taken | null): readonly Problem[] {
    if (this.#ledger === null || taken === null) return [];
    // Of other keys since is told when all is verified anew.
    const replayed = this.#ledger.verify(taken.all).refused.filter(({ refusal }) => refusal === 'replayed');
    return replayed.map(({ problem }) => problem);
  }

  #onKeys(file: string): void {
    this.#ledger?.trust(this.#keys.list);
    this.#deps.changed(file);
  }

  /** Follows the signature of the main document. Without one there is nothing to follow yet. */
  async #openMain(): Promise<void> {
    const file = this.#deps.file + SIGNATURE_ENDING;
    try {
      const { text, source } = await openFile(file, (event) => this.#onMain(file, event));
      this.#source = source;
      this.#main = this.#mainOf(file, text);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      // Told as what it is: a document without a signature.
      this.#deps.log.debug('config_unsigned', { file, because: error.message });
    }
  }

  #onMain(file: string, event: FileEvent): void {
    // The main document's own watch, of the same folder, tells of it.
    if (event.kind === 'unwatched') return;
    this.#main = event.kind === 'text' ? this.#mainOf(file, event.text) : null;
    this.#deps.changed(file);
  }

  #mainOf(name: string, text: string): SourceDocument {
    const mount = { kind: 'signature', of: basename(this.#deps.file) } as const;
    return { name, text, mount, source: 0, isForeign: false };
  }
}

/** Copies: what is saved is handed over to the thread that writes. */
function rowsOf(parts: ReadonlyMap<number, Uint8Array>): Map<string, SavedBudget> {
  const at = wallTime();
  return new Map(
    [...parts].map(([part, bytes]) => [SIGNED_PREFIX + part, { format: FORMAT, bytes: Uint8Array.from(bytes), at }]),
  );
}
