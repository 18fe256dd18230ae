/** Places of one size in the thread's memory, for who needs one for a while. */

import { reserve } from './memory.ts';

export class Slabs {
  readonly #from: number;
  readonly #byteCount: number;
  /** Those that were never taken begin here. */
  #unused = 0;
  readonly #count: number;
  readonly #free: number[] = [];

  /** Reserves them for the life of the thread; memory that was never taken is not real. */
  constructor(count: number, byteCount: number) {
    this.#from = reserve(count * byteCount);
    this.#byteCount = byteCount;
    this.#count = count;
  }

  /** Where one begins that is nobody's; -1 when all are taken. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.#unused === this.#count ? -1 : this.#from + this.#byteCount * this.#unused++;
  }

  /** Nobody refers to it any more. @param at what `take` gave */
  give(at: number): void {
    this.#free.push(at);
  }

  /** Where the place begins that an address is in; -1 when it is in none. */
  slabOf(at: number): number {
    const index = Math.floor((at - this.#from) / this.#byteCount);
    return index < 0 || index >= this.#count ? -1 : this.#from + index * this.#byteCount;
  }
}
