/**
 * Divides long work on the control thread into slices: each ends after `SLICE_MS`, a turn of the event loop has one at most,
 * whoever asked for it, and after each the thread rests for so long that pages take at most a fifth of its time. So requests of
 * the admin server and the SLO loop wait for a slice, not for the work; and where workers share the core, a request that comes
 * meanwhile finds it free four times out of five, and else waits for a slice at most.
 */

import { nowMs } from '../../lib/clock.ts';

/** A request that has to wait for one does not notice; a turn of the event loop and its timer cost some 10 us. */
export const SLICE_MS = 1;
/** Time from the beginning of a slice to that of the next one, over the time that it took. */
const PERIOD_RATIO = 5;
/** What a slice takes longer it waits for somebody else, a scraper that reads slowly or asked once only. */
const BUSY_MS_MAX = 4 * SLICE_MS;
/** Timers know nothing shorter. */
const TIMER_MS = 1;
/** Looking at the clock is dearer than most items. */
const ITEMS_PER_LOOK = 16;

/** One for all who share a thread. */
export class Slices {
  #last: Promise<void> = Promise.resolve();
  #startedAtMs = -Infinity;

  /** The slice is over: wait for `next`. */
  get isOver(): boolean {
    return nowMs() >= this.#startedAtMs + SLICE_MS;
  }

  /**
   * Resolves when a slice begins: in a turn of the event loop in which no other one began, and after a rest.
   * @param hurries there is no time for a rest
   */
  next(hurries = false): Promise<void> {
    const begun = this.#last
      .then(() => (hurries ? turn() : this.#rest()))
      .then(() => {
        this.#startedAtMs = nowMs();
      });
    this.#last = begun;
    return begun;
  }

  /** All items, taken in slices. Rejects with what taking one throws. @param hurriesAtMs from then on without rests */
  async all<T>(items: Iterable<T>, hurriesAtMs: number): Promise<T[]> {
    const taken: T[] = [];
    await this.next(nowMs() >= hurriesAtMs);
    for (const item of items) {
      taken.push(item);
      if (taken.length % ITEMS_PER_LOOK === 0 && this.isOver) await this.next(nowMs() >= hurriesAtMs);
    }
    return taken;
  }

  /** Visits all items, in slices. Rejects with what visiting one throws. @param hurriesAtMs from then on without rests */
  async each<T>(items: readonly T[], visit: (item: T) => void, hurriesAtMs: number): Promise<void> {
    await this.next(nowMs() >= hurriesAtMs);
    for (let n = 0; n < items.length; n++) {
      visit(items[n] as T);
      if (n % ITEMS_PER_LOOK === 0 && this.isOver) await this.next(nowMs() >= hurriesAtMs);
    }
  }

  /** Called when the last slice was given back, or gave its turn to others. */
  #rest(): Promise<void> {
    const now = nowMs();
    const busyMs = Math.min(now - this.#startedAtMs, BUSY_MS_MAX);
    const restMs = this.#startedAtMs + PERIOD_RATIO * busyMs - now;
    return restMs >= TIMER_MS ? rested(restMs) : turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function rested(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
