/**
 * How soon a source is asked again: at once after a quiet time, ever later in a storm, later still after failures.
 *
 * ```
 * change    QUICK_MS after the first; each one that follows within CALM_MS of the one before doubles the wait, up to CALM_MS
 * failure   n in a row: between half of d and d, d = BACKOFF_MS · 2^(n-1), at most BACKOFF_MS_MAX
 * ```
 * Half of the wait after a failure is drawn, so that a fleet does not come back to a store in one blow.
 */

/** Long enough for the writer of several keys to be done, short enough for nobody to notice. */
export const QUICK_MS = 10;
export const CALM_MS = 1000;
export const BACKOFF_MS = 200;
export const BACKOFF_MS_MAX = 10_000;

/** Wait after `failures` in a row, at least one. @param draw uniform in [0, 1) */
export function backoffMs(failures: number, draw: number): number {
  const longest = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(failures - 1, 16));
  return (longest / 2) * (1 + draw);
}

/** Spreads `ms` by a tenth to either side. @param draw uniform in [0, 1) */
export function spreadMs(ms: number, draw: number): number {
  return ms * (0.9 + 0.2 * draw);
}

/** The pace of one source's changes, or of whatever else must not come too often. */
export class Pace {
  #waitMs = QUICK_MS;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Wait before the source is asked what changed. @param calmMs the longest wait, and the quiet time that ends a storm */
  next(nowMs: number, calmMs = CALM_MS): number {
    this.#waitMs = nowMs - this.#lastMs > calmMs ? QUICK_MS : Math.min(calmMs, this.#waitMs * 2);
    this.#lastMs = nowMs + this.#waitMs;
    return this.#waitMs;
  }
}
