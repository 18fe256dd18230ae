/**
 * The last few values of something, to tell what lasts from what passes, and what grows from what only is. Pure.
 */

/** Values of the last looks, as many as it was made for; what comes then takes the place of the oldest. */
export class Trend {
  readonly #values: number[] = [];
  readonly #length: number;

  /** @param length looks that are kept, 1 or more */
  constructor(length: number) {
    this.#length = length;
  }

  /** Takes the value of one look. */
  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#length) this.#values.shift();
  }

  /** What the value never fell below; 0 before as many looks as are kept: nothing has lasted so long. */
  get lasting(): number {
    return this.#values.length < this.#length ? 0 : this.least;
  }

  /** The least of those that are kept; 0 before the first. */
  get least(): number {
    return this.#values.length === 0 ? 0 : Math.min(...this.#values);
  }
}
