/**
 * The open streams of a session by their numbers. Hot path.
 *
 * Not a `Map`: one whose entries come and go leaves its older tables behind, and all that they refer to (why: `lib/roster.ts`). Numbers
 * of streams rise, so that those which are open at a time nearly always have a place of their own.
 * Cost: O(1); the memory is that of the most streams that were open at a time.
 */

const PLACES_MIN = 8;

export class StreamTable<S extends { readonly id: number }> {
  #places: (S | null)[] = new Array<S | null>(PLACES_MIN).fill(null);
  size = 0;

  get(id: number): S | null {
    const places = this.#places;
    const mask = places.length - 1;
    for (let at = (id >>> 1) & mask; ; at = (at + 1) & mask) {
      const one = places[at] as S | null;
      if (one === null || one.id === id) return one;
    }
  }

  /** @param stream with a number that is not in it */
  add(stream: S): void {
    if (2 * (this.size + 1) > this.#places.length) this.#grow();
    this.size++;
    this.#place(stream);
  }

  /** Removing one that is not there does nothing. */
  remove(stream: S): void {
    const places = this.#places;
    const mask = places.length - 1;
    let at = (stream.id >>> 1) & mask;
    for (; places[at] !== stream; at = (at + 1) & mask) if (places[at] === null) return;
    this.size--;
    // Those behind it that would not be found any more move up.
    for (let next = (at + 1) & mask; places[next] !== null; next = (next + 1) & mask) {
      const home = ((places[next] as S).id >>> 1) & mask;
      if (((next - home) & mask) < ((next - at) & mask)) continue;
      places[at] = places[next] as S;
      at = next;
    }
    places[at] = null;
  }

  /** Those that are in it now, to go through while they leave. */
  all(): S[] {
    return this.#places.filter((one) => one !== null);
  }

  #place(stream: S): void {
    const places = this.#places;
    const mask = places.length - 1;
    let at = (stream.id >>> 1) & mask;
    while (places[at] !== null) at = (at + 1) & mask;
    places[at] = stream;
  }

  #grow(): void {
    const before = this.all();
    this.#places = new Array<S | null>(2 * this.#places.length).fill(null);
    for (const stream of before) this.#place(stream);
  }
}
