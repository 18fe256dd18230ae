/**
 * Composition of how revisions and the pin outlive the process: rows of their own among the budgets of the state store.
 */

import { wallTime } from '../../../lib/clock.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import type { History } from '../../../snapshot/revisions/history.ts';

/** Among the budgets in the state store, which they outlive like these. */
export const KEY_PREFIX = 'config/';
const PIN = 'pin';
export const PIN_KEY = `${KEY_PREFIX}${PIN}`;
export const FORMAT = 1;

export class RevisionRows {
  readonly #history: History;
  /** What was handed on to be saved, by key without prefix. */
  #saved: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(history: History) {
    this.#history = history;
  }

  /** Everything. @param pin as it is packed */
  all(pin: Uint8Array): Map<string, SavedBudget> {
    return savedOf(this.#packed(pin));
  }

  /** What is not as it was when this was last asked. */
  news(pin: Uint8Array): Map<string, SavedBudget> {
    const rows = this.#packed(pin);
    const before = this.#saved;
    this.#saved = rows;
    return savedOf([...rows].filter(([key, bytes]) => before.get(key) !== bytes));
  }

  #packed(pin: Uint8Array): ReadonlyMap<string, Uint8Array> {
    return this.#history.rows().set(PIN, pin);
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
