/**
 * What this process holds its locks by in a store, sessions or leases: by lock, and no longer than they can last there.
 *
 * Locks that are given back are dropped; one that is asked for no more while its store is away is forgotten in time, so that no
 * number of changes of the configuration fills this.
 */

interface Hold {
  readonly id: string;
  /** It is over by then, unless it was renewed. */
  readonly untilMs: number;
  readonly sureUntilMs: number;
}

/** Cost: O(1) a call, whatever is held. */
export class Holds {
  readonly #nowMs: () => number;
  /** Those that were kept last are last. */
  readonly #holds = new Map<string, Hold>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** How many there are. */
  get size(): number {
    return this.#holds.size;
  }

  /** Null: there is none. */
  get(lock: string): string | null {
    return this.#holds.get(lock)?.id ?? null;
  }

  /** Until when it lasts without being renewed, as was told when it was kept; in the past when there is none. */
  sureUntilMs(lock: string): number {
    return this.#holds.get(lock)?.sureUntilMs ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * It was begun, or renewed.
   * @param lastMs longest time that it may last from now on
   * @param sureUntilMs until when it lasts without being renewed
   */
  keep(lock: string, id: string, lastMs: number, sureUntilMs = Number.NEGATIVE_INFINITY): void {
    const nowMs = this.#nowMs();
    this.#holds.delete(lock);
    this.#holds.set(lock, { id, untilMs: nowMs + lastMs, sureUntilMs });
    for (const [name, { untilMs }] of this.#holds) {
      if (untilMs > nowMs) break;
      this.#holds.delete(name);
    }
  }

  drop(lock: string): void {
    this.#holds.delete(lock);
  }
}
