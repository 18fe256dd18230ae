/**
 * Composition of how revisions and the pin outlive the process: rows of their own among the budgets of the state store.
 */

import { wallTime } from '../../../lib/clock.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import type { History } from '../../../snapshot/revisions/history.ts';

/** Among the budgets in the state store, which they outlive like these. */
export const KEY_PREFIX = 'config/';
export const PIN_KEY = `${KEY_PREFIX}pin`;
export const FORMAT = 1;

export class RevisionRows {
  readonly #history: History;
  /** What was handed on to be saved, by key. */
  #saved = new Map<string, Uint8Array>();

  constructor(history: History) {
    this.#history = history;
  }

  /** Everything. @param pin as it is packed */
  all(pin: Uint8Array): Map<string, SavedBudget> {
    return new Map([...this.#packed(pin)].map(([key, bytes]) => [key, rowOf(bytes)]));
  }

  /** What is not as it was when this was last asked. */
  news(pin: Uint8Array): Map<string, SavedBudget> {
    const rows = this.#packed(pin);
    const news = [...rows].filter(([key, bytes]) => this.#saved.get(key) !== bytes);
    this.#saved = rows;
    return new Map(news.map(([key, bytes]) => [key, rowOf(bytes)]));
  }

  #packed(pin: Uint8Array): Map<string, Uint8Array> {
    const rows = new Map<string, Uint8Array>();
    for (const [key, bytes] of this.#history.rows()) rows.set(KEY_PREFIX + key, bytes);
    return rows.set(PIN_KEY, pin);
  }
}

/** A copy: what is saved is handed over to the thread that writes. */
const rowOf = (bytes: Uint8Array): SavedBudget => ({ format: FORMAT, bytes: Uint8Array.from(bytes), at: wallTime() });
