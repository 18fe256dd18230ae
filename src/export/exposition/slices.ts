/**
 * Divides long work on the control thread into slices: each ends after `SLICE_MS`, and a turn of the event loop has one at
 * most, whoever asked for it. So requests of the admin server and the SLO loop wait for a slice, not for the work.
 */

import { nowMs } from '../../lib/clock.ts';

/** The SLO loop turns every 100 ms. */
export const SLICE_MS = 5;
/** Looking at the clock is dearer than most items. */
const ITEMS_PER_LOOK = 16;

/** One for all who share a thread. */
export class Slices {
  #last: Promise<void> = Promise.resolve();
  #endMs = 0;

  /** The slice is over: wait for `next`. */
  get isOver(): boolean {
    return nowMs() >= this.#endMs;
  }

  /** Resolves when a slice begins: in a turn of the event loop in which no other one began. */
  next(): Promise<void> {
    const begun = this.#last.then(turn).then(() => {
      this.#endMs = nowMs() + SLICE_MS;
    });
    this.#last = begun;
    return begun;
  }

  /** All items, taken in slices. Rejects with what taking one throws. */
  async all<T>(items: Iterable<T>): Promise<T[]> {
    const taken: T[] = [];
    await this.next();
    for (const item of items) {
      taken.push(item);
      if (taken.length % ITEMS_PER_LOOK === 0 && this.isOver) await this.next();
    }
    return taken;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
