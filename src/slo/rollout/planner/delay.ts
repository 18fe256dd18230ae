/**
 * How long an e-process of the verdict takes, on average, to prove what is true: the arithmetic of the planner.
 *
 * A mixture of bets grows along its drifts: with mu_j nats per second and stake s_j of the j-th bet, and fresh copies
 * k = 0, 1, … of weight w_k every R seconds (verdict/mixture.ts; u_K is what copies not started yet hold),
 *
 *   E(t) = sum_k w_k sum_j s_j e^(mu_j (t - k R)) + u_K      K = floor(t / R)
 *
 * and the time to reach a level is the t at which ln E(t) is it. The mean of a product is not the product along the mean
 * path; how far that takes the figure from the truth is measured against the real judge: by less than a quarter
 * (test/simulation/planner.test.ts).
 * Edges: Infinity when no bet gains.
 * Source: Wald (1945) for the first passage; docs/verdicts.md "Planning".
 */

import { RECENT_REQUESTS } from '../../latency/shape.ts';
import { QUANTILES, RISK_RATIOS, THRESHOLD_STAKES } from '../../verdict/dominance.ts';
import { STAKES } from '../../verdict/min-rule.ts';
import { copyWeight, logAdd, unstartedWeight } from '../../verdict/mixture.ts';
import { ODDS_RATIOS } from '../../verdict/ratio.ts';

/** The oldest copies have nearly all the weight that was given out: what is behind these gains little. */
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

/** A bet: what part of everything is staked on it, and what it gains on average, in nats per second. */
export interface Bet {
  readonly stake: number;
  readonly drift: number;
}

/** The bets of `RatioProcess` as the gateway stakes them. */
export function relativeBets(stream: Stream, toleratedRatio: number): Bet[] {
  const { canaryRps, stableRps } = stream;
  const bad = canaryRps * stream.canaryRatio;
  const all = bad + stableRps * stream.stableRatio;
  const exposure = toleratedRatio * canaryRps;
  return ODDS_RATIOS.map((odds, j) => {
    const shrink = Math.log((exposure + stableRps) / (odds * exposure + stableRps));
    return { stake: STAKES[j] as number, drift: bad * Math.log(odds) + all * shrink };
  });
}

/** The bets of `AbsoluteProcess`. @param floor 0 < floor < 1 */
export function absoluteBets({ canaryRps, canaryRatio }: Stream, floor: number): Bet[] {
  return ODDS_RATIOS.map((odds) => {
    const rate = Math.min(odds * floor, (1 + floor) / 2);
    const good = (1 - canaryRatio) * (Math.log1p(-rate) - Math.log1p(-floor));
    return { stake: 1 / ODDS_RATIOS.length, drift: canaryRps * (canaryRatio * Math.log(rate / floor) + good) };
  });
}

/**
 * The bets on latency: half of everything on each threshold by itself (`DominanceProcess`), half on the bins between them as
 * `ShapeProcess` bets once it has learned them.
 * @param exceededBy share of the canary's requests above the k-th threshold, falling; stable's is 1 - quantile
 */
export function latencyBets(stream: Stream, exceededBy: readonly number[]): Bet[] {
  const thresholds = QUANTILES.flatMap((quantile, k) =>
    RISK_RATIOS.map((risk) => ({
      stake: (THRESHOLD_STAKES[k] as number) / (2 * RISK_RATIOS.length),
      drift: thresholdDrift(stream, { q: 1 - quantile, p: exceededBy[k] as number, risk }),
    })),
  );
  return [...thresholds, { stake: 0.5, drift: shapeDrift(stream, exceededBy) }];
}

/** Shares of stable's and the canary's requests above a threshold, and the ratio that is bet on. */
interface Exceeding {
  readonly q: number;
  readonly p: number;
  readonly risk: number;
}

function thresholdDrift({ canaryRps, stableRps }: Stream, { q, p, risk }: Exceeding): number {
  const c = Math.min(risk * q, (1 + q) / 2);
  const m = (canaryRps * c + stableRps * q) / (canaryRps + stableRps);
  const canary = p * Math.log(c / m) + (1 - p) * Math.log((1 - c) / (1 - m));
  const stable = q * Math.log(q / m) + (1 - q) * Math.log((1 - q) / (1 - m));
  return canaryRps * canary + stableRps * stable;
}

/**
 * What `ShapeProcess` gains: the divergence of both arms' bins as far as the canary is slower, less what it costs to learn
 * them from its last requests. Free shares would cost half a nat each for as many requests as it remembers; those that may
 * only rise cost a quarter of that, as the simulations show.
 */
function shapeDrift({ canaryRps, stableRps }: Stream, exceededBy: readonly number[]): number {
  const pools: { p: number; q: number }[] = [];
  for (let bin = 0; bin <= QUANTILES.length; bin++) {
    const q = (QUANTILES[bin] ?? 1) - (QUANTILES[bin - 1] ?? 0);
    let pool = { p: (exceededBy[bin - 1] ?? 1) - (exceededBy[bin] ?? 0), q };
    // Ratios that fall are pooled, as the process pools them.
    for (let last = pools.at(-1); last !== undefined && last.p / last.q >= pool.p / pool.q; last = pools.at(-1)) {
      pool = { p: pool.p + last.p, q: pool.q + last.q };
      pools.pop();
    }
    pools.push(pool);
  }
  let drift = (-canaryRps * (pools.length - 1)) / (8 * RECENT_REQUESTS);
  for (const { p, q } of pools) {
    const m = (canaryRps * p + stableRps * q) / (canaryRps + stableRps);
    if (p > 0) drift += canaryRps * p * Math.log(p / m);
    drift += stableRps * q * Math.log(q / m);
  }
  return drift;
}

/**
 * Seconds until a mixture of these bets reaches `level`.
 * @param restartS fresh copies start so often
 * Cost: about 10^5 steps of arithmetic.
 */
export function secondsToReach(bets: readonly Bet[], level: number, restartS: number): number {
  if (bets.every(({ drift }) => drift <= 0)) return Number.POSITIVE_INFINITY;
  let late = 0.001;
  while (!reaches(bets, late, level, restartS)) {
    late *= 2;
    if (late > SECONDS_MAX) return Number.POSITIVE_INFINITY;
  }
  let early = 0;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (early + late) / 2;
    if (reaches(bets, middle, level, restartS)) late = middle;
    else early = middle;
  }
  return late;
}

/** ln of `copyWeight` of the copies that are looked at. */
const LOG_COPY_WEIGHTS = Array.from({ length: COPIES_MAX + 1 }, (_, k) => Math.log(copyWeight(k)));

/** Whether ln E along the expected path is at least `level` after `seconds`: terms only add to it, the oldest copy's the most. */
function reaches(bets: readonly Bet[], seconds: number, level: number, restartS: number): boolean {
  const copies = Math.floor(seconds / restartS);
  let logE = Math.log(unstartedWeight(copies));
  for (let k = 0; k <= Math.min(copies, COPIES_MAX); k++) {
    for (const { stake, drift } of bets) {
      logE = logAdd(logE, (LOG_COPY_WEIGHTS[k] as number) + Math.log(stake) + drift * (seconds - k * restartS));
    }
    if (logE >= level) return true;
  }
  return logE >= level;
}
