/**
 * Finds threads that stand still while the one that watches does not.
 *
 * Each watched thread counts its turns; the watcher looks at the counts at a steady pace. A count that is unchanged in
 * `looksMax` looks in a row is a stall. A look that comes late says that the watcher itself, and so perhaps everybody,
 * stood still: a suspended process, a sleeping machine, a starved container. Then every thread gets its full time anew.
 * A suspension shorter than `LATE` looks costs a thread at most one of its looks.
 */

/** A look after more than so many intervals is late. */
const LATE = 2;

/** Turns that a thread has counted. `life` tells it from its predecessor in the same place. */
export interface Beats {
  readonly life: number;
  readonly count: number;
}

interface Seen extends Beats {
  readonly stillLooks: number;
}

/** One watcher of some threads. */
export class StallWatch {
  readonly #everyMs: number;
  readonly #looksMax: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #seen: readonly (Seen | null)[] = [];

  /** @param everyMs pace of the looks. @param looksMax looks without a turn that make a stall. */
  constructor(everyMs: number, looksMax: number) {
    this.#everyMs = everyMs;
    this.#looksMax = looksMax;
  }

  /**
   * Looks once.
   * @param beats by thread; null = not watched now.
   * @returns the indexes of the threads that stand still, each again only after another full time.
   */
  look(nowMs: number, beats: readonly (Beats | null)[]): number[] {
    const isLate = nowMs - this.#lookedAtMs > LATE * this.#everyMs;
    this.#lookedAtMs = nowMs;
    const seen = beats.map((now, i) => (now === null ? null : seenNow(now, this.#seen[i] ?? null, isLate)));
    const stalled = seen.flatMap((one, i) => (one !== null && one.stillLooks >= this.#looksMax ? [i] : []));
    this.#seen = seen.map((one, i) => (one !== null && stalled.includes(i) ? { ...one, stillLooks: 0 } : one));
    return stalled;
  }
}

function seenNow(now: Beats, before: Seen | null, isLate: boolean): Seen {
  const isStill = before !== null && !isLate && before.life === now.life && before.count === now.count;
  return { ...now, stillLooks: isStill ? before.stillLooks + 1 : 0 };
}
