/**
 * Gathers counts of both arms until they make a tick that can be judged.
 *
 * A tick closes when TICK_MS_MIN have passed and each arm finished at least one: low traffic makes longer ticks, not
 * lost ones. The rule looks at time and arrivals only, never at outcomes; otherwise the e-process would not be valid.
 * Source: docs/verdicts.md.
 */

import type { PairCounts } from '../../model/slo.ts';

/** The loop turns every 100 ms; the slack keeps a timer that fires a little early from making the tick twice as long. */
export const TICK_MS_MIN = 90;

/** One tick under way. */
export class OpenTick {
  canaryFinished = 0;
  canaryBad = 0;
  stableFinished = 0;
  stableBad = 0;
  #openedAtMs: number;

  constructor(nowMs: number) {
    this.#openedAtMs = nowMs;
  }

  /** Adds counts; true when the tick is to be judged and then `open`ed again. */
  add(counts: PairCounts, nowMs: number): boolean {
    this.canaryFinished += counts.canary.finished;
    this.canaryBad += counts.canary.bad;
    this.stableFinished += counts.stable.finished;
    this.stableBad += counts.stable.bad;
    return nowMs - this.#openedAtMs >= TICK_MS_MIN && this.canaryFinished >= 1 && this.stableFinished >= 1;
  }

  /** Starts the next tick, empty. */
  open(nowMs: number): void {
    this.canaryFinished = 0;
    this.canaryBad = 0;
    this.stableFinished = 0;
    this.stableBad = 0;
    this.#openedAtMs = nowMs;
  }
}
