/**
 * Forecasts a rollout: what each step can find in its time, how long a healthy canary takes, with which weight to start.
 *
 * The stay of a step is that of a healthy canary: the longest of its dwell, of the time for its requests, and of the mean time
 * to the proof that it is not worse. A fault counts as found in time when the mean time to the rollback is not longer.
 * Nothing is found on the last step by comparison: there the version's own burn rate watches (version-burn.ts).
 * Pure; cost: some 10 ms per step, so nobody asks for it on every tick.
 * Source: docs/verdicts.md "Planning"; the harm of a start weight grows with the reaction time alone.
 */

import type {
  Forecast,
  ForecastFinding,
  ForecastStep,
  ForecastTraffic,
  RolloutPolicy,
} from '../../../model/rollout.ts';
import { secondsToConvict, secondsToConvictSlow, secondsToPass, toleratedErrorRatio } from './convict.ts';
import type { Stream } from './delay.ts';
import { sentenceOf, warningsOf } from './sentence.ts';

/** Error ratios that are looked at besides what the objective allows. */
const ERROR_RATIOS = [0.01, 0.05, 0.5, 1] as const;
const SLOWDOWNS = [1.5, 2] as const;
/** How many times faster than allowed a canary spends the budget that the first step is to find. */
const TARGET_BURN = 10;
/** From the first failure to weight 0 nothing is faster than two ticks. */
const REACTION_S = 0.2;
/** Requests that a canary failing everything may spoil before it can be noticed. */
const HARM_MAX = 10;
const PERCENT_MIN = 0.1;
const PERCENT_MAX = 50;
const SEARCH_STEPS = 20;
/** A canary that is only watched has one step, which nothing ends; a day is long enough to have found something. */
const WATCH_S = 86_400;

/** Which rollout it is about. */
export interface ForecastSubject {
  readonly route: string;
  readonly policy: RolloutPolicy;
  /** The canary's share of users in the configuration, in percent: the only step of a canary that is merely watched. */
  readonly configuredPercent: number;
}

/** The forecast. Every number of `traffic` is finite; requestsPerSecond > 0, 0 <= errorRatio < 1. */
export function forecast({ route, policy, configuredPercent }: ForecastSubject, traffic: ForecastTraffic): Forecast {
  const ladder = policy.plan?.steps ?? [{ percent: configuredPercent, dwellMs: WATCH_S * 1000 }];
  const steps = ladder.map(({ percent, dwellMs }, n) =>
    stepOf(percent, dwellMs / 1000, policy.plan !== null && n === ladder.length - 1, { policy, traffic }),
  );
  const ramp = policy.plan === null ? [] : steps.slice(0, -1).map(({ staySeconds }) => staySeconds);
  const result = {
    route,
    traffic,
    toleratedErrorRatio: toleratedErrorRatio(traffic.errorRatio, policy),
    allowedErrorRatio: policy.budgetRatio,
    steps,
    rampSeconds: ramp.includes(null) ? null : ramp.reduce<number>((sum, seconds) => sum + (seconds as number), 0),
    start: {
      least: leastPercent((ladder[0]?.dwellMs ?? 0) / 1000, { policy, traffic }),
      most: Math.min(100, (HARM_MAX / (traffic.requestsPerSecond * REACTION_S)) * 100),
    },
  };
  const warnings = warningsOf(result, policy);
  return { ...result, warnings, sentence: sentenceOf(result) };
}

/** What every step is computed from. */
interface Terms {
  readonly policy: RolloutPolicy;
  readonly traffic: ForecastTraffic;
}

function stepOf(percent: number, dwellS: number, isLast: boolean, terms: Terms): ForecastStep {
  const { policy, traffic } = terms;
  const stream = streamOf(percent, traffic.errorRatio, traffic);
  const { canaryRps } = stream;
  const staySeconds = stayOf(stream, dwellS, isLast, policy);
  if (isLast && stream.stableRps === 0) {
    return { percent, canaryRps, staySeconds, smallestErrorRatio: null, findings: [] };
  }
  const findings = faultsOf(terms).map((fault) => findingOf(fault, percent, staySeconds, terms));
  return { percent, canaryRps, staySeconds, smallestErrorRatio: smallestIn(percent, staySeconds, terms), findings };
}

function stayOf(stream: Stream, dwellS: number, isLast: boolean, policy: RolloutPolicy): number | null {
  const { plan } = policy;
  if (plan === null) return dwellS;
  if (isLast) return plan.bakeMs / 1000;
  const evidenceS = plan.needsEvidence ? secondsToPass(stream, policy) : 0;
  const stayS = Math.max(dwellS, plan.requestsMin / stream.canaryRps, evidenceS);
  return Number.isFinite(stayS) ? stayS : null;
}

/** What the objective allows ten times over, where that is more than what is let pass, and the usual ratios; then slowness. */
function faultsOf({ policy, traffic }: Terms): ForecastFinding['fault'][] {
  const tolerated = toleratedErrorRatio(traffic.errorRatio, policy);
  // 1 - 0.999 is not quite 0.001.
  const target = Math.min(1, Number((TARGET_BURN * policy.budgetRatio).toPrecision(9)));
  const ratios = new Set([target, ...ERROR_RATIOS]);
  const failures = [...ratios].filter((ratio) => ratio > tolerated).toSorted((a, b) => a - b);
  const slowdowns = traffic.latency === null ? [] : SLOWDOWNS.map((slowdown) => ({ slowdown }));
  return [...failures.map((errorRatio) => ({ errorRatio })), ...slowdowns];
}

function findingOf(
  fault: ForecastFinding['fault'],
  percent: number,
  staySeconds: number | null,
  { policy, traffic }: Terms,
): ForecastFinding {
  const canaryRatio = 'errorRatio' in fault ? fault.errorRatio : 1;
  const stream = streamOf(percent, 'errorRatio' in fault ? canaryRatio : traffic.errorRatio, traffic);
  const seconds =
    'errorRatio' in fault
      ? secondsToConvict(stream, policy)
      : secondsToConvictSlow(stream, fault.slowdown, traffic.latency as NonNullable<typeof traffic.latency>, policy);
  if (!Number.isFinite(seconds)) return { fault, seconds: null, harmed: null, isInTime: false };
  const harmed = seconds * stream.canaryRps * canaryRatio;
  return { fault, seconds, harmed, isInTime: staySeconds === null || seconds <= staySeconds };
}

/** The error ratio whose mean time to the rollback is the stay; null when not even a canary that fails everything is found. */
function smallestIn(percent: number, staySeconds: number | null, { policy, traffic }: Terms): number | null {
  const limit = staySeconds ?? WATCH_S;
  const seconds = (ratio: number): number => secondsToConvict(streamOf(percent, ratio, traffic), policy);
  if (seconds(1) > limit) return null;
  return search(toleratedErrorRatio(traffic.errorRatio, policy), 1, (ratio) => seconds(ratio) <= limit);
}

/** The least weight that finds the target within `limit` seconds; null when none up to half of the users does. */
function leastPercent(limit: number, { policy, traffic }: Terms): number | null {
  const tolerated = toleratedErrorRatio(traffic.errorRatio, policy);
  const target = Math.min(1, Math.max(TARGET_BURN * policy.budgetRatio, 2 * tolerated));
  const isFound = (percent: number): boolean => secondsToConvict(streamOf(percent, target, traffic), policy) <= limit;
  if (isFound(PERCENT_MIN)) return PERCENT_MIN;
  return isFound(PERCENT_MAX) ? search(PERCENT_MIN, PERCENT_MAX, isFound) : null;
}

/** The smallest number, to a millionth of the range, from which on `isEnough` holds. `isEnough(high)` does. */
function search(low: number, high: number, isEnough: (middle: number) => boolean): number {
  let [below, above] = [low, high];
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const middle = (below + above) / 2;
    if (isEnough(middle)) above = middle;
    else below = middle;
  }
  return above;
}

function streamOf(percent: number, canaryRatio: number, traffic: ForecastTraffic): Stream {
  const { requestsPerSecond, errorRatio } = traffic;
  const canaryRps = (requestsPerSecond * percent) / 100;
  return { canaryRps, stableRps: requestsPerSecond - canaryRps, canaryRatio, stableRatio: errorRatio };
}
