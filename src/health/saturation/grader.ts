/**
 * The grade of one thread, or of the process, from what its signals call for; and how many requests are refused in it. Pure.
 *
 * ```
 * normal ⇄ lean ⇄ shedding ⇄ refusing      up one grade per look while more is called for: the milder one gets its chance
 *                                          down one after `CALM_LOOKS` looks in a row that hold less
 * ```
 * While shedding is called for the refused share rises by `STEP` per look from `FIRST`, else it falls by `RELIEF`: so it
 * settles where the signal stands at its threshold. Shedding is left when nothing is refused any more.
 * A look is every 200 ms.
 */

import { GRADE } from '../../model/threads/load/saturation.ts';
import type { Call } from './signals.ts';

/** 5 s. */
const CALM_LOOKS = 25;
const FIRST = 0.2;
const STEP = 0.05;
const RELIEF = 0.02;
/** Something is always let through, or nobody would know that it is over. */
const RATIO_MAX = 0.95;

export class Grader {
  #grade: number = GRADE.normal;
  #ratio = 0;
  #calmLooks = 0;

  /** Number in `GRADES`. */
  get grade(): number {
    return this.#grade;
  }

  /** Share of the requests to refuse, 0..1. */
  get refusedRatio(): number {
    return this.#ratio;
  }

  /** Takes one look. Returns whether the grade is another one. */
  look(calls: readonly Call[]): boolean {
    const before = this.#grade;
    const level = Math.max(0, ...calls.map((call) => call.level));
    const hold = Math.max(0, ...calls.map((call) => call.hold));
    if (level > this.#grade) {
      this.#grade += 1;
      this.#calmLooks = 0;
    } else this.#calm(hold);
    this.#refuse(level >= GRADE.shedding);
    return this.#grade !== before;
  }

  #calm(hold: number): void {
    this.#calmLooks = hold < this.#grade ? this.#calmLooks + 1 : 0;
    const isLeft = this.#grade !== GRADE.shedding || this.#ratio === 0;
    if (this.#calmLooks < CALM_LOOKS || !isLeft) return;
    this.#grade -= 1;
    this.#calmLooks = 0;
  }

  #refuse(isCalledFor: boolean): void {
    if (this.#grade < GRADE.shedding) this.#ratio = 0;
    else if (!isCalledFor) this.#ratio = Math.max(0, this.#ratio - RELIEF);
    else this.#ratio = this.#ratio === 0 ? FIRST : Math.min(RATIO_MAX, this.#ratio + STEP);
  }
}
