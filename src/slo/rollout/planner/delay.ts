/**
 * How long an e-process of the verdict takes, on average, to prove what is true: the arithmetic of the planner.
 *
 * A mixture of bets grows along its drifts: with mu_j nats per second of the j-th of J bets, and fresh copies k = 0, 1, … of
 * weight w_k every R seconds (verdict/mixture.ts),
 *
 *   E(t) = sum_k w_k / J sum_j e^(mu_j (t - k R)) + 1 / (K + 2)      K = floor(t / R)
 *
 * and the time to reach a level is the t at which ln E(t) is it. The mean of a product is not the product along the mean
 * path; how far that takes the figure from the truth is measured against the real judge: by less than a quarter
 * (test/simulation/planner.test.ts).
 * Edges: Infinity when no bet gains.
 * Source: Wald (1945) for the first passage; docs/verdicts.md "Planning".
 */

import { QUANTILES, RISK_RATIOS } from '../../verdict/dominance.ts';
import { copyWeight, logAdd } from '../../verdict/mixture.ts';
import { ODDS_RATIOS } from '../../verdict/ratio.ts';

/** The oldest copies have nearly all the weight: what is behind these has 3 % of it. */
const COPIES_MAX = 32;
/** Longer than any rollout. */
const SECONDS_MAX = 366 * 86_400;
const BISECTIONS = 24;

/** Requests per second of both arms, and what share of them fails (or exceeds a threshold). */
export interface Stream {
  readonly canaryRps: number;
  readonly stableRps: number;
  readonly canaryRatio: number;
  readonly stableRatio: number;
}

/** Drift of each bet of `RatioProcess`, in nats per second. */
export function relativeDrifts(stream: Stream, toleratedRatio: number): number[] {
  const { canaryRps, stableRps } = stream;
  const bad = canaryRps * stream.canaryRatio;
  const all = bad + stableRps * stream.stableRatio;
  const exposure = toleratedRatio * canaryRps;
  return ODDS_RATIOS.map((odds) => {
    const shrink = Math.log((exposure + stableRps) / (odds * exposure + stableRps));
    return bad * Math.log(odds) + all * shrink;
  });
}

/** Drift of each bet of `AbsoluteProcess`. @param floor 0 < floor < 1 */
export function absoluteDrifts({ canaryRps, canaryRatio }: Stream, floor: number): number[] {
  return ODDS_RATIOS.map((odds) => {
    const rate = Math.min(odds * floor, (1 + floor) / 2);
    const good = (1 - canaryRatio) * (Math.log1p(-rate) - Math.log1p(-floor));
    return canaryRps * (canaryRatio * Math.log(rate / floor) + good);
  });
}

/**
 * Drift of each bet of `DominanceProcess`, thresholds outermost.
 * @param exceededBy share of the canary's requests above the k-th threshold; stable's is 1 - quantile
 */
export function latencyDrifts(stream: Stream, exceededBy: readonly number[]): number[] {
  const { canaryRps, stableRps } = stream;
  const total = canaryRps + stableRps;
  return QUANTILES.flatMap((quantile, k) => {
    const q = 1 - quantile;
    const p = exceededBy[k] as number;
    return RISK_RATIOS.map((risk) => {
      const c = Math.min(risk * q, (1 + q) / 2);
      const m = (canaryRps * c + stableRps * q) / total;
      const canary = p * Math.log(c / m) + (1 - p) * Math.log((1 - c) / (1 - m));
      const stable = q * Math.log(q / m) + (1 - q) * Math.log((1 - q) / (1 - m));
      return canaryRps * canary + stableRps * stable;
    });
  });
}

/**
 * Seconds until a mixture with these drifts reaches `level`.
 * @param restartS fresh copies start so often
 * Cost: about 10^5 steps of arithmetic.
 */
export function secondsToReach(drifts: readonly number[], level: number, restartS: number): number {
  if (drifts.every((drift) => drift <= 0)) return Number.POSITIVE_INFINITY;
  let late = 0.001;
  while (logEAt(drifts, late, restartS) < level) {
    late *= 2;
    if (late > SECONDS_MAX) return Number.POSITIVE_INFINITY;
  }
  let early = 0;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (early + late) / 2;
    if (logEAt(drifts, middle, restartS) < level) early = middle;
    else late = middle;
  }
  return late;
}

/** ln E along the expected path after `seconds`. */
function logEAt(drifts: readonly number[], seconds: number, restartS: number): number {
  const copies = Math.floor(seconds / restartS);
  let logE = -Math.log(copies + 2);
  for (let k = 0; k <= Math.min(copies, COPIES_MAX); k++) {
    const stake = Math.log(copyWeight(k) / drifts.length);
    for (const drift of drifts) logE = logAdd(logE, stake + drift * (seconds - k * restartS));
  }
  return logE;
}
