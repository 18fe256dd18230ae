/**
 * Composition of doubt about sources that have come back: after a stale start nobody knows what each of them held, so what they hold
 * together is compared with what is in force. A sudden loss is not believed before it has lasted, or a person confirms it.
 */

import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type { Timers } from '../../../sources/file.ts';
import { isShrunk } from '../../../sources/follow/guard.ts';
import { byPieceName, type Item } from '../../../sources/follow/source.ts';

export interface LossDeps {
  readonly log: Pick<Log, 'error'>;
  readonly timers: Timers;
  /** Offers what the sources hold again. */
  readonly again: () => void;
}

export class LossGuard {
  readonly #deps: LossDeps;
  /** Until it has lasted; null: there is no loss. */
  #timer: unknown = null;
  #isBelieved = false;

  constructor(deps: LossDeps) {
    this.#deps = deps;
  }

  /** Whether `after` may take the place of `before`. @param confirmMs how long a loss must last */
  believes(before: Config, after: Config, confirmMs: number): boolean {
    if (this.#isBelieved || confirmMs <= 0 || !isShrunk(itemsOf(before), itemsOf(after))) {
      this.close();
      return true;
    }
    if (this.#timer !== null) return false;
    const sizes = { before: itemsOf(before).length, after: itemsOf(after).length };
    const hint = 'what was started with stays in force until this has lasted, or a reload confirms it';
    this.#deps.log.error('config_shrunk', { ...sizes, confirmMs, hint });
    this.#timer = this.#deps.timers.set(() => this.confirm(), confirmMs);
    return false;
  }

  /** It has lasted, or a person has looked at it. */
  confirm(): void {
    if (this.#timer === null) return;
    this.close();
    this.#isBelieved = true;
    this.#deps.again();
  }

  /** Idempotent. */
  close(): void {
    if (this.#timer !== null) this.#deps.timers.clear(this.#timer);
    this.#timer = null;
  }
}

/** Routes and services, which is what documents are of. */
function itemsOf({ routes, services }: Config): Item[] {
  const names = [...routes.map(({ name }) => `routes/${name}`), ...services.map(({ name }) => `services/${name}`)];
  return names.map((name) => ({ name, text: '' })).toSorted(byPieceName);
}
