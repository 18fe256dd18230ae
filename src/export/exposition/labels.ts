/**
 * Labels that are rendered once for each format and written many times: a page of 10,000 routes writes those of one version
 * some twenty times, and they stay the same from scrape to scrape.
 *
 * What is kept are bytes, as a string of code units up to 255 (`lib/latin1.ts`): a string of them is smaller than a typed
 * array, and is copied as fast.
 */

import type { Labels } from '../family.ts';

/** Labels, and what writers make of them; null until the first of them does. */
export class LabelSet {
  readonly pairs: Labels;
  /** UTF-8 of `name="value",…`, without braces. */
  text: string | null = null;
  /** `LabelPair` messages in a `Metric` message. */
  message: string | null = null;

  constructor(pairs: Labels) {
    this.pairs = pairs;
  }
}

export const NO_LABELS = new LabelSet({});

/** One set for each value that a label has in a table of words. */
export function labelSets<const V extends readonly (string | number)[]>(
  name: string,
  values: V,
): { readonly [I in keyof V]: LabelSet } {
  return values.map((value) => new LabelSet({ [name]: value })) as { readonly [I in keyof V]: LabelSet };
}

/** Sets for one label whose values are words of a table that is somewhere else: few, and never from outside. */
export class LabelWords {
  readonly #name: string;
  readonly #before: Labels;
  readonly #sets = new Map<string, LabelSet>();

  /** @param before labels that all of them have besides */
  constructor(name: string, before: Labels = {}) {
    this.#name = name;
    this.#before = before;
  }

  of(value: string): LabelSet {
    let set = this.#sets.get(value);
    if (set === undefined) {
      set = new LabelSet({ ...this.#before, [this.#name]: value });
      this.#sets.set(value, set);
    }
    return set;
  }
}
