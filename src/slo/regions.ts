/**
 * Which workers' shared memory is to be read now.
 *
 * A worker that is replaced leaves its region behind and its successor starts a new one at zero. The region that left is
 * read one last time, so that what it counted since the last reading is not lost.
 */

import type { Tallies } from '../model/tallies.ts';

/** Tallies of one worker's life. `id` is never used again: a successor gets a new one. */
export interface Region {
  readonly id: number;
  readonly tallies: Tallies;
}

/** Follows the list of regions; every reader of deltas has its own. */
export class RegionRoll {
  #current: readonly Region[] = [];

  /** The current regions and, once, those that left since the last call. */
  turn(current: readonly Region[]): readonly Region[] {
    const departed = this.departed(current);
    this.#current = current;
    return departed.length === 0 ? current : [...current, ...departed];
  }

  /** Regions of the last `turn` that are not among `current`. */
  departed(current: readonly Region[]): readonly Region[] {
    if (this.#current === current) return [];
    return this.#current.filter((region) => !current.some(({ id }) => id === region.id));
  }
}
