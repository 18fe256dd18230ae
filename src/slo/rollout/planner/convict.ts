/**
 * How long the judge would take to convict a canary of a given fault, and to pass a healthy one.
 *
 * Failures convict when the relative and the absolute evidence both reach the level (verdict/min-rule.ts), with `badMin` bad
 * requests at least; slowness when thresholds and bins together do. Either has its share of alpha (verdict/compose.ts). Evidence
 * comes in whole requests and whole ticks: half of each is added.
 * User-seconds are taken for requests: true of many users, too fast for few.
 * Source: delay.ts; docs/verdicts.md "Planning".
 */

import type { RolloutPolicy } from '../../../model/rollout.ts';
import { LATENCY_RESTART_MS } from '../../latency/score.ts';
import { RECENT_PRIOR } from '../../latency/shape.ts';
import { weightsOf } from '../../verdict/compose.ts';
import { QUANTILES } from '../../verdict/dominance.ts';
import { RESTART_MS } from '../../verdict/min-rule.ts';
import { logEToFail } from '../../verdict/verdict.ts';
import { absoluteBets, latencyBets, relativeBets, type Stream, secondsToReach } from './delay.ts';

/** The loop turns ten times a second. */
const TICK_S = 0.1;
/** What `PromotionProcess` bets on: a rate so many times below its limit. */
const HEALTHY_FRACTION = 5;
/** Standard normal quantile of 0.99. */
const Z99 = 2.326_347_874;

/** A log-normal latency, in ms. */
export interface LatencyShape {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PARTS = weightsOf({ latency: 0, routes: [] });

/** Error ratio that the judge lets pass on purpose. */
export function toleratedErrorRatio(stableRatio: number, { toleratedRatio, absoluteFloor }: RolloutPolicy): number {
  return Math.min(1, Math.max(toleratedRatio * stableRatio, absoluteFloor));
}

/** Mean seconds until failures convict; Infinity when they never do. */
export function secondsToConvict(stream: Stream, policy: RolloutPolicy): number {
  const level = logEToFail(policy.alpha) - Math.log(PARTS.errors);
  const badRps = stream.canaryRps * stream.canaryRatio;
  if (badRps === 0 || stream.stableRps === 0) return Number.POSITIVE_INFINITY;
  const relative = secondsToReach(relativeBets(stream, policy.toleratedRatio), level, RESTART_MS / 1000);
  const { absoluteFloor } = policy;
  const absolute =
    absoluteFloor > 0 ? secondsToReach(absoluteBets(stream, absoluteFloor), level, RESTART_MS / 1000) : 0;
  return Math.max(relative, absolute, policy.badMin / badRps) + 0.5 / badRps + tickOf(stream) / 2;
}

/** Mean seconds until a canary whose every answer takes `factor` times as long is convicted, once it is warm; Infinity when it never is. */
export function secondsToConvictSlow(
  stream: Stream,
  factor: number,
  shape: LatencyShape,
  policy: RolloutPolicy,
): number {
  if (stream.stableRps === 0) return Number.POSITIVE_INFINITY;
  const level = logEToFail(policy.alpha) - Math.log(PARTS.latency);
  const sigma = Math.log(shape.p99Ms / shape.p50Ms) / Z99;
  const exceededBy = QUANTILES.map((quantile) => {
    const threshold = shape.p50Ms * Math.exp(sigma * normalQuantile(quantile));
    const allowed = Math.max(threshold * (1 + policy.latencyTolerance), threshold + policy.latencyFloorMs);
    return 1 - normalShare(Math.log(allowed / (shape.p50Ms * factor)) / sigma);
  });
  // Bins are bet on once they are learned; what exceeds the upper thresholds is known when its age passes them.
  const learnedS = RECENT_PRIOR / stream.canaryRps;
  const knownS = (shape.p99Ms * (1 + policy.latencyTolerance)) / 1000;
  return (
    secondsToReach(latencyBets(stream, exceededBy), level, LATENCY_RESTART_MS / 1000) +
    knownS +
    learnedS +
    tickOf(stream) / 2
  );
}

/** Mean seconds until a canary that fails as stable does is passed; Infinity when it never is. */
export function secondsToPass({ canaryRps, stableRps, stableRatio }: Stream, { promotion }: RolloutPolicy): number {
  const { beta, ratioMax, errorRatioMax } = promotion;
  const bad = (canaryRps + stableRps) * stableRatio;
  const shrink = stableRps === 0 ? 0 : Math.log((ratioMax * canaryRps + stableRps) / (canaryRps + stableRps));
  const relative = stableRps === 0 ? 0 : bad * shrink - canaryRps * stableRatio * Math.log(ratioMax);
  const good = errorRatioMax < 1 ? Math.log1p(-errorRatioMax / HEALTHY_FRACTION) - Math.log1p(-errorRatioMax) : 0;
  const absolute = canaryRps * ((1 - stableRatio) * good - stableRatio * Math.log(HEALTHY_FRACTION));
  const drift = Math.max(relative, absolute);
  return drift <= 0 ? Number.POSITIVE_INFINITY : Math.log(2 / beta) / drift + tickOf({ canaryRps, stableRps }) / 2;
}

/** Low traffic makes longer ticks: each arm must finish one request. */
function tickOf({ canaryRps, stableRps }: Pick<Stream, 'canaryRps' | 'stableRps'>): number {
  return Math.max(TICK_S, 1 / canaryRps, stableRps === 0 ? 0 : 1 / stableRps);
}

/** Share of a standard normal below `z`. Source: Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
export function normalShare(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z));
  const poly =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  const upper = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
  return z >= 0 ? 1 - upper : upper;
}

/** The inverse of `normalShare`, by bisection. @param share 0 < share < 1 */
export function normalQuantile(share: number): number {
  let low = -8;
  let high = 8;
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
