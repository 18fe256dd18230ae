/**
 * A set of objects that know their place in it: O(1), and a removed one is really gone. Hot path.
 *
 * Not a `Set`, because of objects that come and go: when V8 rehashes a Set, the table before keeps its entries and refers
 * to the next one. Once such a table is old, each keeps the next alive until a full collection. With a connection per
 * request a fifth of all garbage survived that way.
 */

/** `place` belongs to the roster that holds it. */
export interface Placed {
  place: number;
}

export class Roster<T extends Placed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** @param item in no roster. */
  add(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** The last one takes its place. Removing one that is not there does nothing. */
  remove(item: T): void {
    if (this.#items[item.place] !== item) return;
    const last = this.#items.pop() as T;
    if (last !== item) {
      this.#items[item.place] = last;
      last.place = item.place;
    }
    item.place = -1;
  }

  /** Those that are in it now, to go through while they leave. */
  all(): T[] {
    return [...this.#items];
  }
}
