/**
 * Requests that wait for a permit: the most important first, of those the oldest. Hot path.
 *
 * Short by design: it bridges moments, it does not store load. When it is full the least important, of those the newest,
 * makes room, or is the one that is refused. Kept sorted: entering is a binary search and a move of at most its length.
 */

/** One that waits. */
export interface Waiter<X> {
  readonly x: X;
  /** Lower is served first. */
  readonly key: number;
  readonly events: WaitEvents<X>;
}

/** What becomes of one that waits. */
export interface WaitEvents<X> {
  /** It has its place. */
  admitted(x: X): void;
  /** It has to make room. */
  shed(x: X): void;
}

export class WaitQueue<X> {
  /** Least important first, newest first among equals: the next to be served is the last. */
  readonly #waiters: Waiter<X>[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  /**
   * Takes one in. Returns the one that is left out for it, which may be the same; null when there was room.
   * @param sizeMax at least 1
   */
  push(waiter: Waiter<X>, sizeMax: number): Waiter<X> | null {
    const least = this.#waiters[0];
    if (least !== undefined && this.#waiters.length >= sizeMax) {
      if (waiter.key >= least.key) return waiter;
      this.#waiters.shift();
      this.#insert(waiter);
      return least;
    }
    this.#insert(waiter);
    return null;
  }

  /** The next to be served, or null. */
  pop(): Waiter<X> | null {
    return this.#waiters.pop() ?? null;
  }

  /** One that waits no more; false when it did not. Cost: O(size). */
  remove(x: X): boolean {
    for (let at = this.#waiters.length - 1; at >= 0; at--) {
      if ((this.#waiters[at] as Waiter<X>).x !== x) continue;
      this.#waiters.splice(at, 1);
      return true;
    }
    return false;
  }

  #insert(waiter: Waiter<X>): void {
    let low = 0;
    let high = this.#waiters.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiters[middle] as Waiter<X>).key > waiter.key) low = middle + 1;
      else high = middle;
    }
    this.#waiters.splice(low, 0, waiter);
  }
}
