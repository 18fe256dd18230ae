/**
 * Parts of the control plane that take in each configuration: one that fails at it goes on with what it had, and costs no other.
 *
 * ```
 *   taken in ── fails (a defect) ──▶ behind ── RETRY_MS later, or with the next configuration ──▶ taken in
 * ```
 * Who is behind tries again because the next configuration may be days away, and what it failed at may have been of the moment. It is
 * told as any defect is, and so not at each try (defects.ts).
 */

import { rest } from '../../lib/threads/rest.ts';
import type { DefectPart } from '../../model/threads/load/defects.ts';
import type { Current } from '../../snapshot/store.ts';
import type { Defects } from './defects.ts';

/** A defect that comes with every try costs a try in so long. */
export const RETRY_MS = 10_000;

/**
 * A part, and how it takes in a configuration, also when it failed halfway before.
 * `before`: the one that it took in last, as a whole; null: none. What is between the two is its to find.
 */
export type Follower = readonly [part: DefectPart, follow: (current: Current, before: Current | null) => void];

/** Who is to take in what is in force, and what each took in last. */
type Due = ReadonlyMap<Follower, Current | null>;

export class Followers {
  readonly #defects: Pick<Defects, 'contain'>;
  readonly #all: readonly Follower[];
  #behind: Due = new Map();
  #current: Current | null = null;
  #againAtMs = 0;

  /** @param all in the order in which they take it in */
  constructor(defects: Pick<Defects, 'contain'>, all: readonly Follower[]) {
    this.#defects = defects;
    this.#all = all;
  }

  /**
   * All take in a configuration.
   * @param before what was in force; null at the start
   * @throws what one throws, before the gateway serves
   */
  take(current: Current, before: Current | null, nowMs: number): void {
    this.#current = current;
    this.#tell(new Map([...this.#all.map((follower) => [follower, before] as const), ...this.#behind]), current, nowMs);
  }

  /** One turn of the loop: those who are behind try again when it is time. */
  turn(nowMs: number): void {
    if (this.#behind.size === 0 || nowMs < this.#againAtMs || this.#current === null) return;
    this.#tell(this.#behind, this.#current, nowMs);
  }

  #tell(due: Due, current: Current, nowMs: number): void {
    const behind = new Map(due);
    for (const [follower, before] of due) {
      const [part, follow] = follower;
      rest();
      this.#defects.contain(part, () => {
        follow(current, before);
        behind.delete(follower);
      });
    }
    this.#behind = behind;
    this.#againAtMs = nowMs + RETRY_MS;
  }
}
