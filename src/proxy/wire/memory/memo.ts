/**
 * What was made of lines that come again: known by their bytes, without making a text of them. Hot path.
 *
 * A line is kept once it was looked for twice with no other one in its place in between, so that those that never come again cost
 * hardly anything. Bounded: 256 lines of at most 239 bytes, of one thread; of several memos the one that was used last has them.
 */

import { code, offsetOf, reserve, words } from './memory.ts';

const PLACES = 256;
const PLACE_BYTES = 256;
const TEXT_AT = 16;
const TABLE_AT = reserve(PLACES * PLACE_BYTES);

let owner = 0;
let made = 0;

export class LineMemo<T> {
  readonly #id = ++made;
  readonly #values: (T | null)[] = Array.from<T | null>({ length: PLACES }).fill(null);
  /** Where the line stands that was looked for last, and may be kept, and in which place; -1: it may not. */
  #at = 0;
  #place = -1;

  /**
   * What is known of the line that begins at `bytes[from]` and ends with the first CR before `end`; null when that is nothing, or the
   * bytes stand elsewhere than in the thread's memory. Cost: O(length), allocates nothing.
   */
  find(bytes: Buffer, from: number, end: number): T | null {
    this.#place = -1;
    const address = offsetOf(bytes);
    if (address < 0) return null;
    if (owner !== this.#id) this.#begin();
    this.#at = address + from;
    const place = code.recall(this.#at, address + end, TABLE_AT);
    if (place >= 0) return this.#values[place] as T;
    this.#place = -2 - place;
    return null;
  }

  /** What is kept, by place. */
  get values(): readonly (T | null)[] {
    return this.#values;
  }

  /** Is the line that was looked for last to be kept? */
  get isDue(): boolean {
    return this.#place >= 0;
  }

  /** Keeps what was made of the line that was looked for last, which has so many bytes up to its CR, if it is due. */
  keep(value: T, length: number): void {
    if (this.#place < 0) return;
    const at = TABLE_AT + this.#place * PLACE_BYTES;
    code.copy(at + TEXT_AT, this.#at, length);
    words[at / 4] = length;
    words[at / 4 + 1] = words[at / 4 + 2] as number;
    this.#values[this.#place] = value;
    this.#place = -1;
  }

  #begin(): void {
    owner = this.#id;
    this.#values.fill(null);
    words.fill(0, TABLE_AT / 4, (TABLE_AT + PLACES * PLACE_BYTES) / 4);
  }
}
