/**
 * Requests of the last seconds: a ring with one slot for each second of a window.
 *
 * A gap empties what it is longer than; time that steps back counts in the newest slot. Sums are made when they are read, so that
 * weighted counts do not drift. Cost: memory 24 bytes per second of the window; a reading O(seconds), once a second.
 */

import type { Recent } from './formula.ts';

const COLUMNS = 3;

export class Seconds {
  readonly #slots: Float64Array;
  readonly #size: number;
  #second = Number.NEGATIVE_INFINITY;

  /** @param windowMs whole seconds */
  constructor(windowMs: number) {
    this.#size = Math.max(1, Math.round(windowMs / 1000));
    this.#slots = new Float64Array(this.#size * COLUMNS);
  }

  /** Adds what was counted. @returns whether a second began with it that was not seen before */
  add({ finished, bad, late }: Recent, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    const isNew = second > this.#second;
    if (isNew) this.#advance(second);
    const base = (this.#second % this.#size) * COLUMNS;
    const slots = this.#slots;
    slots[base] = (slots[base] as number) + finished;
    slots[base + 1] = (slots[base + 1] as number) + bad;
    slots[base + 2] = (slots[base + 2] as number) + late;
    return isNew;
  }

  /** Sums of the window that ends with the last `add`. */
  sums(): Recent {
    const sums = { finished: 0, bad: 0, late: 0 };
    for (let base = 0; base < this.#slots.length; base += COLUMNS) {
      sums.finished += this.#slots[base] as number;
      sums.bad += this.#slots[base + 1] as number;
      sums.late += this.#slots[base + 2] as number;
    }
    return sums;
  }

  #advance(second: number): void {
    const steps = Math.min(this.#size, second - this.#second);
    for (let n = 0; n < steps; n++) {
      const base = ((second - n) % this.#size) * COLUMNS;
      this.#slots.fill(0, base, base + COLUMNS);
    }
    this.#second = second;
  }
}
