/**
 * Says a forecast in words: one sentence, and a warning for everything that the rollout would miss or never reach.
 */

import type { Forecast, ForecastStep, RolloutPolicy } from '../../../model/rollout.ts';
import { duration, share } from '../words.ts';

type Figures = Omit<Forecast, 'warnings' | 'sentence'>;

/** How a share of requests is written: two digits that matter. */
export function ratioText(ratio: number): string {
  return share(Number((100 * ratio).toPrecision(2)));
}

/** The forecast in one sentence. */
export function sentenceOf({ route, traffic, steps, rampSeconds, start }: Figures): string {
  const best = bestStep(steps);
  const ramp = rampSeconds === null ? 'a healthy canary never gets to the last step by itself' : rampText(rampSeconds);
  const found =
    best === null
      ? 'no step finds even a canary that fails everything'
      : `canary errors from ${ratioText(best.smallestErrorRatio as number)} on are found in time, at ${share(best.percent)}`;
  const from = start.least === null ? '' : `; start with ${share(rounded(start.least))} or more`;
  const { requestsPerSecond, errorRatio } = traffic;
  return `${route} at ${rounded(requestsPerSecond)} requests/s and ${ratioText(errorRatio)} errors: ${found}; ${ramp}${from}.`;
}

/** What speaks against this plan; empty when nothing does. */
export function warningsOf(figures: Figures, policy: RolloutPolicy): string[] {
  return [...blindness(figures), ...leniency(figures), ...waits(figures, policy), ...starts(figures)];
}

/** What the objective forbids and no step can tell. */
function blindness({ steps, allowedErrorRatio: allowed, toleratedErrorRatio: tolerated }: Figures): string[] {
  const best = bestStep(steps);
  if (best === null) {
    return ['this traffic cannot convict any canary within a step: give steps more weight or more time'];
  }
  const smallest = best.smallestErrorRatio as number;
  if (smallest <= Math.max(allowed, tolerated) * 1.01) return [];
  return [
    `the objective allows ${ratioText(allowed)} errors, but a canary below ${ratioText(smallest)} passes every step unnoticed ` +
      `(best at ${share(best.percent)}): longer steps or more weight would tell`,
  ];
}

/** What the policy lets pass although the objective forbids it. */
function leniency({ traffic, allowedErrorRatio: allowed, toleratedErrorRatio: tolerated }: Figures): string[] {
  if (tolerated <= allowed || traffic.errorRatio > allowed) return [];
  return [
    `a canary with ${ratioText(tolerated)} errors is tolerated (toleratedRatio, absoluteFloor), more than the ` +
      `${ratioText(allowed)} that the objective allows`,
  ];
}

/** Steps that a healthy canary would not leave in time. */
function waits({ steps }: Figures, { plan }: RolloutPolicy): string[] {
  if (plan === null) return [];
  return steps.slice(0, -1).flatMap(({ percent, staySeconds }) => {
    if (staySeconds === null) {
      return [
        `at ${share(percent)} a canary as good as stable is never proven so: stable fails too often for promotion.errorRatioMax`,
      ];
    }
    if (staySeconds * 1000 <= plan.stepMaxMs) return [];
    const what = plan.onStepMax === 'pause' ? 'pauses' : 'is rolled back';
    return [
      `at ${share(percent)} a healthy canary needs ${duration(staySeconds * 1000)} on average, more than stepMax ` +
        `${duration(plan.stepMaxMs)}: it ${what} there`,
    ];
  });
}

function starts({ start, steps }: Figures): string[] {
  const first = steps[0]?.percent ?? 0;
  if (start.least !== null && first < start.least * 0.99) {
    return [
      `the first step, ${share(first)}, is too small to find in its time a canary that spends the budget ten times too fast: ` +
        `${share(rounded(start.least))} would`,
    ];
  }
  if (first <= start.most) return [];
  return [
    `a canary that fails everything spoils more than 10 requests at ${share(first)} before anybody can notice: ` +
      `${share(rounded(start.most))} would not`,
  ];
}

/** The step with the smallest error ratio that is found. */
function bestStep(steps: readonly ForecastStep[]): ForecastStep | null {
  let best: ForecastStep | null = null;
  for (const step of steps) {
    if (step.smallestErrorRatio === null) continue;
    if (best === null || step.smallestErrorRatio < (best.smallestErrorRatio as number)) best = step;
  }
  return best;
}

function rampText(seconds: number): string {
  return seconds === 0 ? 'it is only watched' : `a healthy canary is at the last step in ${duration(seconds * 1000)}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(2));
}
