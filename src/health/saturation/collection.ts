/**
 * When threads are to collect their garbage: while memory is short, and not too often. Pure.
 *
 * V8 collects when its own heap asks for it, whatever the process may take: a thread that has little to do keeps what it
 * does not need, and what it held of buffers with it.
 */

/** Used share of the limit from which on it is short: where grade lean begins. */
const SHORT = 0.8;
/** A collection of everything stops a thread for some 50 ms: 0.2 % of its time. */
const PACE_MS = 30_000;

export class Collection {
  #atMs = Number.NEGATIVE_INFINITY;

  /** Whether now is the time. @param usedRatio of the limit of memory */
  isDue(usedRatio: number, nowMs: number): boolean {
    if (usedRatio < SHORT || nowMs - this.#atMs < PACE_MS) return false;
    this.#atMs = nowMs;
    return true;
  }
}
