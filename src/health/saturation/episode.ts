/**
 * When a profile is taken: once in each episode, and not soon after another one. Pure.
 *
 * An episode begins where something is shed, and is over when everything is normal again.
 */

import { GRADE } from '../../model/threads/load/saturation.ts';

/** What a look asks for: nothing, a profile, or one that has to be left out because of the one before. */
export type EpisodeTurn = 'none' | 'profile' | 'too-soon';

export class Episode {
  #isOn = false;
  #profiledAtMs = Number.NEGATIVE_INFINITY;

  /** Takes a look. @param grade the worst of all. @param cooldownMs time after a profile in which there is no other */
  look(grade: number, nowMs: number, cooldownMs: number): EpisodeTurn {
    if (grade === GRADE.normal) this.#isOn = false;
    if (this.#isOn || grade < GRADE.shedding) return 'none';
    this.#isOn = true;
    if (nowMs - this.#profiledAtMs < cooldownMs) return 'too-soon';
    this.#profiledAtMs = nowMs;
    return 'profile';
  }
}
