/**
 * Whether a version refuses requests, and how many it did.
 *
 * ```
 * calm ── a request was refused ──▶ refusing ── none was for 10 s ──▶ calm
 * ```
 * So a version that refuses now and then is one story and not many.
 */

import { PRIORITIES } from '../../../model/overload.ts';

const CALM_MS = 10_000;

export type RefusalChange = 'begins' | 'ends';

export class Refusals {
  /** Since they began, by priority, in the order of `PRIORITIES`. */
  #counts: number[] = PRIORITIES.map(() => 0);
  #sinceMs: number | null = null;
  #lastMs = 0;

  /** null: nothing is refused. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  /** When the last one was refused, as far as it was looked. */
  get lastMs(): number {
    return this.#lastMs;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Takes in what was refused since the last look, by priority. */
  look(refused: readonly number[], nowMs: number): RefusalChange | null {
    const isRefusing = refused.some((count) => count > 0);
    if (!isRefusing) {
      if (this.#sinceMs === null || nowMs - this.#lastMs < CALM_MS) return null;
      this.#sinceMs = null;
      return 'ends';
    }
    this.#lastMs = nowMs;
    const begins = this.#sinceMs === null;
    const before = begins ? PRIORITIES.map(() => 0) : this.#counts;
    this.#counts = before.map((count, n) => count + (refused[n] ?? 0));
    this.#sinceMs ??= nowMs;
    return begins ? 'begins' : null;
  }
}
