/**
 * Evidence of slowness by the whole shape of latencies; written a second time, as in `processes.ts`.
 *
 * ```
 * bin i      between thresholds i - 1 and i;  q_i: stable's share so far, p_i: the canary's of late
 * r_i        = max over a <= i of min over b >= i of (p_a + … + p_b)/(q_a + … + q_b): rising, nearest to p/q
 * LR         = prod_i (c_i/m_i)^x_c,i (q_i/m_i)^x_s,i,  c_i = q_i r_i,  m_i = (n_c c_i + n_s q_i)/(n_c + n_s)
 * ```
 */

import { Bets } from './bets.ts';
import type { Four } from './rows.ts';

const TICK_MS = 90;
const PRIOR = 200;
const RECENT = 150;
const RECENT_PRIOR = 20;

export class Shape {
  readonly bets = new Bets([1]);
  readonly #quantiles: readonly number[];
  /** Stable's requests by bin so far, with the prior, and the canary's of late. */
  #stable: number[] = [];
  #recent: number[] = [];
  /** What waits: by bin, and since when. */
  #canaryNow: number[] = [];
  #stableNow: number[] = [];
  #sinceMs: number;

  constructor(quantiles: readonly number[], nowMs: number) {
    this.#quantiles = quantiles;
    this.#sinceMs = nowMs;
    this.forget();
    this.empty(nowMs);
  }

  /** New thresholds: nothing is known of the bins. */
  forget(): void {
    this.#stable = binsOf(
      this.#quantiles.map((quantile) => PRIOR * quantile),
      PRIOR,
    );
    this.#recent = this.#stable.map(() => 0);
  }

  empty(nowMs: number): void {
    this.#canaryNow = this.#stable.map(() => 0);
    this.#stableNow = this.#stable.map(() => 0);
    this.#sinceMs = nowMs;
  }

  /** Whether it was judged. @param trials one per threshold */
  look(trials: readonly Four[], clustering: number, nowMs: number): boolean {
    const [canary, , stable] = trials.at(-1) as Four;
    const within = (at: 0 | 2): number[] => trials.map((four) => four[at] - (four[at + 1] as number));
    this.#canaryNow = added(this.#canaryNow, binsOf(within(0), canary));
    this.#stableNow = added(this.#stableNow, binsOf(within(2), stable));
    const [finished, ofStable] = [sum(this.#canaryNow), sum(this.#stableNow)];
    if (nowMs - this.#sinceMs < TICK_MS || finished < 1 || ofStable < 1) return false;
    this.bets.multiply(0, this.#logRatio(finished, ofStable) / clustering);
    this.#stable = added(this.#stable, this.#stableNow);
    const kept = Math.exp(-finished / RECENT);
    this.#recent = this.#recent.map((count, i) => count * kept + (this.#canaryNow[i] as number));
    this.empty(nowMs);
    return true;
  }

  #logRatio(canary: number, stable: number): number {
    const known = sum(this.#stable);
    const q = this.#stable.map((count) => count / known);
    const recent = sum(this.#recent) + RECENT_PRIOR;
    const p = this.#recent.map((count, i) => (count + RECENT_PRIOR * (q[i] as number)) / recent);
    let logRatio = 0;
    q.forEach((share, i) => {
      const raised = share * risingRatio(p, q, i);
      const mean = (canary * raised + stable * share) / (canary + stable);
      logRatio += (this.#canaryNow[i] as number) * Math.log(raised / mean);
      logRatio += (this.#stableNow[i] as number) * Math.log(share / mean);
    });
    return logRatio;
  }
}

/** The i-th of the rising ratios that are nearest to p/q by weights q. */
export function risingRatio(p: readonly number[], q: readonly number[], i: number): number {
  let largest = 0;
  for (let a = 0; a <= i; a++) {
    let smallest = Number.POSITIVE_INFINITY;
    let [above, below] = [0, 0];
    for (let b = a; b < p.length; b++) {
      above += p[b] as number;
      below += q[b] as number;
      if (b >= i) smallest = Math.min(smallest, above / below);
    }
    largest = Math.max(largest, smallest);
  }
  return largest;
}

/** Counts by bin from those below each threshold and all. */
function binsOf(below: readonly number[], all: number): number[] {
  return [...below, all].map((count, i, counts) => count - (counts[i - 1] ?? 0));
}

function added(a: readonly number[], b: readonly number[]): number[] {
  return a.map((count, i) => count + (b[i] as number));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
