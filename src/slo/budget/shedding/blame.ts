/**
 * Whose fault the burn of a route is: of the last minutes, what failed, what the gateway refused, what was the canary's.
 *
 * ```
 * burn       = (missed - refused) / finished / budget
 * without it = (missed - refused - missed by the canary) / (finished - finished by the canary) / budget
 * ```
 * Refusals are bad for a route, so a version under too much load makes its routes burn. If that counted, the ones that are
 * refused first would soon be those that are spared, and best-effort requests would be held back because they are refused. So
 * only what failed otherwise makes a route one that burns; and if it would not burn without its canary, the canary is to go,
 * by its verdict, and not the others' requests.
 * Counts fade with a time constant of five minutes: the short window of the alert that must fire besides.
 */

import type { SloIndicator } from '../../../model/slo.ts';

const FADE_MS = 300_000;
/** A burn is fast above 14.4 (burn.ts), and until it is below 0.8 times that. */
const FAST_BURN = 0.8 * 14.4;

/** Of a route, or of its canary; `late`: good, but too slow. `refused` are part of `bad`. */
export interface Outcomes {
  readonly finished: number;
  readonly bad: number;
  readonly late: number;
  readonly refused: number;
}

const NOTHING: Outcomes = { finished: 0, bad: 0, late: 0, refused: 0 };

/** Whether it burns fast by failures of its own, and whether it would without its canary. */
export interface Burning {
  readonly isBurning: boolean;
  readonly isBurningWithoutCanary: boolean;
}

export class Blame {
  #route = NOTHING;
  #canary = NOTHING;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Takes in what happened since the last time. The canary's are part of the route's, but for what others mended. */
  count(route: Outcomes, canary: Outcomes, nowMs: number): void {
    const kept = Math.exp(-Math.max(0, nowMs - this.#atMs) / FADE_MS);
    this.#atMs = nowMs;
    this.#route = faded(this.#route, kept, route);
    this.#canary = faded(this.#canary, kept, canary);
  }

  /** @param budgetRatio share of the events that may miss the objective, of one whose alert fires */
  burning(indicator: SloIndicator, budgetRatio: number): Burning {
    const [route, canary] = [this.#route, this.#canary];
    const missed = missedOf(route, indicator) - route.refused;
    const isFast = (bad: number, finished: number): boolean => finished > 0 && bad / finished > FAST_BURN * budgetRatio;
    return {
      isBurning: isFast(missed, route.finished),
      isBurningWithoutCanary: isFast(missed - missedOf(canary, indicator), route.finished - canary.finished),
    };
  }
}

function missedOf({ bad, late }: Outcomes, indicator: SloIndicator): number {
  return indicator === 'latency' ? bad + late : bad;
}

function faded(before: Outcomes, kept: number, more: Outcomes): Outcomes {
  return {
    finished: before.finished * kept + more.finished,
    bad: before.bad * kept + more.bad,
    late: before.late * kept + more.late,
    refused: before.refused * kept + more.refused,
  };
}
