/**
 * Gathers both arms' latencies by bin until they make a tick that can be judged.
 *
 * A bin lies between two thresholds. What is read are trials per threshold (`trials.ts`): those that ended without exceeding
 * threshold k, less those that ended without exceeding the one before, ended in bin k; what exceeds the last threshold is in
 * the last bin, also while it hangs. A tick closes as of `verdict/tick.ts`.
 */

import type { PairCounts } from '../../model/slo.ts';
import { TICK_MS_MIN } from '../verdict/tick.ts';
import { BINS } from './shape.ts';

/** One tick under way. */
export class OpenBins {
  readonly canary = new Float64Array(BINS);
  readonly stable = new Float64Array(BINS);
  #canaryFinished = 0;
  #stableFinished = 0;
  #openedAtMs: number;

  constructor(nowMs: number) {
    this.#openedAtMs = nowMs;
  }

  /** Adds one look's trials, one entry per threshold; true when the tick is to be judged and then `open`ed again. */
  add(trials: readonly PairCounts[], nowMs: number): boolean {
    addBins(this.canary, trials, 'canary');
    addBins(this.stable, trials, 'stable');
    const last = trials[trials.length - 1] as PairCounts;
    this.#canaryFinished += last.canary.finished;
    this.#stableFinished += last.stable.finished;
    return nowMs - this.#openedAtMs >= TICK_MS_MIN && this.#canaryFinished >= 1 && this.#stableFinished >= 1;
  }

  /** Starts the next tick, empty. */
  open(nowMs: number): void {
    this.canary.fill(0);
    this.stable.fill(0);
    this.#canaryFinished = 0;
    this.#stableFinished = 0;
    this.#openedAtMs = nowMs;
  }
}

function addBins(bins: Float64Array, trials: readonly PairCounts[], arm: 'canary' | 'stable'): void {
  let before = 0;
  for (let k = 0; k < trials.length; k++) {
    const { finished, bad } = (trials[k] as PairCounts)[arm];
    bins[k] = (bins[k] as number) + finished - bad - before;
    before = finished - bad;
  }
  const { finished } = (trials[trials.length - 1] as PairCounts)[arm];
  bins[trials.length] = (bins[trials.length] as number) + finished - before;
}
