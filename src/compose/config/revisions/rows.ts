/**
 * Composition of how revisions, the pin and the word of the sources outlive the process: rows of their own among the budgets of the
 * state store.
 */

import { wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import { rest } from '../../../lib/threads/rest.ts';
import type { Pin } from '../../../model/threads/revision.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import { type Confirmed, packConfirmed } from '../../../snapshot/revisions/confirmed.ts';
import type { History } from '../../../snapshot/revisions/history.ts';
import { packPin } from '../../../snapshot/revisions/pin.ts';

/** Among the budgets in the state store, which they outlive like these. */
export const KEY_PREFIX = 'config/';
const PIN = 'pin';
const CONFIRMED = 'confirmed';
export const PIN_KEY = `${KEY_PREFIX}${PIN}`;
export const CONFIRMED_KEY = `${KEY_PREFIX}${CONFIRMED}`;
export const FORMAT = 1;

export interface RevisionRowsDeps {
  readonly log: Pick<Log, 'error'>;
  /** Keeps rows for the next process. */
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
}

export class RevisionRows {
  readonly #history: History;
  readonly #deps: RevisionRowsDeps;
  /** Rows that are no revisions, by key without prefix. */
  readonly #others = new Map([[PIN, packPin(null)]]);
  /** What was handed on to be saved, by key without prefix. */
  #saved: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(history: History, deps: RevisionRowsDeps) {
    this.#history = history;
    this.#deps = deps;
  }

  setPin(pin: Pin | null): void {
    this.#others.set(PIN, packPin(pin));
  }

  /** What the sources have confirmed, and when. */
  setConfirmed(confirmed: Confirmed): void {
    this.#others.set(CONFIRMED, packConfirmed(confirmed));
  }

  /** The same of an earlier process, unless this one has heard of the sources itself. */
  recallConfirmed(confirmed: Confirmed): void {
    if (!this.#others.has(CONFIRMED)) this.setConfirmed(confirmed);
  }

  /** Everything. */
  all(): Map<string, SavedBudget> {
    return savedOf(this.#packed());
  }

  /** Saves what is news when it is packed. */
  keep(): void {
    const failed = (error: unknown): void => this.#deps.log.error('config_not_kept', { error });
    const save = (): void => this.saveNews();
    void this.#history.pack().catch(failed).then(save).catch(failed);
  }

  /** Saves what is not as it was saved last. @throws what `save` throws; then it is news still */
  saveNews(): void {
    rest();
    const rows = this.#packed();
    const before = this.#saved;
    const news = savedOf([...rows].filter(([key, bytes]) => before.get(key) !== bytes));
    if (news.size > 0) this.#deps.save(news);
    this.#saved = rows;
  }

  #packed(): ReadonlyMap<string, Uint8Array> {
    const rows = this.#history.rows();
    for (const [key, bytes] of this.#others) rows.set(key, bytes);
    return rows;
  }
}

/** Copies: what is saved is handed over to the thread that writes. */
function savedOf(rows: Iterable<readonly [key: string, bytes: Uint8Array]>): Map<string, SavedBudget> {
  const saved = new Map<string, SavedBudget>();
  for (const [key, bytes] of rows) {
    saved.set(KEY_PREFIX + key, { format: FORMAT, bytes: Uint8Array.from(bytes), at: wallTime() });
  }
  return saved;
}
